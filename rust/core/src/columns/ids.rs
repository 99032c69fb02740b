//! Ids of clients, orders and events: integers, whole floats, or texts.

use super::column::Column;
use super::integers::Integers;
use super::texts::Texts;
use crate::error::{Error, Result};

/// The values of a client or order column.
#[derive(Debug, Clone)]
pub enum IdValues<'a> {
    /// Integers.
    Integers(Integers<'a>),
    /// Whole numbers kept as floats, as databases and spreadsheets export them.
    Floats(&'a [f64]),
    /// Texts.
    Texts(Texts<'a>),
}

impl IdValues<'_> {
    /// The number of ids.
    pub fn rows(&self) -> usize {
        match self {
            Self::Integers(values) => values.rows(),
            Self::Floats(values) => values.len(),
            Self::Texts(texts) => texts.views.len(),
        }
    }
}

impl Column<'_, IdValues<'_>> {
    /// Whether row `i` has an id: an empty text is none, and a float that is not a number.
    #[inline]
    pub(crate) fn has_id(&self, i: usize) -> bool {
        self.is_valid(i)
            && match &self.values {
                IdValues::Floats(values) => !values[i].is_nan(),
                IdValues::Integers(_) => true,
                IdValues::Texts(texts) => !texts.is_empty(i),
            }
    }
}

/// Client ids, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ids {
    /// Signed integers.
    Signed(Vec<i64>),
    /// Unsigned integers.
    Unsigned(Vec<u64>),
    /// Texts as string views, with the buffers of those above 12 bytes.
    Texts {
        /// The views.
        views: Vec<u128>,
        /// The buffers.
        buffers: Vec<Vec<u8>>,
    },
}

/// A text such as `-12` or `0`, of which each number has exactly one.
pub(crate) fn plain_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if plain { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

/// Ids that mean other numbers in another place.
pub(crate) fn mixed_signs(role: &str) -> Error {
    Error::Column(format!(
        "{role} ids are signed integers in one place and unsigned 64-bit integers in another, and some have no value in both: cast them to one type"
    ))
}

/// Ids of two kinds.
pub(crate) fn mixed_ids() -> Error {
    Error::Column(
        "ids are text in one place and numbers in another: cast the columns to one type before scoring".to_owned(),
    )
}

/// A float that is a whole number within ±2^53, as an integer.
pub(crate) fn whole(value: f64, role: &'static str) -> Result<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    if value.abs() <= LIMIT && value.fract() == 0.0 {
        Ok(value as i64)
    } else {
        Err(Error::Value {
            message: format!(
                "the {role} id {value} is no whole number within ±2^53: ids kept as floats must be whole, cast the column to text or integers"
            ),
            role,
            value: value.to_string(),
        })
    }
}
