//! The result of a pass over events.

use super::account::BehaviourAccount;
use super::output_columns::{LedgerColumns, ScoreColumns, StateColumns};

/// Scores and account, and what else was asked for.
#[derive(Debug)]
pub struct BehaviourOutcome {
    /// One row a client.
    pub scores: ScoreColumns,
    /// A row for each event and rule, if asked for.
    pub ledger: Option<LedgerColumns>,
    /// What a later run continues from, if asked for.
    pub state: Option<StateColumns>,
    /// What became of every row.
    pub account: BehaviourAccount,
}
