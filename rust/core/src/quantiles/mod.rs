//! Exact quantiles and the bands they cut, far faster than by sorting.
//!
//! A band of k is a share of about 1/k of the values, numbered from 1 for the smallest; 0 stands
//! for a missing value (null or NaN), and missing values do not count in N. Everything is exact
//! and depends on the values alone: neither the number of threads nor the chunks change a bit of
//! the result. Work is done in the rayon pool of the caller.

mod codes;
mod column;
mod draft;
mod edges;
mod linear;
mod scan;
mod select;
mod split;
mod value;

pub use column::Column;
pub use edges::{Closed, Cut, Edge, bands_from_edges};
pub use linear::{linear_bands, linear_edges};
pub use split::{PairEdge, bands_by_pair, split_bands};
pub use value::Value;

use crate::error::Error;

/// The values of the given ranks, 1 being the smallest of the N that are not missing; ranks may
/// come in any order and repeat. A zero is returned as `+0.0`.
///
/// Expected O(n + r log n) for r ranks, in a pass or two over the column, by sampled selection
/// (Floyd and Rivest 1975); memory for some percent of the column.
///
/// # Errors
///
/// `Error::Option` if a rank is 0 or above N.
///
/// # Examples
///
/// ```
/// use grc_core::quantiles::{Column, order_statistics};
/// let amounts = [30.0, f64::NAN, 10.0, 20.0];
/// assert_eq!(order_statistics(&Column::new(&amounts), &[1, 3])?, [10.0, 30.0]);
/// # Ok::<(), grc_core::error::Error>(())
/// ```
pub fn order_statistics<T: Value>(
    column: &Column<'_, T>,
    ranks: &[usize],
) -> Result<Vec<T>, Error> {
    let mut ascending = ranks.to_vec();
    ascending.sort_unstable();
    let (Some(first), Some(last)) = (ascending.first(), ascending.last()) else {
        return Ok(Vec::new());
    };
    let count = column.valid_count();
    if *first == 0 || *last > count {
        let rank = if *first == 0 { 0 } else { *last };
        return Err(Error::Option(format!(
            "Rank {rank} was asked for among {count} values: give ranks from 1 to {count}."
        )));
    }
    // Within the pass that only estimates the count, ranks may not pass the estimate.
    let (_, keys) = select::select(column, |n| ascending.iter().map(|r| (*r).min(n)).collect());
    let place = |rank: &usize| ascending.partition_point(|other| other < rank);
    Ok(ranks.iter().map(|rank| T::from_key(keys[place(rank)])).collect())
}

/// Quantile edges and bands, ties together: edge j of k is the order statistic of rank ⌈jN/k⌉ (the
/// inverse of the empirical distribution function, definition 1 of Hyndman and Fan 1996, "Sample
/// quantiles in statistical packages"), and band = 1 + number of edges strictly below the value.
///
/// Returns the k − 1 edges, ascending, and the band of each row, 0 where the value is missing.
/// With no value at all there are no edges. Equal values share a band, and some bands are then
/// larger and some empty. Expected O(n), two passes over the column.
///
/// # Errors
///
/// `Error::Option` if `bins` is not 2 to 100.
///
/// # Examples
///
/// ```
/// use grc_core::quantiles::{Column, quantile_bands};
/// let orders = [1u32, 1, 1, 2, 7];
/// let (edges, bands) = quantile_bands(&Column::new(&orders), 5)?;
/// assert_eq!(edges, [1, 1, 1, 2]);
/// assert_eq!(bands, [1, 1, 1, 4, 5]);
/// # Ok::<(), grc_core::error::Error>(())
/// ```
pub fn quantile_bands<T: Value>(
    column: &Column<'_, T>,
    bins: usize,
) -> Result<(Vec<T>, Vec<u8>), Error> {
    check_bins(bins)?;
    let ranks = |n: usize| match n {
        0 => Vec::new(),
        _ => (1..bins).map(|j| (j * n).div_ceil(bins)).collect(),
    };
    Ok(draft::bands(column, ranks, |_, keys| {
        let edges: Vec<T> = keys.iter().map(|key| T::from_key(*key)).collect();
        (edges.clone(), edges)
    }))
}

/// Refuses a number of bands that is not 2 to 100.
fn check_bins(bins: usize) -> Result<(), Error> {
    if (2..=100).contains(&bins) {
        return Ok(());
    }
    Err(Error::Option(format!("The number of bands is {bins}: give one from 2 to 100.")))
}
