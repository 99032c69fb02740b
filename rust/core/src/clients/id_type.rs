//! The types of ids, and how integers are kept as words.

use crate::columns::{IdValues, Integers};

/// How the ids of a column are kept in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdType {
    /// Integers with the sign bit flipped, so that words order as they do.
    Signed,
    /// Integers as they are.
    Unsigned,
    /// Texts, by codes or bytes.
    Text,
}

impl IdType {
    /// The type of the ids of a column.
    pub fn of(values: &IdValues) -> Self {
        match values {
            IdValues::Texts(_) => Self::Text,
            IdValues::Integers(Integers::U64(_)) => Self::Unsigned,
            IdValues::Integers(_) | IdValues::Floats(_) => Self::Signed,
        }
    }
}

/// The bit that is flipped in a signed integer, so that words order as the integers do.
pub(crate) const SIGN: u64 = 1 << 63;
