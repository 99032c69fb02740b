//! Hashes of client ids, order numbers, pages and kinds, under a key of the process.
//!
//! They choose partitions and table slots only: no result depends on them, equality is always
//! checked on the ids themselves. Whoever writes ids and page addresses could otherwise choose many
//! that share a slot, and searching it would take time by the square of their number; without the key
//! nobody knows which those are.

use std::sync::atomic::{AtomicU64, Ordering};

/// An odd constant without pattern: the fractional part of the golden ratio, 2^64 / φ.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
/// A second one: the fractional part of the square root of 2, made odd.
const ROOT: u64 = 0x6A09_E667_F3BC_C909;
/// A third one: that of the square root of 3.
const THIRD: u64 = 0xBB67_AE85_84CA_A73B;

/// What words are combined with before they are multiplied, and two odd factors.
type Key = [u64; 3];

/// The key of this process. Until [`set_key`] it is one that everybody knows.
static KEY: [AtomicU64; 3] = [AtomicU64::new(ROOT), AtomicU64::new(GOLDEN), AtomicU64::new(THIRD)];

/// Derive the key of this process from a random number.
///
/// To be called before the first pass begins: what was entered in a table under one key is not found
/// under another.
pub fn set_key(random: u64) {
    for (part, value) in KEY.iter().zip(derived_key(random)) {
        part.store(value, Ordering::Relaxed);
    }
}

fn derived_key(random: u64) -> Key {
    // A factor with few bits set, or nearly all, mixes badly.
    let mixes = |factor: &u64| (24..=40).contains(&factor.count_ones());
    let draws = |stream: u64| (0..64).map(move |draw| mix_words(random ^ stream, draw) | 1);
    [
        mix_words(random, ROOT),
        draws(GOLDEN).find(mixes).unwrap_or(GOLDEN),
        draws(THIRD).find(mixes).unwrap_or(THIRD),
    ]
}

#[inline]
fn key_part(part: usize) -> u64 {
    KEY[part].load(Ordering::Relaxed)
}

#[inline]
fn key() -> Key {
    [key_part(0), key_part(1), key_part(2)]
}

/// Multiply two words and fold the 128-bit product, which mixes every input bit into the result.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Hash one word.
#[inline]
pub fn hash_word(word: u64) -> u64 {
    fold(word ^ key_part(0), key_part(1)).wrapping_mul(GOLDEN)
}

/// Hash one word by Fibonacci hashing: quick, but only the highest bits depend on all of the word.
#[inline]
pub fn fibonacci_hash(word: u64) -> u64 {
    (word ^ key_part(0)).wrapping_mul(GOLDEN)
}

/// Hash two words.
#[inline]
pub fn hash_words(low: u64, high: u64) -> u64 {
    hash_words_under(key(), low, high)
}

/// Hash a byte string of any length.
#[inline]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    hash_bytes_under(key(), bytes)
}

#[inline]
fn hash_words_under([mask, factor, last_factor]: Key, low: u64, high: u64) -> u64 {
    fold(fold(low ^ mask, factor) ^ high, last_factor).wrapping_mul(GOLDEN)
}

#[inline]
fn hash_bytes_under([mask, factor, last_factor]: Key, bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64 ^ mask;
    let (words, rest) = bytes.as_chunks();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), factor);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(state ^ u64::from_le_bytes(last), last_factor).wrapping_mul(GOLDEN)
}

/// Mix two words without the key: a number that looks random, and is the same in every process.
#[inline]
pub fn mix_words(low: u64, high: u64) -> u64 {
    fold(fold(low ^ ROOT, GOLDEN) ^ high, ROOT).wrapping_mul(GOLDEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Ids in practice are consecutive or multiples: both ends of their hashes must spread.
    #[test]
    fn regular_ids_spread_over_high_and_low_bits() {
        for step in [1_u64, 2, 64, 1000, 1 << 20, 1 << 32] {
            let mut high = [0_u32; 256];
            let mut low = HashSet::new();
            for i in 0..65_536 {
                let hash = hash_word(i * step);
                high[(hash >> 56) as usize] += 1;
                low.insert(hash as u32 & 0xF_FFFF);
            }
            let (least, most) = (high.iter().min().unwrap(), high.iter().max().unwrap());
            assert!(*least > 150 && *most < 400, "step {step}: {least} to {most}");
            assert!(low.len() > 60_000, "step {step}: {} low values", low.len());
        }
    }

    #[test]
    fn bytes_of_different_lengths_differ() {
        let hashes: HashSet<u64> = (0..64).map(|n| hash_bytes(&vec![0; n])).collect();
        assert_eq!(hashes.len(), 64);
    }

    /// The second word is the state that the first one leads to under a known key, so that the rest
    /// is hashed from zero and all hashes are equal; under another key they are like any others.
    #[test]
    fn texts_chosen_for_one_key_spread_under_another() {
        const KNOWN: Key = [ROOT, GOLDEN, THIRD];
        let number_of_hashes = |key: Key, length: u64| {
            let hash = |number: u64| {
                let first = mix_words(number, length);
                let second = fold(length ^ ROOT ^ first, GOLDEN);
                let words = [first, second, 0].map(u64::to_le_bytes).concat();
                hash_bytes_under(key, &words[..length as usize])
            };
            (0..10_000).map(hash).collect::<HashSet<u64>>().len()
        };
        let number_of_word_hashes = |key: Key| {
            let hash = |low: u64| hash_words_under(key, low, fold(low ^ ROOT, GOLDEN));
            (0..10_000).map(hash).collect::<HashSet<u64>>().len()
        };
        assert_eq!((number_of_hashes(KNOWN, 24), number_of_word_hashes(KNOWN)), (1, 1));
        for random in 0..100 {
            let key = derived_key(random);
            assert_eq!((number_of_hashes(key, 16), number_of_hashes(key, 24)), (10_000, 10_000));
            assert_eq!(number_of_word_hashes(key), 10_000);
        }
    }

    /// Regular ids spread under any key.
    #[test]
    fn derived_keys_are_good_ones() {
        let used = |bits: u64| (0..64).filter(|bit| bits >> bit & 1 == 1).count();
        for random in 0..1000 {
            let [mask, factor, last_factor] = derived_key(random);
            assert!(mask != 0 && factor != last_factor && factor % 2 == 1 && last_factor % 2 == 1);
            assert!([factor, last_factor].iter().all(|&bits| (24..=40).contains(&used(bits))));
            for step in [1_u64, 64, 1000, 1 << 20, 1 << 32] {
                let mut high = [0_u32; 64];
                for i in 0..4096 {
                    let hash = fold((i * step) ^ mask, factor).wrapping_mul(GOLDEN);
                    high[(hash >> 58) as usize] += 1;
                }
                let (least, most) = (high.iter().min().unwrap(), high.iter().max().unwrap());
                assert!(*least > 16 && *most < 160, "{random} {step}: {least} to {most}");
                let fibonacci = |i: u64| ((i * step) ^ mask).wrapping_mul(GOLDEN) >> 58;
                let highest = (0..4096).map(fibonacci).collect::<HashSet<u64>>();
                assert!(highest.len() > 60, "{random} {step}: {}", highest.len());
            }
        }
    }
}
