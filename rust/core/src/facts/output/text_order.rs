//! Texts in ascending order, by keys of fixed size.
//!
//! A key is what twelve bytes of a text tell, after those that many texts begin with. Where one
//! text begins otherwise, the keys of all others may be alike, and their rows fall into one bucket:
//! that is split by what the texts of its rows differ in.

use std::mem::take;

use super::buckets::{Buckets, CROWDED, MOST_BUCKETS, ROWS_A_BUCKET};
use super::client_row::{ClientRef, ClientRow};
use crate::threads::{ROWS_A_TASK, for_each_chunk, map_each, sort_unstable_by};

/// In place of the length of a text of which more than twelve bytes are left.
const LONG: u32 = u32::MAX;

/// The first twelve bytes that are left of a text, then how many are left: as numbers, these order
/// texts of up to twelve bytes as their bytes do, and before the longer that begin with them.
pub fn text_key(rest: &[u8]) -> u128 {
    let mut key = [0; 16];
    let inline = rest.len().min(12);
    key[..inline].copy_from_slice(&rest[..inline]);
    let length = if rest.len() <= 12 { inline as u32 } else { LONG };
    key[12..].copy_from_slice(&length.to_be_bytes());
    u128::from_be_bytes(key)
}

/// How many of the first `most` bytes two texts have in common.
#[inline]
pub fn shared_bytes(a: &[u8], b: &[u8], most: usize) -> usize {
    if a.len() >= most && b.starts_with(&a[..most]) {
        return most;
    }
    a.iter().zip(b).take_while(|(a, b)| a == b).count().min(most)
}

impl Buckets<u128> {
    /// Split buckets that far too many rows fell into; `text` gives that of a row's client.
    pub fn split_crowded<'a>(&mut self, text: impl Fn(ClientRef) -> &'a [u8] + Sync) {
        let crowd = CROWDED * ROWS_A_BUCKET.max(self.len() / MOST_BUCKETS);
        let mut start = 0;
        for end in take(&mut self.ends) {
            if end - start > crowd {
                let mut lengths = Vec::new();
                split(self.rows_mut(start..end), crowd, &text, &mut lengths);
                for length in lengths {
                    start += length;
                    self.ends.push(start);
                }
            } else {
                self.ends.push(end);
            }
            start = end;
        }
    }
}

/// Bring the rows of a bucket into the order of keys anew, and note the lengths of the buckets that
/// it falls apart into. Rows of one key stay together, and are split again if they are a crowd: they
/// have at least twelve bytes more in common.
fn split<'a>(
    rows: &mut [ClientRow<u128>],
    crowd: usize,
    text: &(impl Fn(ClientRef) -> &'a [u8] + Sync),
    lengths: &mut Vec<usize>,
) {
    let first = text(rows[0].client);
    let shared_of_chunk = |_, rows: &[ClientRow<u128>]| {
        rows.iter().fold(first.len(), |most, row| shared_bytes(first, text(row.client), most))
    };
    let shared = map_each(rows.chunks(ROWS_A_TASK), shared_of_chunk).into_iter().min().unwrap_or(0);
    for_each_chunk(rows, ROWS_A_TASK, |_, rows| {
        for row in rows {
            row.key = text_key(&text(row.client)[shared..]);
        }
    });
    sort_unstable_by(rows, |a, b| a.key.cmp(&b.key));
    let mut length = 0;
    for alike in rows.chunk_by_mut(|a, b| a.key == b.key) {
        let is_crowd = alike.len() > crowd;
        if length > 0 && (is_crowd || length >= ROWS_A_BUCKET) {
            lengths.push(take(&mut length));
        }
        if is_crowd {
            split(alike, crowd, text, lengths);
        } else {
            length += alike.len();
        }
    }
    if length > 0 {
        lengths.push(length);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::bucket_sorter::BucketSorter;
    use super::*;
    use crate::facts::store::ClientState;

    proptest! {
        /// Texts of families that begin alike, within families that begin alike.
        #[test]
        fn crowded_buckets_fall_apart_in_the_order_of_their_texts(
            texts in prop::collection::btree_set(
                prop_oneof![
                    20 => "https://shop[.]example/u/[ab]{0,14}",
                    20 => "https://shop[.]example/client of the[ab]{12,16}",
                    20 => "(a{0,30}|b{12}a{12})[ab]{0,3}",
                    1 => "[a-z\0é]{0,20}",
                ],
                1..400,
            ),
            seed: u64,
        ) {
            let texts: Vec<String> = texts.into_iter().collect();
            let mut slots: Vec<u32> = (0..texts.len() as u32).collect();
            slots.sort_by_key(|slot| crate::hash::mix_words(u64::from(*slot), seed));
            let text = |client: ClientRef| texts[client.slot as usize].as_bytes();
            let rows = slots.iter().map(|&slot| {
                let client = ClientRef { partition: 0, slot };
                ClientRow { key: text_key(text(client)), state: ClientState::NONE, client }
            });
            let mut buckets = Buckets::of_one(rows.collect());
            buckets.split_crowded(text);
            let crowd = CROWDED * ROWS_A_BUCKET;
            prop_assert!(buckets.iter().all(|bucket| bucket.len() <= 2 * crowd));
            let mut found = Vec::new();
            let tie = |a, b| text(a).cmp(text(b));
            for bucket in buckets.iter() {
                BucketSorter::default().each(bucket, tie, |row| found.push(row.client.slot));
            }
            prop_assert_eq!(found, (0..texts.len() as u32).collect::<Vec<_>>());
        }
    }
}
