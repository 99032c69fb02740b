//! The numbers a column may hold, and the order they share.

use std::fmt::Debug;

use super::edges::{Closed, bound_of_float, bound_of_value};
use super::select::Bound;
use crate::prefetch::prefetch;

/// A number that can be ranked: one that columns may hold, or the code of one.
///
/// The order is the numeric one: `-0.0` equals `0.0`, the infinities are ordinary values, and NaN
/// is no value at all (missing). Each value has a 64-bit [`key`](Rankable::key) whose integer order
/// is that order, consecutive keys being consecutive values of the type; selection works on keys,
/// so that one copy of it serves every type.
pub trait Rankable: Copy + PartialOrd + Debug + Send + Sync + 'static {
    /// The smallest value, −∞ for floats.
    const LOWEST: Self;
    /// The largest value, +∞ for floats.
    const HIGHEST: Self;

    /// Whether this stands for no value (NaN).
    fn is_missing(self) -> bool;

    /// The position of a value in the type's order; both zeros have the same. Meaningless for NaN.
    fn key(self) -> u64;

    /// The value of a key; a zero comes back positive.
    fn from_key(key: u64) -> Self;

    /// The nearest `f64` (ties to even).
    fn to_f64(self) -> f64;

    /// `self − lower`, taken in the type itself as `NumPy` does, then widened. `None` where that
    /// overflows though both values are finite.
    fn minus(self, lower: Self) -> Option<f64>;

    /// The largest value that is not above `edge` (not NaN): `v > edge` just when `v` is above it.
    /// `None` if every value is above.
    fn at_most(edge: f64) -> Option<Self>;

    /// The key that all values beyond an integer edge, and no others, are above.
    #[doc(hidden)]
    fn bound_of_integer(edge: i128, closed: Closed) -> Bound {
        bound_of_float::<Self>(edge as f64, closed)
    }

    /// Writes for each value 1 + the number of cuts below it, or 0 for NaN. At most 254 cuts.
    /// `next` is what will be compared next.
    #[doc(hidden)]
    fn compare_all<const M: usize>(
        values: &[Self],
        next: &[Self],
        cuts: &[Self; M],
        codes: &mut [u8],
    );
}

/// What the types share. The counter of `compare_all` is as wide as the value, so that it stays in
/// the lanes of the comparison, and goes through memory, so that compilers narrow once a value
/// rather than once a comparison.
macro_rules! comparisons {
    ($type:ty, $lane:ty) => {
        #[inline(always)]
        #[allow(clippy::inline_always)] // takes the instruction set of its caller
        fn compare_all<const M: usize>(
            values: &[Self],
            next: &[Self],
            cuts: &[Self; M],
            codes: &mut [u8],
        ) {
            const LANES: usize = 64;
            let mut wide = [0 as $lane; LANES];
            let groups = values.chunks(LANES).zip(codes.chunks_mut(LANES));
            for (n, (values, codes)) in groups.enumerate() {
                // A few lines at a time: asked for all at once, they would be waited for.
                for line in 0..size_of::<$type>() {
                    prefetch(next, n * LANES + line * (64 / size_of::<$type>()));
                }
                for (value, wide) in values.iter().zip(&mut wide) {
                    let mut above: $lane = 1;
                    for cut in cuts {
                        above += <$lane>::from(*value > *cut);
                    }
                    *wide = if value.is_missing() { 0 } else { above };
                }
                for (wide, code) in wide.iter().zip(codes) {
                    *code = *wide as u8;
                }
            }
        }
    };
}

macro_rules! integers {
    ($($type:ty, $lane:ty, $flip:expr, $wide:ty;)*) => {$(
        impl Rankable for $type {
            const LOWEST: Self = <$type>::MIN;
            const HIGHEST: Self = <$type>::MAX;

            #[inline]
            fn is_missing(self) -> bool {
                false
            }

            #[inline]
            #[allow(clippy::cast_lossless)] // one macro for signed and unsigned
            fn key(self) -> u64 {
                (self as $wide as u64) ^ $flip
            }

            #[inline]
            fn from_key(key: u64) -> Self {
                (key ^ $flip) as $type
            }

            #[inline]
            #[allow(clippy::cast_lossless)]
            fn to_f64(self) -> f64 {
                self as f64
            }

            #[inline]
            #[allow(clippy::cast_lossless)]
            fn minus(self, lower: Self) -> Option<f64> {
                self.checked_sub(lower).map(|difference| difference as f64)
            }

            #[allow(clippy::cast_lossless)]
            fn at_most(edge: f64) -> Option<Self> {
                let floor = edge.floor();
                // The type's bounds are powers of two (or one less): exact once rounded up.
                // The cast saturates, so an edge above the type gives its largest value.
                (floor >= <$type>::MIN as f64).then_some(floor as $type)
            }

            fn bound_of_integer(edge: i128, closed: Closed) -> Bound {
                match <$type>::try_from(edge) {
                    Ok(value) => bound_of_value(value, closed),
                    Err(_) if edge < 0 => Bound::from(Self::LOWEST.key()) - 1,
                    Err(_) => Bound::from(Self::HIGHEST.key()),
                }
            }

            comparisons!($type, $lane);
        }
    )*};
}

const SIGN: u64 = 1 << 63;

integers! {
    i32, u32, SIGN, i64;
    i64, u64, SIGN, i64;
    u8, u8, 0, u64;
    u32, u32, 0, u64;
    u64, u64, 0, u64;
}

macro_rules! floats {
    ($($type:ty, $lane:ty, $signed:ty;)*) => {$(
        impl Rankable for $type {
            const LOWEST: Self = <$type>::NEG_INFINITY;
            const HIGHEST: Self = <$type>::INFINITY;

            #[inline]
            fn is_missing(self) -> bool {
                self.is_nan()
            }

            // Sign and magnitude become two's complement: the zeros meet, neighbours stay so.
            #[inline]
            #[allow(clippy::cast_lossless)]
            fn key(self) -> u64 {
                let bits = self.to_bits() as $signed;
                let magnitude = bits & <$signed>::MAX;
                let sign = bits >> (<$signed>::BITS - 1);
                (((magnitude ^ sign) - sign) as i64 as u64) ^ SIGN
            }

            #[inline]
            fn from_key(key: u64) -> Self {
                let signed = (key ^ SIGN) as i64;
                let magnitude = <$type>::from_bits(signed.unsigned_abs() as $lane);
                if signed < 0 { -magnitude } else { magnitude }
            }

            #[inline]
            #[allow(clippy::cast_lossless)]
            fn to_f64(self) -> f64 {
                self as f64
            }

            #[inline]
            #[allow(clippy::cast_lossless)]
            fn minus(self, lower: Self) -> Option<f64> {
                let difference = self - lower;
                let overflows = difference.is_infinite() && self.is_finite() && lower.is_finite();
                (!overflows).then_some(difference as f64)
            }

            #[allow(clippy::cast_lossless)]
            fn at_most(edge: f64) -> Option<Self> {
                let nearest = edge as $type;
                Some(if nearest as f64 > edge { nearest.next_down() } else { nearest })
            }

            comparisons!($type, $lane);
        }
    )*};
}

floats! {
    f32, u32, i32;
    f64, u64, i64;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_keep_the_order<T: Rankable>(ascending: &[T]) {
        for pair in ascending.windows(2) {
            assert!(pair[0].key() < pair[1].key(), "{pair:?}");
        }
        for value in ascending {
            assert!(T::from_key(value.key()) == *value);
        }
    }

    #[test]
    fn keys_are_in_numeric_order() {
        keys_keep_the_order(&[i32::MIN, -1, 0, 1, i32::MAX]);
        keys_keep_the_order(&[i64::MIN, -1, 0, 1, i64::MAX]);
        keys_keep_the_order(&[0, 1, u64::MAX]);
        keys_keep_the_order(&[f64::NEG_INFINITY, f64::MIN, -5e-324, 0.0, 5e-324, f64::INFINITY]);
        keys_keep_the_order(&[f32::NEG_INFINITY, -1e-45, -0.0, 1e-45, f32::MAX, f32::INFINITY]);
    }

    #[test]
    fn both_zeros_have_one_key_and_come_back_positive() {
        assert_eq!((-0.0f64).key(), 0.0f64.key());
        assert!(f64::from_key((-0.0f64).key()).is_sign_positive());
        assert_eq!((-0.0f32).key(), 0.0f32.key());
    }

    #[test]
    fn consecutive_keys_are_consecutive_values() {
        assert_eq!(f64::from_key(1.5f64.key() - 1).to_bits(), 1.5f64.next_down().to_bits());
        assert_eq!(f64::from_key(0.0f64.key() - 1).to_bits(), (-5e-324f64).to_bits());
        assert_eq!(i32::from_key(0i32.key() - 1), -1);
    }

    #[test]
    fn edges_are_rounded_down_into_the_type() {
        assert_eq!(i32::at_most(-2_147_483_648.5), None);
        assert_eq!(i32::at_most(1e10), Some(i32::MAX));
        assert_eq!(i32::at_most(-1.5), Some(-2));
        assert_eq!(u64::at_most(-0.0), Some(0));
        assert_eq!(i64::at_most(9_223_372_036_854_775_808.0), Some(i64::MAX));
        assert_eq!(f32::at_most(0.1).map(f32::to_bits), Some(0.1f32.next_down().to_bits()));
        assert_eq!(f32::at_most(1e300), Some(f32::MAX));
        assert_eq!(f32::at_most(-1e300), Some(f32::NEG_INFINITY));
    }
}
