//! A saved state as it comes in again: what is known of clients, and events of open visits.

use super::client::Carried;
use super::columns::StatePart;
use super::dictionary::Dictionary;
use super::event::{Event, Flags, Measures};
use super::event_ids::{EventIds, SIGN};
use super::morsel::Reading;
use super::phase::Sign;
use super::scheme::Scheme;
use super::timeline::Id;
use crate::columns::{Column, IdValues, Texts as TextSlices};
use crate::error::{Error, Result};

/// Lines of a saved state.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "see `StateColumns`")]
pub struct StateBatch<'a> {
    pub client: Column<'a, IdValues<'a>>,
    pub part: &'a [u8],
    pub instant: &'a [i64],
    pub code: &'a [u32],
    pub number: &'a [u64],
    pub value: &'a [f64],
    pub kind: Column<'a, TextSlices<'a>>,
    pub page: Column<'a, TextSlices<'a>>,
    pub event_id: Column<'a, IdValues<'a>>,
    /// The ids of settled events, and where those of each line begin and end.
    pub seen: Column<'a, IdValues<'a>>,
    pub seen_ends: &'a [i64],
}

/// An id of a state as the events of the run have theirs.
///
/// # Errors
/// If theirs are of a type that does not hold it.
pub(super) fn matching<'a>(id: Id<'a>, values: &IdValues, ids: EventIds) -> Result<Id<'a>> {
    match (id, EventIds::of(values), ids) {
        (Id::Text(_), _, EventIds::Texts) => Ok(id),
        (Id::Number(_), saved, now) if saved == now => Ok(id),
        // What both hold is the lower half of one and the upper half of the other.
        (Id::Number(word), EventIds::Signed, EventIds::Unsigned) if word >= SIGN => {
            Ok(Id::Number(word ^ SIGN))
        }
        (Id::Number(word), EventIds::Unsigned, EventIds::Signed) if word < SIGN => {
            Ok(Id::Number(word ^ SIGN))
        }
        _ => Err(Error::Column(
            "the event ids of the saved state are of another type than those of the events: cast the column to the type of then".to_owned(),
        )),
    }
}

/// An event of a visit that was still open.
pub(super) fn carried_event(
    state: &StateBatch,
    row: usize,
    client: u64,
    reading: &Reading,
) -> Result<Event> {
    let code = |column: &Column<TextSlices>, dictionary: &Dictionary| {
        if column.is_valid(row) { dictionary.code(column.values.get(row)) } else { Ok(0) }
    };
    Ok(Event {
        client,
        instant: state.instant[row],
        measures: Measures(state.number[row]),
        page: code(&state.page, &reading.pages)?,
        kind: code(&state.kind, &reading.kinds)? as u16,
        flags: Flags(state.code[row] as u16 & (Flags::MACHINE | Flags::HAS_ID) | Flags::CARRIED),
    })
}

/// Something that is known of a client.
///
/// # Errors
/// If it is about a rule or a group that the scheme does not have.
pub(super) fn known_row(state: &StateBatch, row: usize, scheme: &Scheme) -> Result<Carried> {
    let (instant, code, number) = (state.instant[row], state.code[row], state.number[row]);
    let part = state.part[row];
    let fits = match part {
        _ if part == StatePart::Sum as u8 => (code as usize) < scheme.groups.len(),
        _ if part == StatePart::Award as u8 => (code as usize) < scheme.rules.len(),
        _ => part <= StatePart::Event as u8,
    };
    if !fits {
        return Err(Error::Data(
            "the state was saved with other rules: score all events again".to_owned(),
        ));
    }
    Ok(match part {
        _ if part == StatePart::Sum as u8 => Carried::Sum { group: code, sum: state.value[row] },
        _ if part == StatePart::Award as u8 => {
            Carried::Award { instant, rule: code, in_visit: number != 0 }
        }
        _ if part == StatePart::Sign as u8 => {
            Carried::Sign { instant, sign: Sign::from_word(number) }
        }
        _ => Carried::Counts { last_event: instant, visits: code, dense: number as u32 },
    })
}
