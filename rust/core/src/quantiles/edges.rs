//! Edges between bands, and the bands of values given their edges.

use super::chunked_column::ChunkedColumn;
use super::codes::codes;
use super::rankable::Rankable;
use crate::error::Error;

/// To which band an edge itself belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// To the band below: band = 1 + number of edges strictly below the value (quantiles).
    Right,
    /// To the band above: band = 1 + number of edges below or equal to the value (thresholds).
    Left,
}

/// Where an edge falls among the values of a type.
#[derive(Debug, Clone, Copy, PartialEq)]
#[doc(hidden)]
pub enum EdgeCut<T> {
    /// Every value is above.
    All,
    /// The values strictly above this one are.
    Above(T),
    /// No value is.
    None,
}

/// An edge between bands of a column of `T`: a `T`, an `f64`, or, for integers, an `i128` (any
/// integer). Comparisons are exact: an `i64` of 2⁵³ + 1 is above the edge 2⁵³ as `f64`.
pub trait Edge<T>: Copy + Send + Sync {
    #[doc(hidden)]
    fn cut(self, closed: Closed) -> EdgeCut<T>;
}

/// The values above (or from) `value`.
fn cut_at<T: Rankable>(value: T, closed: Closed) -> EdgeCut<T> {
    if closed == Closed::Right {
        return EdgeCut::Above(value);
    }
    match value.key() {
        key if key == T::LOWEST.key() => EdgeCut::All,
        key => EdgeCut::Above(T::from_key(key - 1)),
    }
}

/// No value is above a NaN edge.
#[allow(clippy::float_cmp)] // a value of the type is on the edge or it is not
fn cut_at_f64<T: Rankable>(edge: f64, closed: Closed) -> EdgeCut<T> {
    if edge.is_nan() {
        return EdgeCut::None;
    }
    match T::at_most(edge) {
        None => EdgeCut::All,
        // Between two values of the type nothing equals the edge: both closings are the same.
        Some(below) if below.to_f64() != edge || !same(below, edge) => EdgeCut::Above(below),
        Some(value) => cut_at(value, closed),
    }
}

/// Whether an integer that rounds to `edge` is `edge`: `u64::MAX` rounds to 2⁶⁴.
fn same<T: Rankable>(value: T, edge: f64) -> bool {
    value != T::HIGHEST || edge < 9_223_372_036_854_775_808.0 || edge.is_infinite()
}

macro_rules! own_edges {
    ($($type:ty)*) => {$(
        impl Edge<$type> for $type {
            fn cut(self, closed: Closed) -> EdgeCut<$type> {
                if self.is_missing() { EdgeCut::None } else { cut_at(self, closed) }
            }
        }
    )*};
}

macro_rules! float_edges {
    ($($type:ty)*) => {$(
        impl Edge<$type> for f64 {
            fn cut(self, closed: Closed) -> EdgeCut<$type> {
                cut_at_f64(self, closed)
            }
        }
    )*};
}

macro_rules! integer_edges {
    ($($type:ty)*) => {$(
        impl Edge<$type> for i128 {
            fn cut(self, closed: Closed) -> EdgeCut<$type> {
                match <$type>::try_from(self) {
                    Ok(value) => cut_at(value, closed),
                    Err(_) if self < 0 => EdgeCut::All,
                    Err(_) => EdgeCut::None,
                }
            }
        }
    )*};
}

own_edges!(i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);
float_edges!(i8 i16 i32 i64 u8 u16 u32 u64 f32);
integer_edges!(i8 i16 i32 i64 u8 u16 u32 u64);

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
pub fn bands_from_edges<T: Rankable, E: Edge<T>>(
    column: &ChunkedColumn<'_, T>,
    edges: &[E],
    closed: Closed,
) -> Result<Vec<u8>, Error> {
    let (cuts, below_all) = cuts(edges, closed)?;
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
pub(super) fn cuts<T: Rankable, E: Edge<T>>(
    edges: &[E],
    closed: Closed,
) -> Result<(Vec<T>, u8), Error> {
    if edges.len() > super::codes::MAX_CUTS {
        return Err(Error::Option(format!(
            "{} edges were given for bands: give at most {}.",
            edges.len(),
            super::codes::MAX_CUTS
        )));
    }
    Ok(few_cuts(edges, closed))
}

/// The same of edges that are few enough.
pub(super) fn few_cuts<T: Rankable, E: Edge<T>>(edges: &[E], closed: Closed) -> (Vec<T>, u8) {
    let (mut cuts, mut below_all) = (Vec::with_capacity(edges.len()), 0);
    for edge in edges {
        match edge.cut(closed) {
            EdgeCut::All => below_all += 1,
            EdgeCut::Above(value) => cuts.push(value),
            EdgeCut::None => {}
        }
    }
    (cuts, below_all)
}
