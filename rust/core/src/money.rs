//! Exact money: each amount becomes an integer, and integers are summed.

/// A sum of 64-bit integers that cannot overflow: 64 low bits and 32 bits of carry.
///
/// Twelve bytes instead of sixteen keep a client's facts within half a cache line. The sum of
/// fewer than 2^31 full-range values always fits, and so does any real base.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C, packed(4))]
pub struct Sum {
    low: i64,
    carry: i32,
}

impl Sum {
    /// Nothing.
    pub const ZERO: Self = Self { low: 0, carry: 0 };

    /// Add one amount.
    #[inline]
    pub fn add(&mut self, amount: i64) {
        let (low, overflowed) = { self.low }.overflowing_add(amount);
        self.low = low;
        if overflowed {
            self.carry += if amount > 0 { 1 } else { -1 };
        }
    }

    /// Add another sum.
    #[inline]
    pub fn merge(&mut self, other: Self) {
        self.add(other.low);
        self.carry += other.carry;
    }

    /// The sum of some low bits and a carry.
    pub fn with_carry(low: i64, carry: i32) -> Self {
        Self { low, carry }
    }

    /// Its low bits, and what they overflowed by.
    pub fn parts(self) -> (i64, i32) {
        (self.low, self.carry)
    }

    /// The sum, exact.
    #[inline]
    pub fn value(self) -> i128 {
        // Each signed overflow lost or gained exactly 2^64.
        (i128::from(self.carry) << 64) + i128::from(self.low)
    }
}

impl From<i64> for Sum {
    fn from(amount: i64) -> Self {
        Self { low: amount, carry: 0 }
    }
}

/// How the amounts of a source become integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Floats, rounded each by itself to this many decimal places, half to even.
    Rounded(u8),
    /// Integers as they are.
    Whole,
    /// Decimals of this scale, as they are.
    Decimal(i8),
}

impl Unit {
    /// How many decimal places one unit of the integers stands for.
    pub fn places(self) -> i8 {
        match self {
            Self::Rounded(places) => places as i8,
            Self::Whole => 0,
            Self::Decimal(scale) => scale,
        }
    }

    /// The number of integer units in 1.
    ///
    /// # Panics
    /// Never: scales are checked to lie in 0 to 18 where a unit is made.
    pub fn per_one(self) -> f64 {
        POWERS[self.places() as usize] as f64
    }
}

/// The powers of ten that fit an `i64`.
pub const POWERS: [i64; 19] = {
    let mut powers = [1_i64; 19];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// Adding and subtracting 1.5 × 2^52 rounds a small double to an integer, half to even, in the
/// default rounding mode; the integer then stands in the low bits of the sum.
const MAGIC: f64 = 6_755_399_441_055_744.0;
/// Below this the trick is exact.
const MAGIC_LIMIT: f64 = 2_251_799_813_685_248.0;
/// The first double above every `i64`.
const I64_LIMIT: f64 = 9_223_372_036_854_775_808.0;

/// What became of one float amount that the quick path could not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounded {
    /// The amount in integer units.
    Units(i64),
    /// NaN or infinite.
    NotFinite,
    /// Too large for 64 bits.
    Overflow,
}

/// Round amounts to integer units where all are finite and of ordinary size.
///
/// Returns false, with `units` unspecified, if any of them needs [`round_one`].
#[inline]
pub fn round_all<F: Copy + Into<f64>>(amounts: &[F], per_one: f64, units: &mut [i64]) -> bool {
    let mut ordinary = true;
    for (unit, &amount) in units.iter_mut().zip(amounts) {
        let scaled = amount.into() * per_one;
        *unit = ((scaled + MAGIC).to_bits() as i64).wrapping_sub(MAGIC.to_bits() as i64);
        ordinary &= scaled.abs() < MAGIC_LIMIT;
    }
    ordinary
}

/// Round any amount to integer units.
pub fn round_one(amount: f64, per_one: f64) -> Rounded {
    if !amount.is_finite() {
        return Rounded::NotFinite;
    }
    let scaled = (amount * per_one).round_ties_even();
    if scaled.abs() < I64_LIMIT { Rounded::Units(scaled as i64) } else { Rounded::Overflow }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_are_those_of_128_bits(amounts in prop::collection::vec(any::<i64>(), 0..200)) {
            let mut sum = Sum::default();
            let mut merged = Sum::default();
            for &amount in &amounts {
                sum.add(amount);
            }
            for part in amounts.chunks(7) {
                let mut of_part = Sum::default();
                part.iter().for_each(|&amount| of_part.add(amount));
                merged.merge(of_part);
            }
            prop_assert_eq!(sum.value(), amounts.iter().map(|&a| i128::from(a)).sum::<i128>());
            prop_assert_eq!(merged.value(), sum.value());
        }

        #[test]
        fn the_quick_rounding_is_the_plain_one(amounts in prop::collection::vec(-1e11..1e11_f64, 1..50)) {
            let mut units = vec![0; amounts.len()];
            prop_assert!(round_all(&amounts, 1e4, &mut units));
            for (&amount, &unit) in amounts.iter().zip(&units) {
                prop_assert_eq!(round_one(amount, 1e4), Rounded::Units(unit));
            }
        }
    }

    #[test]
    fn halves_go_to_even_and_the_edges_are_caught() {
        let mut units = [0; 4];
        assert!(round_all(&[0.5, 1.5, -0.5, -2.5], 1.0, &mut units));
        assert_eq!(units, [0, 2, 0, -2]);
        for odd in [f64::NAN, f64::INFINITY, MAGIC_LIMIT, -MAGIC_LIMIT] {
            assert!(!round_all(&[0.0, odd], 1.0, &mut units[..2]));
        }
        assert_eq!(round_one(f64::NAN, 1.0), Rounded::NotFinite);
        assert_eq!(round_one(9.3e18, 1.0), Rounded::Overflow);
        assert_eq!(round_one(1e308, 1e4), Rounded::Overflow);
        assert_eq!(round_one(4_503_599_627_370_497.0, 1.0), Rounded::Units(4_503_599_627_370_497));
    }
}
