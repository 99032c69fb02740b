//! Hashes of client ids and order numbers.
//!
//! They choose partitions and table slots only: no result depends on them, equality is always
//! checked on the ids themselves.

/// An odd constant without pattern: the fractional part of the golden ratio, 2^64 / φ.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
/// A second one: the fractional part of the square root of 2, made odd.
const ROOT: u64 = 0x6A09_E667_F3BC_C909;

/// Multiply two words and fold the 128-bit product, which mixes every input bit into the result.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Hash one word.
#[inline]
pub fn hash_word(word: u64) -> u64 {
    fold(word ^ ROOT, GOLDEN).wrapping_mul(GOLDEN)
}

/// Hash one small word by Fibonacci hashing: quick, but only the highest bits depend on all of the word.
#[inline]
pub fn fibonacci_hash(word: u64) -> u64 {
    word.wrapping_mul(GOLDEN)
}

/// Hash two words.
#[inline]
pub fn hash_words(low: u64, high: u64) -> u64 {
    fold(fold(low ^ ROOT, GOLDEN) ^ high, ROOT).wrapping_mul(GOLDEN)
}

/// Hash a byte string of any length.
#[inline]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64 ^ ROOT;
    let (words, rest) = bytes.as_chunks();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), GOLDEN);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(state ^ u64::from_le_bytes(last), ROOT).wrapping_mul(GOLDEN)
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
}
