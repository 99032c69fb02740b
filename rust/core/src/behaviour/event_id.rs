//! Ids of events: how they are read, compared and kept.

use crate::clients::{IdType, SIGN};
use crate::columns::{Column, IdValues, whole, widen};
use crate::error::{Error, Result};

/// The id of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EventId<'a> {
    /// An integer, as a word that orders as the integer does.
    Number(u64),
    Text(&'a [u8]),
}

/// The id of an event, with its own bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OwnedEventId {
    Number(u64),
    Text(Box<[u8]>),
}

impl From<EventId<'_>> for OwnedEventId {
    fn from(id: EventId<'_>) -> Self {
        match id {
            EventId::Number(number) => Self::Number(number),
            EventId::Text(text) => Self::Text(text.into()),
        }
    }
}

impl OwnedEventId {
    pub fn as_id(&self) -> EventId<'_> {
        match self {
            Self::Number(number) => EventId::Number(*number),
            Self::Text(text) => EventId::Text(text),
        }
    }
}

/// An id in an array: an integer itself, or where a text begins in an arena (high half) and its
/// length (low half).
pub(super) type PackedId = u128;

/// Append a text to an arena.
pub(super) fn append_text(text: &[u8], arena: &mut Vec<u8>) -> PackedId {
    let start = arena.len();
    arena.extend_from_slice(text);
    (start as u128) << 64 | text.len() as u128
}

/// The text of a packed id.
pub(super) fn text_at(id: PackedId, arena: &[u8]) -> &[u8] {
    let start = (id >> 64) as usize;
    &arena[start..start + id as u64 as usize]
}

impl<'a> EventId<'a> {
    /// The id as it is kept in an array, a text in an arena.
    pub fn pack(self, arena: &mut Vec<u8>) -> PackedId {
        match self {
            Self::Number(number) => number.into(),
            Self::Text(text) => append_text(text, arena),
        }
    }

    /// The inverse of [`Self::pack`].
    pub fn unpack(id: PackedId, arena: &'a [u8], is_text: bool) -> Self {
        if is_text { Self::Text(text_at(id, arena)) } else { Self::Number(id as u64) }
    }
}

/// The id in a row; an empty text is none.
///
/// # Errors
/// If it is a number that is not whole.
pub(super) fn read_event_id<'a>(
    column: &'a Column<IdValues>,
    row: usize,
) -> Result<Option<EventId<'a>>> {
    if !column.is_valid(row) {
        return Ok(None);
    }
    Ok(match &column.values {
        IdValues::Texts(texts) => {
            Some(texts.get(row)).filter(|id| !id.is_empty()).map(EventId::Text)
        }
        IdValues::Floats(values) if values[row].is_nan() => None,
        IdValues::Floats(values) => {
            Some(EventId::Number(whole(values[row], "event_id")? as u64 ^ SIGN))
        }
        IdValues::Integers(values) => {
            let mut wide = [0];
            widen(*values, row..row + 1, &mut wide);
            let flip = if IdType::of(&column.values) == IdType::Unsigned { 0 } else { SIGN };
            Some(EventId::Number(wide[0] as u64 ^ flip))
        }
    })
}

/// An id of a saved state, as a number or text of the type that this run's ids have.
///
/// # Errors
/// If that type does not hold it.
pub(super) fn convert_id(id: EventId<'_>, saved: IdType, run: IdType) -> Result<EventId<'_>> {
    match (id, saved, run) {
        (EventId::Text(_), _, IdType::Text) => Ok(id),
        (EventId::Number(_), saved, run) if saved == run => Ok(id),
        // What both hold is the lower half of one and the upper half of the other.
        (EventId::Number(word), IdType::Signed, IdType::Unsigned) if word >= SIGN => {
            Ok(EventId::Number(word ^ SIGN))
        }
        (EventId::Number(word), IdType::Unsigned, IdType::Signed) if word < SIGN => {
            Ok(EventId::Number(word ^ SIGN))
        }
        _ => Err(Error::Column(
            "the event ids of the saved state are of another type than those of the events: cast the column to the type of then".to_owned(),
        )),
    }
}
