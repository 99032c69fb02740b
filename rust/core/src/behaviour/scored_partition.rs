//! The results of one partition, before they are put in the order of client ids.

use super::event::Event;
use super::event_id::OwnedEventId;
use super::ledger::LedgerEntry;
use super::saved_state::StateEntry;
use super::scorer::ClientScore;
use super::seen_ids::SeenIds;
use super::visits::Visit;

/// The results of one partition.
#[derive(Debug, Default)]
pub(super) struct ScoredPartition {
    pub clients: Vec<u64>,
    pub scores: Vec<ClientScore>,
    /// The sums of the groups, all of one client together.
    pub sums: Vec<f64>,
    pub ledger: Vec<LedgerRow>,
    /// Where the ledger of each client ends.
    pub ledger_ends: Vec<usize>,
    pub state: Vec<StateRow>,
    pub state_ends: Vec<usize>,
    /// For a state: the ids of events that are not saved themselves, by client.
    pub seen: SeenIds,
}

impl ScoredPartition {
    /// Reserve memory for so many clients, with the sums of so many groups each.
    pub fn with_room(clients: usize, groups: usize) -> Self {
        Self {
            clients: Vec::with_capacity(clients),
            scores: Vec::with_capacity(clients),
            sums: Vec::with_capacity(clients * groups),
            ..Self::default()
        }
    }
}

/// A row of a ledger: an entry, with what is known of its event.
#[derive(Debug)]
pub(super) struct LedgerRow {
    pub entry: LedgerEntry,
    pub event: Event,
    pub id: Option<OwnedEventId>,
    /// The visit of the event and its number, from 1; none outside visits.
    pub visit: Option<(u32, Visit)>,
}

/// A row of a state: an entry, or an event as it is, with its id and the code of its e-mail.
#[derive(Debug)]
pub(super) enum StateRow {
    Entry(StateEntry),
    Event(Event, Option<OwnedEventId>, u32),
}
