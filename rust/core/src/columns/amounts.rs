//! Amounts of money.

use super::integers::Integers;
use crate::money::Unit;

/// The values of the amount column.
#[derive(Debug, Clone, Copy)]
pub enum AmountValues<'a> {
    /// Floats of 64 bits.
    F64(&'a [f64]),
    /// Floats of 32 bits.
    F32(&'a [f32]),
    /// Integers.
    Integers(Integers<'a>),
    /// Decimals of a scale, unscaled.
    Decimals(&'a [i128], i8),
}

impl AmountValues<'_> {
    /// How these amounts become integers.
    pub(crate) fn unit(self, money_scale: u8) -> Unit {
        match self {
            Self::F64(_) | Self::F32(_) => Unit::Rounded(money_scale),
            Self::Integers(_) => Unit::Whole,
            Self::Decimals(_, scale) => Unit::Decimal(scale),
        }
    }
}
