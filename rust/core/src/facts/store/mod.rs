//! Where a partition keeps its clients.

mod client_state;
mod client_store;
mod day_code;
mod direct;
mod direct_store;
mod hash_index;
mod hashed;
pub(super) mod partitioning;
mod stripes;

pub use client_state::{ClientState, Status};
pub(super) use client_store::{ClientKey, ClientStore};
pub(super) use day_code::{code_of_day, day_of_code, has_code, have_codes};
pub(super) use direct::{Block, DirectTable};
pub(super) use direct_store::DirectStore;
#[cfg(test)]
pub(super) use hash_index::MOST_CLIENTS;
#[cfg(test)]
pub(super) use hashed::MOST_BYTES;
pub(super) use hashed::{ClientEntry, HashedStore};
pub(super) use stripes::StripeRange;
