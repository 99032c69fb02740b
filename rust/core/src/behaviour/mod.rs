//! Behavioural scores: what clients do on the web and with e-mails, in points.
//!
//! Events arrive in batches of any size and order. Each worker reads its share of a batch, a morsel
//! at a time, into small records of 32 bytes, texts as codes, and puts them into inboxes by a hash
//! of the client; beyond a memory budget inboxes go to a temporary file. When all are there, each
//! partition of the clients is sorted by client and time in the cache of one core, and one pass
//! over the events of each client cuts them into visits, finds the winning rules by two look-ups
//! (each distinct page was matched once), and adds up what is awarded.
//!
//! Every sum runs over a client's events in one defined order, so that no result depends on the
//! order of rows, batches or threads. A saved state keeps awards, not sums of decayed points: a run
//! that goes on from it adds the same numbers in the same order as one run over everything.

mod batch;
mod book;
mod builder;
mod chunk;
mod client;
mod decay;
mod dictionary;
mod event;
mod keys;
mod limits;
mod numbers;
mod order;
mod output;
mod pages;
mod phase;
mod read;
mod resume;
mod scheme;
mod scoring;
mod seen;
mod spill;
mod visits;

pub use batch::{EventBatch, TextValues};
pub use builder::{Account, Builder, Options, Outcome};
pub use client::Outcome as EventOutcome;
pub use output::{EventIdColumn, LedgerColumns, ScoreColumns, StateColumns, StatePart, TextColumn};
pub use pages::check_pattern;
pub use phase::Phase;
pub use read::Reason;
pub use resume::StateBatch;
pub use scheme::{Category, Decay, Density, Group, Repeat, Rule, Scheme};
