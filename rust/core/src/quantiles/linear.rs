//! Interpolated edges, equal to those of `pandas.qcut` or of R's package `rfm`.

use super::chunked_column::ChunkedColumn;
use super::edges::{Closed, Edge, cuts, raise};
use super::number::Number;
use super::rankable::Rankable;
use super::{check_bins, provisional_codes};
use crate::error::Error;

/// Whose interpolated edges are meant. Both are quantiles at j/k, interpolated linearly between the two
/// order statistics around (N − 1)·j/k (definition 7 of Hyndman and Fan 1996).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// Those of `pandas.qcut`: j/k is rounded up where k times the quotient is not j, and an edge
    /// belongs to the band below it.
    Qcut,
    /// Those of R's package `rfm`: the quantile plus 1, and an edge belongs to the band above it.
    RRfm,
}

impl Interpolation {
    /// To which band an edge itself belongs.
    #[must_use]
    pub fn closed(self) -> Closed {
        match self {
            Self::Qcut => Closed::Right,
            Self::RRfm => Closed::Left,
        }
    }
}

/// The k − 1 interior edges that `pandas.qcut(values, k)` uses (pandas 3 on `NumPy` 2), or those of R's
/// `rfm`, to the bit as `NumPy` computes them, and the band of each row by them, 0 where the value is
/// missing. With no value at all there are no edges. Expected O(n).
///
/// Where `NumPy`'s arithmetic breaks down this does not follow it:
///
/// - next to an infinity `NumPy` may give NaN; here the edge is the nearer of the two values, which
///   is the limit, and the lower one exactly at its rank;
/// - where the difference of two neighbours overflows their type (`i8` −100 and 100, `f64`
///   ±1.7e308) `NumPy`'s edge is not between them; here it is interpolated in `f64`;
/// - the sign of a zero edge is unspecified in `NumPy`, and positive or as computed here.
///
/// Bands are those of [`bands_from_edges`](super::bands_from_edges). They equal the labels of `qcut`
/// wherever its edges are distinct; integers beyond 2⁵³ are compared exactly, whereas pandas rounds them
/// to `f64` first.
///
/// # Errors
///
/// `Error::Option` if `bins` is not 2 to 100.
///
/// # Examples
///
/// ```
/// use grc_core::quantiles::{ChunkedColumn, Interpolation, linear_bands};
/// let column = ChunkedColumn::new(&[1, 2, 3, 4]);
/// let (edges, bands) = linear_bands(&column, 4, Interpolation::Qcut)?;
/// assert_eq!((edges, bands), (vec![1.75, 2.5, 3.25], vec![1, 2, 3, 4]));
/// let (edges, bands) = linear_bands(&column, 4, Interpolation::RRfm)?;
/// assert_eq!((edges, bands), (vec![2.75, 3.5, 4.25], vec![1, 1, 2, 3]));
/// # Ok::<(), grc_core::error::Error>(())
/// ```
pub fn linear_bands<T: Number>(
    column: &ChunkedColumn<'_, T>,
    bins: usize,
    interpolation: Interpolation,
) -> Result<(Vec<f64>, Vec<u8>), Error> {
    T::linear_bands(column, bins, interpolation)
}

/// The same, to be compiled for each type.
pub(super) fn bands_by_interpolation<T: Rankable>(
    column: &ChunkedColumn<'_, T>,
    bins: usize,
    interpolation: Interpolation,
) -> Result<(Vec<f64>, Vec<u8>), Error> {
    check_bins(bins)?;
    let shares = shares(bins, interpolation);
    let ((edges, below_all), mut bands) =
        provisional_codes::bands(column, &|n| ranks(&shares, n), |count, keys| {
            let mut edges = edges::<T>(&shares, count, keys);
            if interpolation == Interpolation::RRfm {
                edges.iter_mut().for_each(|edge| *edge += 1.0);
            }
            let of_floats: Vec<Edge> = edges.iter().map(|&edge| edge.into()).collect();
            let (cuts, below_all) = cuts(&of_floats, interpolation.closed());
            ((edges, below_all), cuts)
        });
    raise(&mut bands, below_all);
    Ok((edges, bands))
}

/// The ranks between which edges lie, ascending.
fn ranks(shares: &[f64], n: usize) -> Vec<usize> {
    let mut ranks: Vec<usize> = match n {
        0 => Vec::new(),
        _ => shares.iter().flat_map(|share| InterpolationPoint::of(*share, n).ranks).collect(),
    };
    ranks.sort_unstable();
    ranks
}

/// The edges, from the keys of those ranks.
fn edges<T: Rankable>(shares: &[f64], count: usize, keys: &[u64]) -> Vec<f64> {
    if count == 0 {
        return Vec::new();
    }
    let ranks = ranks(shares, count);
    let value = |rank: usize| T::from_key(keys[ranks.partition_point(|other| *other < rank)]);
    let edge = |share: &f64| {
        let at = InterpolationPoint::of(*share, count);
        interpolate(value(at.ranks[0]), value(at.ranks[1]), at.weight)
    };
    shares.iter().map(edge).collect()
}

/// `numpy.linspace(0, 1, k + 1)[1:-1]`, and `pandas.qcut`'s rounding up of it.
fn shares(bins: usize, interpolation: Interpolation) -> Vec<f64> {
    let step = 1.0 / bins as f64;
    let share = |j: usize| {
        let share = j as f64 * step;
        // Not "nearly": pandas asks for equality.
        #[allow(clippy::float_cmp)]
        let is_inexact = bins as f64 * share != j as f64;
        if interpolation == Interpolation::Qcut && is_inexact { share.next_up() } else { share }
    };
    (1..bins).map(share).collect()
}

/// The two ranks between which a quantile lies.
struct InterpolationPoint {
    /// 1-based.
    ranks: [usize; 2],
    /// How far from the first to the second.
    weight: f64,
}

impl InterpolationPoint {
    fn of(share: f64, count: usize) -> Self {
        let last = (count - 1) as f64;
        let at = last * share;
        let below = at.floor();
        if at >= last {
            // NumPy points both neighbours at −1, the last value, before it takes the weight.
            return Self { ranks: [count; 2], weight: at + 1.0 };
        }
        Self { ranks: [below as usize + 1, below as usize + 2], weight: at - below }
    }
}

/// `NumPy`'s `_lerp`: from the nearer end, so that the result is monotone in the weight.
fn interpolate<T: Rankable>(below: T, above: T, weight: f64) -> f64 {
    let (from, to) = (below.to_f64(), above.to_f64());
    let edge = match above.minus(below) {
        None => return from * (1.0 - weight) + to * weight,
        Some(difference) if weight >= 0.5 => to - difference * (1.0 - weight),
        Some(difference) => from + difference * weight,
    };
    match edge {
        edge if !edge.is_nan() => edge,
        _ if weight < 0.5 => from,
        _ => to,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges<T: Number>(values: &[T], bins: usize) -> Vec<f64> {
        linear_bands(&ChunkedColumn::new(values), bins, Interpolation::Qcut).unwrap().0
    }

    /// Bits, because "nearly" would not do.
    fn bits(edges: &[f64]) -> Vec<u64> {
        edges.iter().map(|edge| edge.to_bits()).collect()
    }

    /// `pandas.qcut(values, bins, retbins=True)[1][1:-1]`, pandas 3.1.1 with `NumPy` 2.4.6.
    #[test]
    fn edges_are_those_of_pandas_to_the_bit() {
        let spend = [8.4, 0.1, 2.9, 0.2, 1.3, 3.1, 0.7];
        let frozen =
            [0.300_000_000_000_000_1, 0.940_000_000_000_000_2, 2.260_000_000_000_002_5, 3.06];
        assert_eq!(bits(&edges(&spend, 5)), bits(&frozen));
        let single = spend.map(|value| value as f32);
        let frozen = [0.699_999_988_079_071, 2.900_000_095_367_431_6];
        assert_eq!(bits(&edges(&single, 3)), bits(&frozen));
        let orders = [3i64, 14, 15, 92, 65, 35, 89, 79];
        assert_eq!(bits(&edges(&orders, 7)), bits(&[14.0, 15.0, 35.0, 65.0, 79.0, 89.0]));
        assert_eq!(bits(&edges(&[5u32, 9], 4)), bits(&[6.0, 7.0, 8.0]));
        let big = [(1i64 << 53) + 1, (1 << 60) + 3, 7, (1 << 62) - 1];
        assert_eq!(
            bits(&edges(&big, 3)),
            bits(&[9_007_199_254_740_992.0, 1_152_921_504_606_847_000.0])
        );
    }

    #[test]
    fn edges_beside_an_infinity_are_their_limits() {
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(bits(&edges(&[low, 1.0, high], 2)), bits(&[1.0]));
        assert_eq!(bits(&edges(&[low, 1.0], 4)), bits(&[low, low, low]));
        assert_eq!(bits(&edges(&[1.0, high], 4)), bits(&[high, high, high]));
        assert_eq!(bits(&edges(&[low, high], 4)), bits(&[low, high, high]));
    }

    #[test]
    fn differences_that_overflow_are_taken_wider() {
        let far = 1 << 30;
        assert_eq!(bits(&edges(&[-2 * far, 2 * (far - 1)], 2)), bits(&[-1.0]));
        assert_eq!(bits(&edges(&[-1.5e308, 1.5e308], 4)), bits(&[-7.5e307, 0.0, 7.5e307]));
    }
}
