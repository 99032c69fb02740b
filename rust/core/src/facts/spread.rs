//! Which partition keeps a client.

use crate::hash::turn_word;

/// Partitions of the clients: their tables stay in cache up to some tens of millions of clients.
pub(super) const PARTITIONS: usize = 128;
const PARTITION_BITS: u32 = PARTITIONS.trailing_zeros();

/// Ids that are numbers go page by page: those of a page, one after the other, stay together.
pub(super) const PAGE_BITS: u32 = 9;
/// A stretch is as many pages as there are partitions, one for each.
pub(super) const STRETCH_BITS: u32 = PAGE_BITS + PARTITION_BITS;

/// The partition of a hash: its highest bits, where tables use the lowest.
#[inline]
pub(super) fn partition_of_hash(hash: u64) -> usize {
    (hash >> (u64::BITS - PARTITION_BITS)) as usize
}

/// The partition of a number.
#[inline]
pub(super) fn partition_of_number(number: u64) -> usize {
    partition_of_page(number >> STRETCH_BITS, (number >> PAGE_BITS) as usize % PARTITIONS)
}

/// The partition of a page of a stretch.
///
/// Every stretch goes round the partitions from another one on, so multiples of any number spread.
#[inline]
pub(super) fn partition_of_page(stretch: u64, page: usize) -> usize {
    page ^ partition_of_hash(turn_word(stretch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_of_any_number_spread() {
        for step in [1_u64, 2, 3, 500, 512, 1000, 1 << 12, 100_000, 1 << 16, 1 << 20, 1 << 40] {
            let mut numbers = [0_u32; PARTITIONS];
            for i in 0..1 << 20 {
                numbers[partition_of_number(i * step)] += 1;
            }
            let (least, most) = (numbers.iter().min().unwrap(), numbers.iter().max().unwrap());
            assert!(*least > 4000 && *most < 16_384, "step {step}: {least} to {most}");
        }
    }

    #[test]
    fn the_pages_of_a_stretch_go_to_all_partitions() {
        for stretch in [0, 1, 77, u64::MAX >> STRETCH_BITS] {
            let mut seen = [false; PARTITIONS];
            for page in 0..PARTITIONS {
                let number = stretch << STRETCH_BITS | (page as u64) << PAGE_BITS;
                assert_eq!(partition_of_number(number + 511), partition_of_page(stretch, page));
                seen[partition_of_page(stretch, page)] = true;
            }
            assert!(seen.iter().all(|&seen| seen));
        }
    }
}
