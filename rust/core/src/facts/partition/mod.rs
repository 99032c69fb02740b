//! All that is known of a share of the clients.

mod aggregates;
mod extra_state;
mod finalize;
#[expect(clippy::module_inception, reason = "the file holds the type of this name")]
mod partition;
mod scope_state;

pub(super) use finalize::Finalized;
pub(super) use partition::{ApplyLines, Flush, Partition};
pub(super) use scope_state::ScopeState;
