//! The columns that come out.

use super::event_id::EventId;
use crate::clients::{IdType, SIGN};
use crate::columns::{Ids, append_text};
use crate::dictionary::TextDictionary;
use crate::stop::stop_if_asked;

/// Texts as string views.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextColumn {
    /// The views; an empty text where there is none.
    pub views: Vec<u128>,
    /// The buffers of texts above 12 bytes.
    pub buffers: Vec<Vec<u8>>,
    /// Which rows have a text.
    pub validity: Vec<bool>,
}

impl TextColumn {
    pub(super) fn push(&mut self, text: Option<&[u8]>) {
        let view = self.view(text.unwrap_or_default());
        self.views.push(view);
        self.validity.push(text.is_some());
    }

    fn view(&mut self, text: &[u8]) -> u128 {
        append_text(text, &mut self.buffers)
    }

    /// The texts of codes, each copied once.
    pub(super) fn of_codes(dictionary: &TextDictionary, codes: impl Iterator<Item = u32>) -> Self {
        stop_if_asked();
        let mut column = Self::default();
        let views: Vec<u128> = (0..dictionary.codes() as u32)
            .map(|code| column.view(dictionary.get(code).unwrap_or_default()))
            .collect();
        for code in codes {
            column.views.push(views[code as usize]);
            column.validity.push(dictionary.get(code).is_some());
        }
        column
    }
}

/// Ids of events, in the type that they came in.
#[derive(Debug)]
#[allow(missing_docs, reason = "each is the type it is named after")]
pub enum EventIdColumn {
    Signed(Vec<Option<i64>>),
    Unsigned(Vec<Option<u64>>),
    Texts(TextColumn),
}

impl EventIdColumn {
    pub(super) fn new(ids: Option<IdType>) -> Self {
        match ids {
            None | Some(IdType::Signed) => Self::Signed(Vec::new()),
            Some(IdType::Unsigned) => Self::Unsigned(Vec::new()),
            Some(IdType::Text) => Self::Texts(TextColumn::default()),
        }
    }

    pub(super) fn push(&mut self, id: Option<EventId>) {
        let number = if let Some(EventId::Number(number)) = id { Some(number) } else { None };
        match self {
            Self::Signed(ids) => ids.push(number.map(|number| (number ^ SIGN) as i64)),
            Self::Unsigned(ids) => ids.push(number),
            Self::Texts(ids) => {
                ids.push(if let Some(EventId::Text(text)) = id { Some(text) } else { None });
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Signed(ids) => ids.len(),
            Self::Unsigned(ids) => ids.len(),
            Self::Texts(ids) => ids.views.len(),
        }
    }
}

/// The scores as columns.
#[derive(Debug)]
#[allow(missing_docs, reason = "each field is the column it is named after")]
pub struct ScoreColumns {
    pub ids: Ids,
    pub score: Vec<f64>,
    pub groups: Vec<Vec<f64>>,
    pub phase: Vec<u8>,
    /// `i64::MIN` where there is none.
    pub last_event: Vec<i64>,
    pub visits: Vec<u32>,
    pub dense_visits: Vec<u32>,
    /// Hot, warm and eliminatory.
    pub hits: [Vec<u32>; 3],
}

/// The ledgers of all clients as columns.
#[derive(Debug)]
#[allow(missing_docs, reason = "each field is the column it is named after")]
pub struct LedgerColumns {
    pub ids: Ids,
    pub instant: Vec<Option<i64>>,
    pub event: Vec<Option<u32>>,
    pub event_id: EventIdColumn,
    pub kind: TextColumn,
    pub page: TextColumn,
    pub channel: TextColumn,
    pub dwell: Vec<Option<i64>>,
    pub clicks: Vec<Option<u32>>,
    pub visit: Vec<Option<u32>>,
    pub visit_dwell: Vec<Option<i64>>,
    pub visit_clicks: Vec<Option<u64>>,
    pub visit_passed: Vec<Option<bool>>,
    pub rule: Vec<Option<u32>>,
    pub group: Vec<Option<u32>>,
    pub outcome: Vec<u8>,
    pub weight: Vec<Option<f64>>,
    pub contribution: Vec<f64>,
}

/// The states of all clients as columns: one row an entry or event.
#[derive(Debug)]
pub struct StateColumns {
    /// Whose.
    pub ids: Ids,
    /// What: see [`StatePart`].
    pub part: Vec<u8>,
    /// When; `i64::MIN` for never.
    pub instant: Vec<i64>,
    /// Visits, a group, a rule, or the flags of an event.
    pub code: Vec<u32>,
    /// Dense visits, whether in a visit, a phase signal, or dwell and clicks of an event.
    pub number: Vec<u64>,
    /// A sum.
    pub value: Vec<f64>,
    /// Of an event.
    pub kind: TextColumn,
    /// Of an event, or of an award whose limit is once a page.
    pub page: TextColumn,
    /// Of an event, or of an award whose limit is once an e-mail.
    pub message: TextColumn,
    /// Of an event.
    pub event_id: EventIdColumn,
    /// The ids of events that are not saved themselves, ascending; those of all rows end to end.
    pub seen: EventIdColumn,
    /// Where those of each row end: only rows of counts have some.
    pub seen_ends: Vec<usize>,
}

/// What a row of a state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum StatePart {
    /// Last event, visits, dense visits.
    Counts = 0,
    /// The sum of a group.
    Sum,
    /// An award.
    Award,
    /// An event of the phase window.
    Signal,
    /// An event of a visit that may go on.
    Event,
}
