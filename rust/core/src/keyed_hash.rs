//! Hashes of texts that only who has the key can compute: for pseudonyms and codes of clients.

use blake2::Blake2bMac;
use blake2::digest::consts::U16;
use blake2::digest::{FixedOutput, KeyInit, Update};

use crate::error::{Error, Result};
use crate::threads::map_rows;

/// Bytes of a hash.
pub const HASH_BYTES: usize = 16;

/// The hash of each text under a key, for a purpose: those of two purposes have nothing in common.
///
/// `BLAKE2b` with a key (RFC 7693): without it, nobody goes back from a hash to a text, nor finds the
/// hash of one.
///
/// # Errors
/// If the key is longer than 64 bytes, which is what `BLAKE2b` takes, or empty.
///
/// # Examples
///
/// ```
/// use grc_core::keyed_hash::keyed_hashes;
/// let hashes = keyed_hashes(&["7", "12", "7"], &[1; 32], "pseudonym").unwrap();
/// assert!(hashes[0] == hashes[2] && hashes[0] != hashes[1]);
/// assert_ne!(hashes, keyed_hashes(&["7", "12", "7"], &[2; 32], "pseudonym").unwrap());
/// ```
pub fn keyed_hashes<T: AsRef<str> + Sync>(
    texts: &[T],
    key: &[u8],
    purpose: &str,
) -> Result<Vec<[u8; HASH_BYTES]>> {
    let mut begin = match Blake2bMac::<U16>::new_from_slice(key) {
        Ok(state) if !key.is_empty() => state,
        _ => return Err(Error::Option("the key of a hash must have 1 to 64 bytes".to_owned())),
    };
    // The length first: no purpose and text are another's.
    begin.update(&(purpose.len() as u64).to_le_bytes());
    begin.update(purpose.as_bytes());
    Ok(map_rows(texts.len(), |row| {
        let mut state = begin.clone();
        state.update(texts[row].as_ref().as_bytes());
        state.finalize_fixed().into()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_purpose_and_text_are_those_of_another() {
        let key = [7; 64];
        let hash = |purpose, text| keyed_hashes(&[text], &key, purpose).unwrap()[0];
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
        assert_ne!(hash("ab", ""), hash("", "ab"));
    }

    #[test]
    fn a_key_that_the_hash_does_not_take_is_refused() {
        assert!(keyed_hashes(&["a"], &[], "x").is_err());
        assert!(keyed_hashes(&["a"], &[0; 65], "x").is_err());
    }
}
