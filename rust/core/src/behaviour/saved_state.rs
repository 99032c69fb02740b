//! Saved states: what later runs must know of clients, and how it is read back.

use super::event::{Event, Flags, Measures};
use super::output_columns::StatePart;
use super::phase::PhaseSignal;
use super::read_context::ReadContext;
use super::rules::{Repeat, RuleSet};
use crate::columns::{Column, IdValues, Texts};
use crate::dictionary::{MISSING, SharedDictionary};
use crate::error::{Error, Result};

/// What earlier runs know of a client.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum StateEntry {
    /// The last event (`i64::MIN` for none), the visits and those that passed.
    Counts { last_event: i64, visits: u32, dense: u32 },
    /// The sum of a group, where awards do not decay.
    Sum { group: u32, sum: f64 },
    /// An award that still has weight, or counts against a repeat limit; `code` is that of its page
    /// or its e-mail, if the limit is once for each.
    Award { instant: i64, rule: u32, in_visit: bool, code: u32 },
    /// An event of the phase window.
    Signal { instant: i64, signal: PhaseSignal },
}

/// Rows of a saved state.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "see `StateColumns`")]
pub struct StateBatch<'a> {
    pub client: Column<'a, IdValues<'a>>,
    pub part: &'a [u8],
    pub instant: &'a [i64],
    pub code: &'a [u32],
    pub number: &'a [u64],
    pub value: &'a [f64],
    pub kind: Column<'a, Texts<'a>>,
    pub page: Column<'a, Texts<'a>>,
    pub message: Column<'a, Texts<'a>>,
    pub event_id: Column<'a, IdValues<'a>>,
    /// The ids of scored events, and where those of each row begin and end.
    pub seen: Column<'a, IdValues<'a>>,
    pub seen_ends: &'a [i64],
}

impl StateBatch<'_> {
    /// The event in a row: one of a visit that may go on.
    ///
    /// # Errors
    /// If a dictionary is full.
    pub(super) fn event(&self, row: usize, client: u64, context: &ReadContext) -> Result<Event> {
        let flags = self.code[row] as u16 & (Flags::MACHINE | Flags::HAS_ID);
        Ok(Event {
            client,
            instant: self.instant[row],
            measures: Measures(self.number[row]),
            page: code_in(&self.page, row, &context.pages)?,
            kind: code_in(&self.kind, row, &context.kinds)? as u16,
            flags: Flags(flags | Flags::SAVED),
        })
    }

    /// The code of the e-mail of the event in a row.
    ///
    /// # Errors
    /// If the dictionary is full.
    pub(super) fn message(&self, row: usize, context: &ReadContext) -> Result<u32> {
        code_in(&self.message, row, &context.messages)
    }

    /// The entry in a row that holds no event.
    ///
    /// # Errors
    /// If it is about a rule or a group that the rules do not have, or a dictionary is full.
    pub(super) fn entry(
        &self,
        row: usize,
        rules: &RuleSet,
        context: &ReadContext,
    ) -> Result<StateEntry> {
        let (instant, code, number) = (self.instant[row], self.code[row], self.number[row]);
        let is = |part: StatePart| self.part[row] == part as u8;
        let fits = if is(StatePart::Sum) {
            (code as usize) < rules.groups.len()
        } else if is(StatePart::Award) {
            (code as usize) < rules.rules.len()
        } else {
            self.part[row] <= StatePart::Event as u8
        };
        if !fits {
            return Err(Error::Data(
                "the state was saved with other rules: score all events again".to_owned(),
            ));
        }
        Ok(if is(StatePart::Sum) {
            StateEntry::Sum { group: code, sum: self.value[row] }
        } else if is(StatePart::Award) {
            let remembered = match rules.rules[code as usize].repeat {
                Repeat::OncePerPage => code_in(&self.page, row, &context.pages)?,
                Repeat::OncePerMessage => self.message(row, context)?,
                _ => MISSING,
            };
            StateEntry::Award { instant, rule: code, in_visit: number != 0, code: remembered }
        } else if is(StatePart::Signal) {
            StateEntry::Signal { instant, signal: PhaseSignal::from_word(number) }
        } else {
            StateEntry::Counts { last_event: instant, visits: code, dense: number as u32 }
        })
    }
}

/// The code of the text in a row, if there is one.
fn code_in(column: &Column<Texts>, row: usize, dictionary: &SharedDictionary) -> Result<u32> {
    if column.is_valid(row) { dictionary.code(column.values.get(row)) } else { Ok(MISSING) }
}
