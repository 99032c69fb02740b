//! Facts as columns.

/// The values of a fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Days since 1970-01-01.
    Dates(Vec<i32>),
    /// A number of days.
    Days(Vec<i32>),
    /// Counts.
    Counts(Vec<u32>),
    /// Money, or means, as floats.
    Floats(Vec<f64>),
    /// Money of a decimal source, unscaled, and its scale.
    Decimals(Vec<i128>, i8),
}

/// A fact of every client.
#[derive(Debug, Clone, PartialEq)]
pub struct FactColumn {
    /// The values.
    pub values: Values,
    /// Which are there; none where all are.
    pub validity: Option<Vec<bool>>,
}

impl FactColumn {
    /// Leave out which values are there where all are.
    pub(super) fn drop_full_validity(&mut self) {
        if self.validity.as_ref().is_some_and(|bits| bits.iter().all(|&bit| bit)) {
            self.validity = None;
        }
    }
}

/// Decimal places that a mean of decimals has beyond those of the decimals.
pub const MEAN_PLACES: i8 = 4;
