//! Behavioural scores: what clients do on the web and with e-mails, in points.
//!
//! Events arrive in batches of any size and order. Threads read them chunk by chunk into records of 32
//! bytes, with texts as dictionary codes, and write each directly to its partition, chosen by a hash
//! of the client. Beyond a memory budget chunks go to a temporary file. When all batches are read, the
//! events of each partition are grouped by client, in the cache of one core, and each client's
//! timeline is sorted and divided into visits. Two look-ups find the winning rules of an event, as
//! each distinct page was matched once, and its awards are added up.
//!
//! Every sum runs over a client's events in one defined order, so that no result depends on the order
//! of rows, batches or threads. A saved state holds awards, not decayed sums: a run that continues
//! from it adds the same numbers in the same order as one run over everything.

mod account;
mod active_pass;
mod batch;
mod batch_dictionaries;
mod compiled_rules;
mod decay_weights;
mod drop_reason;
mod event;
mod event_block;
mod event_id;
mod event_reader;
mod event_tally;
mod grouped_events;
mod ledger;
mod options;
mod outcome;
mod output;
mod output_columns;
mod page_address;
mod page_patterns;
mod partition_scorer;
mod partitioned_chunk;
mod pass;
mod phase;
mod prefixes;
mod read_context;
mod read_measures;
mod repeat_limiter;
mod rules;
mod saved_state;
mod scored_partition;
mod scorer;
mod seen_ids;
mod spill;
#[cfg(test)]
mod tests;
mod timeline;
mod visits;

pub use account::BehaviourAccount;
pub use batch::{EventBatch, TextValues};
pub use drop_reason::EventDropReason;
pub use event_tally::RuleTally;
pub use ledger::EventOutcome;
pub use options::BehaviourOptions;
pub use outcome::BehaviourOutcome;
pub use output_columns::{
    EventIdColumn, LedgerColumns, ScoreColumns, StateColumns, StatePart, TextColumn,
};
pub use page_patterns::{check_pattern, check_patterns};
pub use pass::BehaviourPass;
pub use phase::Phase;
pub use rules::{Bounds, Category, Decay, Density, Repeat, Rule, RuleSet};
pub use saved_state::StateBatch;
