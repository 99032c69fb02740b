//! Behavioural scores: what clients do on the web and with e-mails, in points.
//!
//! Events arrive in batches of any size and order. Workers read them chunk by chunk into small
//! records of 32 bytes, texts as codes, and write each where it will stay: with the others of its
//! partition, chosen by a hash of the client. Beyond a memory budget chunks go to a temporary file.
//! When all are there, the events of each partition are brought together by client, in the cache of
//! one core, and those of each client sorted: they are cut into visits, their winning rules found by
//! two look-ups (each distinct page was matched once), and what is awarded added up.
//!
//! Every sum runs over a client's events in one defined order, so that no result depends on the
//! order of rows, batches or threads. A saved state keeps awards, not sums of decayed points: a run
//! that goes on from it adds the same numbers in the same order as one run over everything.

mod batch;
mod book;
mod builder;
mod chunk;
mod client;
mod columns;
mod decay;
mod dictionary;
mod event;
mod event_ids;
mod limits;
mod morsel;
mod numbers;
mod order;
mod output;
mod pages;
mod phase;
mod rank;
mod reason;
mod resume;
mod running;
mod scheme;
mod scoring;
mod seen;
mod spill;
#[cfg(test)]
mod tests;
mod timeline;
mod visits;
mod worker;

pub use batch::{EventBatch, TextValues};
pub use builder::{Account, Builder, Options, Outcome};
pub use client::Outcome as EventOutcome;
pub use columns::{
    EventIdColumn, LedgerColumns, ScoreColumns, StateColumns, StatePart, TextColumn,
};
pub use pages::check_pattern;
pub use phase::Phase;
pub use reason::Reason;
pub use resume::StateBatch;
pub use scheme::{Category, Decay, Density, Group, Repeat, Rule, Scheme};
