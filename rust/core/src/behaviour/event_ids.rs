//! Ids of events.

use super::timeline::Id;
use crate::columns::{Column, IdValues, Integers, whole, widen};
use crate::error::Result;

/// What the ids of events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventIds {
    /// There are none.
    None,
    /// Integers with a sign.
    Signed,
    /// Integers without.
    Unsigned,
    /// Texts.
    Texts,
}

impl EventIds {
    /// What those of a column are.
    pub fn of(values: &IdValues) -> Self {
        match values {
            IdValues::Texts(_) => Self::Texts,
            IdValues::Integers(Integers::U64(_)) => Self::Unsigned,
            IdValues::Integers(_) | IdValues::Floats(_) => Self::Signed,
        }
    }
}

/// What is flipped in a signed integer, so that words order as the integers do.
pub(super) const SIGN: u64 = 1 << 63;

/// The id of a row; an empty text is none.
///
/// # Errors
/// If it is a number that is not whole.
pub(super) fn event_id<'a>(column: &'a Column<IdValues>, row: usize) -> Result<Option<Id<'a>>> {
    if !column.is_valid(row) {
        return Ok(None);
    }
    Ok(match &column.values {
        IdValues::Texts(texts) => Some(texts.get(row)).filter(|id| !id.is_empty()).map(Id::Text),
        IdValues::Floats(values) if values[row].is_nan() => None,
        IdValues::Floats(values) => Some(Id::Number(whole(values[row], "event_id")? as u64 ^ SIGN)),
        IdValues::Integers(values) => {
            let mut wide = [0];
            widen(*values, row..row + 1, &mut wide);
            let flip = if matches!(values, Integers::U64(_)) { 0 } else { SIGN };
            Some(Id::Number(wide[0] as u64 ^ flip))
        }
    })
}
