//! Exact quantiles and the bands they cut, far faster than by sorting.
//!
//! A band of k is a share of about 1/k of the values, numbered from 1 for the smallest; 0 stands
//! for a missing value (null or NaN), and missing values do not count in N. Everything is exact
//! and depends on the values alone: neither the number of threads nor the chunks change a bit of
//! the result. Work is done in the rayon pool of the caller.

mod chunked_column;
mod codes;
mod edges;
mod linear;
mod number;
mod provisional_codes;
mod rankable;
mod sample;
mod scan;
mod select;
mod split;

pub use chunked_column::ChunkedColumn;
pub use edges::{Closed, Edge, bands_from_edges};
pub use linear::{Interpolation, linear_bands};
pub use number::Number;
pub use split::{PairEdge, bands_by_pair, split_bands};

use crate::error::Error;
use rankable::Rankable;

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
/// use grc_core::quantiles::{ChunkedColumn, quantile_bands};
/// let orders = [1u32, 1, 1, 2, 7];
/// let (edges, bands) = quantile_bands(&ChunkedColumn::new(&orders), 5)?;
/// assert_eq!(edges, [1, 1, 1, 2]);
/// assert_eq!(bands, [1, 1, 1, 4, 5]);
/// # Ok::<(), grc_core::error::Error>(())
/// ```
pub fn quantile_bands<T: Number>(
    column: &ChunkedColumn<'_, T>,
    bins: usize,
) -> Result<(Vec<T>, Vec<u8>), Error> {
    T::quantile_bands(column, bins)
}

/// The same, to be compiled for each type.
fn bands_by_quantiles<T: Rankable>(
    column: &ChunkedColumn<'_, T>,
    bins: usize,
) -> Result<(Vec<T>, Vec<u8>), Error> {
    check_bins(bins)?;
    let ranks = |n: usize| match n {
        0 => Vec::new(),
        _ => (1..bins).map(|j| (j * n).div_ceil(bins)).collect(),
    };
    Ok(provisional_codes::bands(column, &ranks, |_, keys| {
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
