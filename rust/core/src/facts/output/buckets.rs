//! Clients of all partitions in ascending order of their ids.
//!
//! Partitions hold clients by hash. Here they go, each with what is always kept of it, into a few
//! thousand buckets, every key of one below those of the next: one pass over the partitions, in
//! parallel. A bucket fits the second cache level, where it is then sorted by whoever writes its
//! rows. Keys are distinct (or told apart by their texts), so nothing depends on the algorithm.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::client_row::{ClientRef, ClientRow};
use crate::facts::store::{ClientKey, ClientState, ClientStore};
use crate::threads::{for_each, map_each};

/// What rows are ordered by.
pub trait RowKey: Copy + Ord + Send + Sync + 'static {
    /// Whether the words of different keys differ.
    const EXACT_WORDS: bool;

    /// A number that orders keys between these two as the keys do, or lets them tie.
    fn word(self, least: Self, most: Self) -> u64;
}

impl RowKey for u64 {
    const EXACT_WORDS: bool = true;

    #[inline]
    fn word(self, least: u64, _: u64) -> u64 {
        self - least
    }
}

impl RowKey for u128 {
    const EXACT_WORDS: bool = false;

    /// The first 64 bits after those that all keys share.
    #[inline]
    fn word(self, least: u128, most: u128) -> u64 {
        let shared = (least ^ most).leading_zeros();
        (self.checked_shl(shared).unwrap_or(0) >> 64) as u64
    }
}

/// Clients in a bucket, on average.
pub const ROWS_A_BUCKET: usize = if cfg!(test) { 4 } else { 1024 };
/// Buckets that are filled at once, at most: the ends of all of them have to stay in cache.
pub const MOST_BUCKETS: usize = 8192;
/// Beyond this many times the average, a bucket shows that keys are not spread evenly.
pub const CROWDED: usize = 16;
/// Samples taken for each bucket where they are not.
const SAMPLES: usize = 16;

/// How words become buckets.
enum Cuts {
    /// By their highest bits.
    Even { shift: u32 },
    /// By the words that samples fall apart at.
    Between(Vec<u64>),
}

impl Cuts {
    #[inline]
    fn bucket(&self, word: u64) -> usize {
        match self {
            Self::Even { shift } => (word >> shift) as usize,
            Self::Between(words) => words.partition_point(|&cut| cut <= word),
        }
    }
}

/// Rows in buckets.
pub struct Buckets<K> {
    rows: Vec<MaybeUninit<ClientRow<K>>>,
    pub ends: Vec<usize>,
}

impl<K: RowKey> Buckets<K> {
    /// Bring the clients that are shown together; the stores keep theirs only where `keep_clients`.
    pub fn fill<C: ClientKey>(
        stores: &mut [ClientStore<C>],
        keep_clients: bool,
        shown: impl Fn(&ClientState) -> bool + Sync,
        key: impl Fn(&ClientStore<C>, C::Stored) -> K + Sync,
    ) -> Self {
        let keys = |partition: usize, store: &ClientStore<C>, with: &mut dyn FnMut(K)| {
            store.each(partition, |_, id, state| {
                if shown(&state) {
                    with(key(store, id));
                }
            });
        };
        let ranges: Vec<Option<(K, K, usize)>> = map_each(&*stores, |partition, store| {
            let mut range = None;
            keys(partition, store, &mut |key| {
                let (least, most, count) = range.get_or_insert((key, key, 0));
                (*least, *most, *count) = (key.min(*least), key.max(*most), *count + 1);
            });
            range
        });
        let whole =
            ranges.into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1), a.2 + b.2));
        let Some((least, most, rows)) = whole else {
            return Self { rows: Vec::new(), ends: Vec::new() };
        };
        let word = |key: K| key.word(least, most);
        let count = |cuts: &Cuts, buckets: usize| -> Vec<Vec<u32>> {
            map_each(&*stores, |partition, store| {
                let mut counts = vec![0; buckets];
                keys(partition, store, &mut |key| counts[cuts.bucket(word(key))] += 1);
                counts
            })
        };
        // Two at least: words may take all 64 bits, and no shift leaves none of them.
        let buckets = (rows / ROWS_A_BUCKET).next_power_of_two().clamp(2, MOST_BUCKETS);
        let bits = 64 - word(most).leading_zeros();
        let mut cuts = Cuts::Even { shift: bits.saturating_sub(buckets.trailing_zeros()) };
        let mut counts = count(&cuts, buckets);
        let crowd = (0..buckets).map(|bucket| total(&counts, bucket)).max().unwrap_or(0);
        if crowd > CROWDED * rows.div_ceil(buckets) {
            let mut samples = Vec::with_capacity(SAMPLES * buckets);
            let step = (rows / (SAMPLES * buckets)).max(1);
            for (partition, store) in stores.iter().enumerate() {
                let mut rows = 0;
                keys(partition, store, &mut |key| {
                    if rows % step == 0 {
                        samples.push(word(key));
                    }
                    rows += 1;
                });
            }
            samples.sort_unstable();
            let mut words: Vec<u64> =
                (1..buckets).map(|bucket| samples[bucket * samples.len() / buckets]).collect();
            words.dedup();
            cuts = Cuts::Between(words);
            counts = count(&cuts, buckets);
        }
        let ends = starts(&mut counts);
        let rows = scatter(stores, keep_clients, rows, counts, |store, id, state| {
            shown(state).then(|| {
                let key = key(store, id);
                (key, cuts.bucket(word(key)))
            })
        });
        Self { rows, ends }
    }

    /// One bucket of some rows.
    #[cfg(test)]
    pub fn of_one(rows: Vec<ClientRow<K>>) -> Self {
        Self { ends: vec![rows.len()], rows: rows.into_iter().map(MaybeUninit::new).collect() }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Some rows, to be changed.
    pub fn rows_mut(&mut self, range: Range<usize>) -> &mut [ClientRow<K>] {
        let rows = &mut self.rows[range];
        // SAFETY: `fill` wrote every row; MaybeUninit<T> is laid out as T.
        unsafe { std::slice::from_raw_parts_mut(rows.as_mut_ptr().cast(), rows.len()) }
    }

    /// The buckets, ascending; the rows of each in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &[ClientRow<K>]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| {
            let rows = &self.rows[start..end];
            // SAFETY: `fill` wrote every row; MaybeUninit<T> is laid out as T.
            unsafe { std::slice::from_raw_parts(rows.as_ptr().cast(), rows.len()) }
        })
    }
}

/// The rows of a bucket, over all partitions.
fn total(counts: &[Vec<u32>], bucket: usize) -> usize {
    counts.iter().map(|counts| counts[bucket] as usize).sum()
}

/// Turn the counts of each partition into the rows where its part of each bucket starts, and give
/// the ends of the buckets.
fn starts(counts: &mut [Vec<u32>]) -> Vec<usize> {
    let buckets = counts.first().map_or(0, Vec::len);
    let mut next = 0_u32;
    (0..buckets)
        .map(|bucket| {
            for counts in &mut *counts {
                let count = std::mem::replace(&mut counts[bucket], next);
                next += count;
            }
            next as usize
        })
        .collect()
}

/// A pointer that workers share; each writes to rows of its own.
struct Target<K>(*mut MaybeUninit<ClientRow<K>>);

// SAFETY: the pointer is only used to write rows that no other worker writes.
unsafe impl<K: Send> Sync for Target<K> {}

/// Write the rows that `keyed` gives a key and a bucket to where `next` says.
fn scatter<C: ClientKey, K: RowKey>(
    stores: &mut [ClientStore<C>],
    keep_clients: bool,
    rows: usize,
    next: Vec<Vec<u32>>,
    keyed: impl Fn(&ClientStore<C>, C::Stored, &ClientState) -> Option<(K, usize)> + Sync,
) -> Vec<MaybeUninit<ClientRow<K>>> {
    let mut target: Vec<MaybeUninit<ClientRow<K>>> = Vec::with_capacity(rows);
    // SAFETY: rows that may be uninitialised need no initialising, and there is room for them.
    unsafe { target.set_len(rows) };
    let shared = Target(target.as_mut_ptr());
    for_each(stores.iter_mut().zip(next), |partition, (store, mut next)| {
        let shared = &shared;
        store.each(partition, |slot, id, state| {
            let Some((key, bucket)) = keyed(store, id, &state) else {
                return;
            };
            let client = ClientRef { partition: partition as u32, slot: slot as u32 };
            let row = next[bucket] as usize;
            next[bucket] += 1;
            debug_assert!(row < rows);
            // SAFETY: the starts of this partition's parts of the buckets were summed up from
            // counts of the same rows, so its rows are its own and within the target.
            unsafe {
                shared.0.add(row).write(MaybeUninit::new(ClientRow { key, state, client }));
            }
        });
        if !keep_clients {
            *store = ClientStore::new();
        }
    });
    target
}
