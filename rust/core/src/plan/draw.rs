//! Draws that depend on an id and a salt alone: the same in every process, for whoever joins later.

use crate::hash::mix_words;
use crate::threads::map_rows;

/// A number for each text that looks random, and that nobody can foresee without the salt.
///
/// It is not meant to hide ids: who has the salt can compute it.
///
/// # Examples
///
/// ```
/// use grc_core::plan::salted_hashes;
/// let texts = ["7".to_owned(), "007".to_owned(), "7".to_owned()];
/// let hashes = salted_hashes(&texts, "spring");
/// assert!(hashes[0] == hashes[2] && hashes[0] != hashes[1]);
/// assert_ne!(hashes, salted_hashes(&texts, "autumn"));
/// ```
pub fn salted_hashes<T: AsRef<str> + Sync>(texts: &[T], salt: &str) -> Vec<u64> {
    let begin = folded(0, salt.as_bytes());
    map_rows(texts.len(), |row| folded(begin, texts[row].as_ref().as_bytes()))
}

/// Fold bytes into a state, word by word, and their number last: no text is another's beginning.
fn folded(state: u64, bytes: &[u8]) -> u64 {
    let mut state = state;
    for word in bytes.chunks(8) {
        let mut padded = [0; 8];
        padded[..word.len()].copy_from_slice(word);
        state = mix_words(state, u64::from_le_bytes(padded));
    }
    mix_words(state, bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_hashes_is_a_share_of_the_clients_under_every_salt() {
        let ids: Vec<String> = (0..100_000).map(|id: u32| id.to_string()).collect();
        for salt in ["", "a", "spring 2026"] {
            let hashes = salted_hashes(&ids, salt);
            let drawn = hashes.iter().filter(|hash| **hash < u64::MAX / 10).count();
            assert!((9_700..10_300).contains(&drawn), "{drawn}");
        }
    }
}
