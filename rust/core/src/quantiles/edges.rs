//! Edges between bands, and the bands of values given their edges.

use super::chunked_column::ChunkedColumn;
use super::codes::{MAX_CUTS, codes};
use super::number::Number;
use super::rankable::Rankable;
use super::select::Bound;
use crate::error::Error;

/// To which band an edge itself belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// To the band below: band = 1 + number of edges strictly below the value (quantiles).
    Right,
    /// To the band above: band = 1 + number of edges below or equal to the value (thresholds).
    Left,
}

/// An edge between bands. Comparisons are exact: an `i64` of 2⁵³ + 1 is above the edge 2⁵³ as a float.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Edge {
    /// Any integer; a column of floats is compared with the nearest `f64`.
    Integer(i128),
    /// Any number; no value is above NaN.
    Float(f64),
}

macro_rules! edges_of {
    ($variant:ident: $($type:ty)*) => {$(
        impl From<$type> for Edge {
            fn from(edge: $type) -> Self {
                Self::$variant(edge.into())
            }
        }
    )*};
}

edges_of!(Integer: i32 i64 u32 u64 i128);
edges_of!(Float: f32 f64);

/// The key that all values beyond an edge, and no others, are above.
fn bound<T: Rankable>(edge: Edge, closed: Closed) -> Bound {
    match edge {
        Edge::Integer(edge) => T::bound_of_integer(edge, closed),
        Edge::Float(edge) => bound_of_float::<T>(edge, closed),
    }
}

/// The same of an edge that is a value of the type.
pub(super) fn bound_of_value<T: Rankable>(value: T, closed: Closed) -> Bound {
    Bound::from(value.key()) - Bound::from(closed == Closed::Left)
}

/// The same of an edge that is a float.
#[allow(clippy::float_cmp)] // a value of the type is on the edge or it is not
pub(super) fn bound_of_float<T: Rankable>(edge: f64, closed: Closed) -> Bound {
    if edge.is_nan() {
        return Bound::from(T::HIGHEST.key());
    }
    match T::at_most(edge) {
        None => Bound::from(T::LOWEST.key()) - 1,
        // Between two values of the type nothing equals the edge: both closings are the same.
        Some(below) if below.to_f64() != edge || !same(below, edge) => Bound::from(below.key()),
        Some(value) => bound_of_value(value, closed),
    }
}

/// Whether an integer that rounds to `edge` is `edge`: `u64::MAX` rounds to 2⁶⁴.
fn same<T: Rankable>(value: T, edge: f64) -> bool {
    value != T::HIGHEST || edge < 9_223_372_036_854_775_808.0 || edge.is_infinite()
}

/// The band of each row: 1 + the number of edges strictly below its value, or, closed on the left,
/// 1 + the number of edges below or equal to it; 0 for a missing one.
///
/// Edges may come in any order and need not be distinct; nothing is above a NaN edge.
/// O(n · min(m, log m)) for m edges, parallel.
///
/// # Errors
///
/// `Error::Option` if there are more than 254 edges, which a `u8` could not number.
///
/// # Examples
///
/// ```
/// use grc_core::quantiles::{ChunkedColumn, Closed, bands_from_edges};
/// let days = [20u32, 21, 22];
/// let column = ChunkedColumn::new(&days);
/// assert_eq!(bands_from_edges(&column, &[21u32], Closed::Right)?, [1, 1, 2]);
/// assert_eq!(bands_from_edges(&column, &[21.0], Closed::Left)?, [1, 2, 2]);
/// # Ok::<(), grc_core::error::Error>(())
/// ```
pub fn bands_from_edges<T: Number>(
    column: &ChunkedColumn<'_, T>,
    edges: &[impl Copy + Into<Edge>],
    closed: Closed,
) -> Result<Vec<u8>, Error> {
    let edges: Vec<Edge> = edges.iter().map(|&edge| edge.into()).collect();
    T::bands_from_edges(column, &edges, closed)
}

/// The same, to be compiled for each type.
pub(super) fn bands_from_these_edges<T: Rankable>(
    column: &ChunkedColumn<'_, T>,
    edges: &[Edge],
    closed: Closed,
) -> Result<Vec<u8>, Error> {
    if edges.len() > MAX_CUTS {
        return Err(Error::Option(format!(
            "{} edges were given for bands: give at most {MAX_CUTS}.",
            edges.len(),
        )));
    }
    let (cuts, below_all) = cuts(edges, closed);
    let mut bands = codes(column, cuts);
    raise(&mut bands, below_all);
    Ok(bands)
}

/// Raises the bands of values by the edges that every value is above.
pub(super) fn raise(bands: &mut [u8], below_all: u8) {
    if below_all > 0 {
        for band in bands {
            *band += if *band == 0 { 0 } else { below_all };
        }
    }
}

/// The edges as cuts, and the number of edges that every value is above.
pub(super) fn cuts<T: Rankable>(edges: &[Edge], closed: Closed) -> (Vec<T>, u8) {
    let bounds = edges.iter().map(|edge| bound::<T>(*edge, closed));
    let (cuts, below_all): (Vec<Bound>, Vec<Bound>) =
        bounds.partition(|bound| *bound >= Bound::from(T::LOWEST.key()));
    let cuts = cuts.into_iter().map(|bound| T::from_key(bound as u64));
    (cuts.collect(), below_all.len() as u8)
}
