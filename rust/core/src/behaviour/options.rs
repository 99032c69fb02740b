//! What is asked of a pass over events.

use std::path::PathBuf;

use super::rules::RuleSet;

/// The options of a pass.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are options, each on its own")]
pub struct BehaviourOptions {
    /// The rules.
    pub rules: RuleSet,
    /// The instant that ages count from, in microseconds: of UTC, or wall time; none for the
    /// midnight after the last event.
    pub as_of: Option<i64>,
    /// Whether `as_of` is an instant of UTC.
    pub as_of_is_utc: bool,
    /// The `as_of` of the saved state that the run continues, as timestamps are read.
    pub from: Option<i64>,
    /// Whether the timestamps of that state have a zone; used where the run has no timestamp.
    pub from_zoned: bool,
    /// The zone whose days count, for timestamps with a zone.
    pub timezone: String,
    /// Whether text ids that are all plain integers come out as integers.
    pub plain_integer_ids: bool,
    /// The bytes that events may take in memory; beyond, they go to a temporary file.
    pub memory: Option<u64>,
    /// Where temporary files go; by default the system's own directory.
    pub directory: Option<PathBuf>,
    /// The number of threads; by default one a core.
    pub threads: Option<usize>,
    /// Whether ledgers are wanted.
    pub ledger: bool,
    /// Whether a state for later runs is wanted.
    pub state: bool,
}
