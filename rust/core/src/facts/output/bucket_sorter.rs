//! The rows of a bucket in ascending order.

use std::cmp::Ordering;

use super::buckets::RowKey;
use super::client_row::{ClientRef, ClientRow};

/// Scratch memory for sorting a bucket, reused from bucket to bucket.
#[derive(Debug)]
pub struct BucketSorter<K> {
    keyed: Vec<(K, u32)>,
    slots: Vec<u32>,
}

impl<K> Default for BucketSorter<K> {
    fn default() -> Self {
        Self { keyed: Vec::new(), slots: Vec::new() }
    }
}

/// Where the keys of a bucket lie closer than this many slots a row, each has a slot of its own.
const SLOTS_A_ROW: u64 = 8;
/// No row stands in this slot.
const NOBODY: u32 = u32::MAX;

impl<K: RowKey> BucketSorter<K> {
    /// Call `with` for the rows of a bucket, ascending; `tie` tells equal keys apart.
    pub fn each(
        &mut self,
        bucket: &[ClientRow<K>],
        tie: impl Fn(ClientRef, ClientRef) -> Ordering,
        mut with: impl FnMut(&ClientRow<K>),
    ) {
        let least = bucket.iter().map(|row| row.key).min();
        let most = bucket.iter().map(|row| row.key).max();
        let (Some(least), Some(most)) = (least, most) else {
            return;
        };
        let span = most.word(least, most);
        let room = SLOTS_A_ROW * bucket.len() as u64;
        if K::EXACT_WORDS && span < room {
            self.slots.clear();
            self.slots.resize(span as usize + 1, NOBODY);
            for (number, row) in bucket.iter().enumerate() {
                self.slots[row.key.word(least, most) as usize] = number as u32;
            }
            for &slot in self.slots.iter().filter(|&&slot| slot != NOBODY) {
                with(&bucket[slot as usize]);
            }
        } else {
            self.keyed.clear();
            self.keyed.extend(bucket.iter().zip(0..).map(|(row, number)| (row.key, number)));
            self.keyed.sort_unstable_by(|a, b| {
                a.0.cmp(&b.0)
                    .then_with(|| tie(bucket[a.1 as usize].client, bucket[b.1 as usize].client))
            });
            self.keyed.iter().for_each(|&(_, number)| with(&bucket[number as usize]));
        }
    }
}
