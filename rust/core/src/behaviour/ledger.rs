//! The ledger: what each event gave or failed to give, entry by entry.

use super::event::Event;

/// What became of one event under one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EventOutcome {
    /// It earned its points.
    Awarded = 0,
    /// No rule applies to it.
    NoRule,
    /// Its visit failed the density gate.
    Density,
    /// The rule had been awarded too often or too lately.
    Repeat,
    /// A machine opened the e-mail.
    MachineOpen,
    /// A program made the visit.
    Bot,
    /// An earlier run awarded it.
    Carried,
}

impl EventOutcome {
    /// The names, by number.
    pub const NAMES: [&'static str; 7] =
        ["awarded", "no_rule", "density", "repeat", "machine_open", "bot", "carried"];
}

/// An entry of a client's ledger.
#[derive(Debug, Clone, Copy)]
pub(super) struct LedgerEntry {
    /// The index of the event in the timeline; none for what an earlier run awarded.
    pub index: Option<usize>,
    /// When; none for a sum of earlier awards.
    pub instant: Option<i64>,
    pub rule: Option<u32>,
    pub group: Option<usize>,
    pub outcome: EventOutcome,
    pub weight: f64,
    pub contribution: f64,
}

impl LedgerEntry {
    /// The entry of an event that earns nothing.
    pub fn without_award(index: usize, event: &Event, outcome: EventOutcome) -> Self {
        Self {
            index: Some(index),
            instant: Some(event.instant),
            rule: None,
            group: None,
            outcome,
            weight: 0.0,
            contribution: 0.0,
        }
    }
}

/// Where the entries of a ledger go.
pub(super) trait LedgerSink {
    fn push(&mut self, entry: LedgerEntry);
}

/// No ledger is wanted: scoring alone.
pub(super) struct NoLedger;

impl LedgerSink for NoLedger {
    #[inline]
    fn push(&mut self, _: LedgerEntry) {}
}

impl LedgerSink for Vec<LedgerEntry> {
    fn push(&mut self, entry: LedgerEntry) {
        Vec::push(self, entry);
    }
}
