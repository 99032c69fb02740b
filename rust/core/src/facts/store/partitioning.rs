//! Which partition keeps a client.

use crate::hash::fibonacci_hash;

/// Partitions of the clients: their tables stay in cache up to some tens of millions of clients.
pub const PARTITIONS: usize = 128;
const PARTITION_BITS: u32 = PARTITIONS.trailing_zeros();

/// Ids that are words go block by block: those of a block, one after the other, stay together.
pub const BLOCK_BITS: u32 = 9;
/// Words in a block.
pub const BLOCK: u64 = 1 << BLOCK_BITS;
/// A stripe is as many blocks as there are partitions, one for each.
pub const STRIPE_BITS: u32 = BLOCK_BITS + PARTITION_BITS;

/// The partition of a hash: its highest bits, where tables use the lowest.
#[inline]
pub fn partition_of_hash(hash: u64) -> usize {
    (hash >> (u64::BITS - PARTITION_BITS)) as usize
}

/// The hash that another partition is that of.
#[inline]
pub fn with_partition(hash: u64, partition: usize) -> u64 {
    let bits = u64::BITS - PARTITION_BITS;
    hash & ((1 << bits) - 1) | (partition as u64) << bits
}

/// The partition of a word.
#[inline]
pub fn partition_of_word(word: u64) -> usize {
    partition_of_block(word >> STRIPE_BITS, (word >> BLOCK_BITS) as usize % PARTITIONS)
}

/// The partition of a block of a stripe.
///
/// Every stripe goes round the partitions from another one on, so multiples of any number spread.
#[inline]
pub fn partition_of_block(stripe: u64, block: usize) -> usize {
    block ^ partition_of_hash(fibonacci_hash(stripe))
}

/// The word of a slot in a partition that keeps the blocks of the stripes from `first` on.
#[inline]
pub fn word_of_slot(first: u64, slot: u64, partition: usize) -> u64 {
    let stripe = first + (slot >> BLOCK_BITS);
    let block = partition_of_block(stripe, partition) as u64; // its own inverse
    stripe << STRIPE_BITS | block << BLOCK_BITS | slot & (BLOCK - 1)
}

/// The slot of a word in its partition, which keeps the blocks of the stripes from `first` on.
#[inline]
pub fn slot_of_word(first: u64, word: u64) -> u64 {
    let stripe = (word >> STRIPE_BITS).wrapping_sub(first);
    (stripe << BLOCK_BITS) | (word & (BLOCK - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_of_any_number_spread() {
        for step in [1_u64, 2, 3, 500, 512, 1000, 1 << 12, 100_000, 1 << 16, 1 << 20, 1 << 40] {
            let mut words = [0_u32; PARTITIONS];
            for i in 0..1 << 20 {
                words[partition_of_word(i * step)] += 1;
            }
            let (least, most) = (words.iter().min().unwrap(), words.iter().max().unwrap());
            assert!(*least > 4000 && *most < 16_384, "step {step}: {least} to {most}");
        }
    }

    #[test]
    fn slots_lead_to_words_and_back() {
        for first in [0, 5, u64::MAX >> STRIPE_BITS << 3 >> 4] {
            for (slot, partition) in [(0, 0), (511, 127), (512, 3), (70_001, 77)] {
                let word = word_of_slot(first, slot, partition);
                assert_eq!(partition_of_word(word), partition);
                assert_eq!(slot_of_word(first, word), slot);
                assert_eq!(partition_of_hash(with_partition(word, partition)), partition);
            }
        }
    }

    #[test]
    fn the_blocks_of_a_stripe_go_to_all_partitions() {
        for stripe in [0, 1, 77, u64::MAX >> STRIPE_BITS] {
            let mut seen = [false; PARTITIONS];
            for block in 0..PARTITIONS {
                let word = stripe << STRIPE_BITS | (block as u64) << BLOCK_BITS;
                assert_eq!(partition_of_word(word + 511), partition_of_block(stripe, block));
                seen[partition_of_block(stripe, block)] = true;
            }
            assert!(seen.iter().all(|&seen| seen));
        }
    }
}
