//! The types of the numbers in columns, and the functions that are compiled for each.

use super::bands_by_quantiles;
use super::chunked_column::ChunkedColumn;
use super::edges::{Closed, Edge, bands_from_these_edges};
use super::linear::{Interpolation, bands_by_interpolation};
use super::rankable::Rankable;
use super::split::{PairEdge, bands_of_equal_size};
use crate::error::Result;

/// A number that columns may hold: `i32`, `i64`, `u32`, `u64`, `f32` or `f64`; narrower integers are to
/// be widened.
///
/// It has the functions of this module for its type. None of them is generic, so that they are compiled
/// here, once, rather than again by every crate that calls them.
pub trait Number: Rankable + Into<Edge> {
    #[doc(hidden)]
    fn quantile_bands(column: &ChunkedColumn<Self>, bins: usize) -> Result<(Vec<Self>, Vec<u8>)>;
    #[doc(hidden)]
    fn linear_bands(
        column: &ChunkedColumn<Self>,
        bins: usize,
        interpolation: Interpolation,
    ) -> Result<(Vec<f64>, Vec<u8>)>;
    #[doc(hidden)]
    fn split_bands(
        column: &ChunkedColumn<Self>,
        bins: usize,
    ) -> Result<(Vec<PairEdge<Self>>, Vec<u8>)>;
    #[doc(hidden)]
    fn bands_from_edges(
        column: &ChunkedColumn<Self>,
        edges: &[Edge],
        closed: Closed,
    ) -> Result<Vec<u8>>;
}

macro_rules! kernels {
    ($($type:ty)*) => {$(
        impl Number for $type {
            fn quantile_bands(column: &ChunkedColumn<Self>, bins: usize) -> Result<(Vec<Self>, Vec<u8>)> {
                bands_by_quantiles(column, bins)
            }

            fn linear_bands(column: &ChunkedColumn<Self>, bins: usize, interpolation: Interpolation) -> Result<(Vec<f64>, Vec<u8>)> {
                bands_by_interpolation(column, bins, interpolation)
            }

            fn split_bands(column: &ChunkedColumn<Self>, bins: usize) -> Result<(Vec<PairEdge<Self>>, Vec<u8>)> {
                bands_of_equal_size(column, bins)
            }

            fn bands_from_edges(column: &ChunkedColumn<Self>, edges: &[Edge], closed: Closed) -> Result<Vec<u8>> {
                bands_from_these_edges(column, edges, closed)
            }
        }
    )*};
}

kernels!(i32 i64 u32 u64 f32 f64);
