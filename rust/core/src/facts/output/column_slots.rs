//! Rows of columns being written.

use super::fact_column::{FactColumn, MEAN_PLACES, Values};
use crate::facts::fact::Fact;
use crate::money::Unit;

/// A run of rows of one column being written.
pub enum ColumnSlots<'a> {
    I32(&'a mut [i32]),
    U32(&'a mut [u32]),
    F64(&'a mut [f64]),
    I128(&'a mut [i128]),
}

/// Take `n` items off the front of a slice.
#[expect(clippy::mut_mut, reason = "it is the slice itself that becomes shorter")]
pub fn front<'a, T>(slice: &mut &'a mut [T], n: usize) -> &'a mut [T] {
    slice.split_off_mut(..n).expect("columns are as long as there are rows")
}

impl<'a> ColumnSlots<'a> {
    /// All rows of a column.
    pub fn of(values: &'a mut Values) -> Self {
        match values {
            Values::Dates(v) | Values::Days(v) => Self::I32(v),
            Values::Counts(v) => Self::U32(v),
            Values::Floats(v) => Self::F64(v),
            Values::Decimals(v, _) => Self::I128(v),
        }
    }

    /// Take `n` rows off the front.
    pub fn front(&mut self, n: usize) -> ColumnSlots<'a> {
        match self {
            Self::I32(slots) => ColumnSlots::I32(front(slots, n)),
            Self::U32(slots) => ColumnSlots::U32(front(slots, n)),
            Self::F64(slots) => ColumnSlots::F64(front(slots, n)),
            Self::I128(slots) => ColumnSlots::I128(front(slots, n)),
        }
    }
}

/// A column of `n` rows of a fact.
pub fn empty_column(fact: Fact, unit: Unit, n: usize, may_be_missing: bool) -> FactColumn {
    let values = match fact {
        Fact::FirstPurchase | Fact::LastPurchase => Values::Dates(vec![0; n]),
        Fact::Recency => Values::Days(vec![0; n]),
        Fact::Orders | Fact::Lines | Fact::ActiveDays => Values::Counts(vec![0; n]),
        Fact::MeanGap | Fact::LogGaps => Values::Floats(vec![0.0; n]),
        Fact::Total
        | Fact::MeanBasket
        | Fact::LastBasket
        | Fact::MaxBasket
        | Fact::FirstDayTotal
        | Fact::ReturnsTotal => match unit {
            Unit::Decimal(scale) if fact == Fact::MeanBasket => {
                Values::Decimals(vec![0; n], scale + MEAN_PLACES)
            }
            Unit::Decimal(scale) => Values::Decimals(vec![0; n], scale),
            Unit::Rounded(_) | Unit::Whole => Values::Floats(vec![0.0; n]),
        },
    };
    FactColumn { values, validity: may_be_missing.then(|| vec![true; n]) }
}
