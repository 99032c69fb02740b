//! Which partition keeps a client.

use crate::hash::fibonacci_hash;

/// Partitions of the clients: their tables stay in cache up to some tens of millions of clients.
pub(super) const PARTITIONS: usize = 128;
const PARTITION_BITS: u32 = PARTITIONS.trailing_zeros();

/// Ids that are numbers go page by page: those of a page, one after the other, stay together.
pub(super) const PAGE_BITS: u32 = 9;
/// Numbers in a page.
pub(super) const PAGE: u64 = 1 << PAGE_BITS;
/// A stretch is as many pages as there are partitions, one for each.
pub(super) const STRETCH_BITS: u32 = PAGE_BITS + PARTITION_BITS;

/// The partition of a hash: its highest bits, where tables use the lowest.
#[inline]
pub(super) fn partition_of_hash(hash: u64) -> usize {
    (hash >> (u64::BITS - PARTITION_BITS)) as usize
}

/// The hash that another partition is that of.
#[inline]
pub(super) fn with_partition(hash: u64, partition: usize) -> u64 {
    let bits = u64::BITS - PARTITION_BITS;
    hash & ((1 << bits) - 1) | (partition as u64) << bits
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
    page ^ partition_of_hash(fibonacci_hash(stretch))
}

/// The number at a place of a partition that keeps the pages of stretches from `first` on.
#[inline]
pub(super) fn number_at(first: u64, place: u64, partition: usize) -> u64 {
    let stretch = first + (place >> PAGE_BITS);
    let page = partition_of_page(stretch, partition) as u64; // its own inverse
    stretch << STRETCH_BITS | page << PAGE_BITS | place & (PAGE - 1)
}

/// The place of a number in its partition, which keeps the pages of stretches from `first` on.
#[inline]
pub(super) fn place_of_number(first: u64, number: u64) -> u64 {
    let stretch = (number >> STRETCH_BITS).wrapping_sub(first);
    (stretch << PAGE_BITS) | (number & (PAGE - 1))
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
    fn places_lead_to_numbers_and_back() {
        for first in [0, 5, u64::MAX >> STRETCH_BITS << 3 >> 4] {
            for (place, partition) in [(0, 0), (511, 127), (512, 3), (70_001, 77)] {
                let number = number_at(first, place, partition);
                assert_eq!(partition_of_number(number), partition);
                assert_eq!(place_of_number(first, number), place);
                assert_eq!(partition_of_hash(with_partition(number, partition)), partition);
            }
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
