//! Facts: one pass over sales lines, one row a client.
//!
//! Lines arrive in batches of any size and order. Each worker reads its share of a batch, a block
//! at a time, into plain arrays, and sorts the lines into inboxes by a hash of the client, or by its
//! number; then each partition of the clients, small enough to stay in cache, takes its lines from
//! all inboxes. Inboxes are reused, so a run touches little fresh memory: what grows is the
//! partitions, with clients, and with orders or days where a fact tells them apart.
//!
//! From the ground up: `key` says what ids are, `line` and `packed_line` how a line travels;
//! `store` keeps clients, `orders` orders and days, and `partition` all that is known of a
//! share of the clients; `text_ids` makes numbers of text ids, `read` arrays of columns;
//! `output` writes rows in the order of ids; `engine` leads lines through all of them.

mod account;
mod batch;
mod cardinality;
mod drop_reason;
mod engine;
mod fact;
mod key;
mod line;
mod options;
mod orders;
mod output;
mod packed_line;
mod partition;
mod pass;
mod read;
mod spec;
mod states;
mod store;
mod store_choice;
#[cfg(test)]
mod tests;
mod text_ids;

pub use account::FactsAccount;
pub use batch::Batch;
pub use drop_reason::LineDropReason;
pub use fact::{Fact, Request};
pub use options::{FactsOptions, Returns};
pub use output::{FactColumn, FactsTable, MEAN_PLACES, Values};
pub use pass::FactsPass;
pub use states::{ClientStates, ExtraColumns, StateBatch, StateColumns};
pub use store::Status;
