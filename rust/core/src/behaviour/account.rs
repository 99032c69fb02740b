//! What became of every row that was read.

use super::drop_reason::EventDropReason;
use super::event_tally::RuleTally;

/// The account of a pass: rows read, dropped and used, and what they held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BehaviourAccount {
    /// Rows read.
    pub rows_read: u64,
    /// Rows dropped, in the order of [`EventDropReason::NAMES`].
    pub dropped: [u64; EventDropReason::NAMES.len()],
    /// Visits of programs.
    pub bot_visits: u64,
    /// Clients with a row.
    pub clients: u64,
    /// The kinds and how many events there are of each, ascending by name.
    pub kinds: Vec<(String, u64)>,
    /// What each rule did, in their order.
    pub rules: Vec<RuleTally>,
    /// The pages of most events that no rule won, with their events, the most frequent first.
    pub unwon_pages: Vec<(String, u64)>,
    /// The same for kinds.
    pub unwon_kinds: Vec<(String, u64)>,
    /// Distinct pages.
    pub pages: u64,
    /// The first and last instant of the events used.
    pub range: Option<(i64, i64)>,
    /// The `as_of` of the run, as timestamps are read.
    pub as_of: i64,
    /// Whether timestamps are instants of UTC with a zone.
    pub zoned: bool,
    /// Bytes that went to temporary files.
    pub spilled: u64,
}
