//! Bands of equal size, ties split by row: SQL's NTILE, and its edges as pairs of value and row.

use std::cmp::Ordering;

use super::chunked_column::{ChunkedColumn, split_like};
use super::codes::BandCuts;
use super::edges::{Closed, Edge, bands_from_edges};
use super::number::Number;
use super::rankable::Rankable;
use super::scan::count_by_table;
use super::{check_bins, select};
use crate::error::Error;
use crate::threads::{ROWS_A_TASK, for_each_chunk, map_each};

/// The last member of a band: its value, and its row in the column.
pub type PairEdge<T> = (T, usize);

/// SQL's `NTILE(bins)` ordered by (value, row): bands as equal as can be, the first N mod k one
/// larger. Rows ascend by client id, so a tie goes by client id.
///
/// Returns the last member of each of the first k − 1 bands (of an empty band, the last value of
/// all; none with no value at all), and the band of each row, 0 where the value is missing.
/// Missing values take no part. Expected O(n), by order statistics and a count of their ties.
///
/// # Errors
///
/// `Error::Option` if `bins` is not 2 to 100.
///
/// # Examples
///
/// ```
/// use grc_core::quantiles::{ChunkedColumn, split_bands};
/// let orders = [1u32, 1, 1, 1, 2];
/// let (edges, bands) = split_bands(&ChunkedColumn::new(&orders), 2)?;
/// assert_eq!(edges, [(1, 2)]);
/// assert_eq!(bands, [1, 1, 1, 2, 2]);
/// # Ok::<(), grc_core::error::Error>(())
/// ```
pub fn split_bands<T: Number>(
    column: &ChunkedColumn<'_, T>,
    bins: usize,
) -> Result<(Vec<PairEdge<T>>, Vec<u8>), Error> {
    T::split_bands(column, bins)
}

/// The same, to be compiled for each type.
pub(super) fn bands_of_equal_size<T: Rankable>(
    column: &ChunkedColumn<'_, T>,
    bins: usize,
) -> Result<(Vec<PairEdge<T>>, Vec<u8>), Error> {
    check_bins(bins)?;
    let ranks = |n: usize| match n {
        0 => Vec::new(),
        _ => (1..bins).map(|j| j * (n / bins) + j.min(n % bins)).collect(),
    };
    let (count, keys) = select::select(column, &ranks);
    if count == 0 {
        return Ok((Vec::new(), vec![0; column.len()]));
    }
    // Each edge value is alone between two cuts, so its ties have a code of their own.
    let lowest = T::LOWEST.key();
    let alone = keys.iter().filter(|key| **key > lowest).map(|key| key - 1).chain(keys.clone());
    let mut cuts: Vec<u64> = alone.collect();
    cuts.sort_unstable();
    cuts.dedup();
    let pieces = column.pieces();
    let kernel = BandCuts::new(cuts.iter().map(|key| T::from_key(*key)).collect());
    let mut bands = vec![0; column.len()];
    let parts = pieces.iter().zip(split_like(&pieces, &mut bands));
    let counts = map_each(parts, |_, (piece, codes)| {
        piece.write_codes(&kernel, codes);
        let mut counts = vec![0; cuts.len() + 2];
        codes.chunks(1 << 12).for_each(|codes| count_by_table(codes, &mut counts));
        counts
    });
    let (before, totals) = running_sums(&counts, cuts.len() + 2);
    let table = SplitTable::new(&keys, &cuts, &totals, &ranks(count));
    let parts = pieces.iter().zip(split_like(&pieces, &mut bands)).zip(before);
    let last = map_each(parts, |_, ((piece, codes), before)| table.apply(codes, before, piece.row));
    let mut edges: Vec<PairEdge<T>> = keys.iter().map(|key| (T::from_key(*key), 0)).collect();
    for (edge, row) in last.into_iter().flatten() {
        edges[edge].1 = row;
    }
    Ok((edges, bands))
}

/// For each piece the count of each code in the pieces before it, and the counts of all.
fn running_sums(counts: &[Vec<usize>], codes: usize) -> (Vec<Vec<usize>>, Vec<usize>) {
    let mut sum = vec![0; codes];
    let mut before = Vec::with_capacity(counts.len());
    for piece in counts {
        before.push(sum.clone());
        for (sum, count) in sum.iter_mut().zip(piece) {
            *sum += count;
        }
    }
    (before, sum)
}

/// From the code of a row, and how many rows before it have the same, to its band.
struct SplitTable {
    /// The band of a code's first row.
    first_band: Vec<u8>,
    /// For each code the edges among its ties: (how many ties up to the edge, number of the edge).
    ties: Vec<Vec<(usize, usize)>>,
}

impl SplitTable {
    fn new(keys: &[u64], cuts: &[u64], totals: &[usize], ranks: &[usize]) -> Self {
        let code = |key: u64| 1 + cuts.partition_point(|cut| *cut < key);
        let mut ties = vec![Vec::new(); totals.len()];
        for (edge, (key, rank)) in keys.iter().zip(ranks).enumerate() {
            // Code 0 is missing.
            let below: usize = totals[1..code(*key)].iter().sum();
            ties[code(*key)].push((rank - below, edge));
        }
        let first_band = (0..totals.len())
            .map(|other| match other {
                0 => 0,
                _ => 1 + keys.iter().filter(|key| code(**key) < other).count() as u8,
            })
            .collect();
        Self { first_band, ties }
    }

    /// Turns codes into bands; returns the edges met, each with its row.
    fn apply(&self, codes: &mut [u8], mut seen: Vec<usize>, row: usize) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let has_edge: Vec<bool> = self.ties.iter().map(|ties| !ties.is_empty()).collect();
        let mut passed: Vec<usize> = (self.ties.iter().zip(&seen))
            .map(|(ties, seen)| ties.partition_point(|(upto, _)| upto <= seen))
            .collect();
        for (i, slot) in codes.iter_mut().enumerate() {
            let code = usize::from(*slot);
            *slot = self.first_band[code];
            if has_edge[code] {
                *slot += passed[code] as u8;
                seen[code] += 1;
                let edges = &self.ties[code][passed[code]..];
                for (_, edge) in edges.iter().take_while(|(upto, _)| *upto == seen[code]) {
                    found.push((*edge, row + i));
                    passed[code] += 1;
                }
            }
        }
        found
    }
}

/// The band of each row given frozen (value, client id) edges: 1 + the number of edges strictly
/// below (value, client id of the row), 0 for a missing value.
///
/// `id_cmp(row, edge)` compares the client id of a row with that of an edge; it is asked only where
/// the values are equal. Edges ascend by value, NaN excepted, which nothing reaches. O(n · log m).
///
/// # Errors
///
/// `Error::Option` if there are more than 254 edges.
///
/// # Examples
///
/// ```
/// use grc_core::quantiles::{ChunkedColumn, bands_by_pair};
/// let (orders, ids) = ([1u32, 1, 1, 2], [10, 11, 12, 13]);
/// let (edges, edge_ids) = ([1u32], [11]);
/// let compare = |row: usize, edge: usize| ids[row].cmp(&edge_ids[edge]);
/// assert_eq!(bands_by_pair(&ChunkedColumn::new(&orders), compare, &edges)?, [1, 1, 2, 2]);
/// # Ok::<(), grc_core::error::Error>(())
/// ```
pub fn bands_by_pair<T: Number>(
    column: &ChunkedColumn<'_, T>,
    id_cmp: impl Fn(usize, usize) -> Ordering + Sync,
    edges: &[impl Copy + Into<Edge>],
) -> Result<Vec<u8>, Error> {
    let mut bands = bands_from_edges(column, edges, Closed::Right)?;
    let reached = bands_from_edges(column, edges, Closed::Left)?;
    for_each_chunk(&mut bands, ROWS_A_TASK, |first, bands| {
        for (row, band) in (first..).zip(bands) {
            // Between the edges below the value and those it reaches are those it equals.
            let equal = usize::from(*band)..usize::from(reached[row]);
            *band += equal.filter(|edge| id_cmp(row, edge - 1) == Ordering::Greater).count() as u8;
        }
    });
    Ok(bands)
}
