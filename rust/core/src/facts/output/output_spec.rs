//! What is asked of the columns.

use crate::facts::fact::{Fact, Request};
use crate::facts::spec::AggregateSpec;
use crate::facts::store::{ClientState, Status};
use crate::money::Unit;

/// What is asked of the columns.
pub struct OutputSpec<'a> {
    pub aggregates: &'a AggregateSpec,
    pub requests: &'a [(Request, usize)],
    pub unit: Unit,
    pub as_of: i32,
    /// Whether every client has a row, and a status.
    pub base: bool,
    /// Whether clients with returns only have a row.
    pub returns_only: bool,
    /// Whether money in a window stands without a purchase there, which other lines may bring.
    pub partial: bool,
}

impl OutputSpec<'_> {
    /// Whether a client has a row.
    pub fn shows(&self, state: &ClientState) -> bool {
        let status = state.status();
        status == Status::Bought
            || self.base
            || (self.returns_only && status == Status::ReturnsOnly)
    }

    /// Whether a fact may be missing for a client that is shown.
    pub fn may_be_missing(&self, fact: Fact, scope: usize) -> bool {
        let all_bought =
            self.aggregates.scopes[scope].is_all_time() && !self.base && !self.returns_only;
        fact.may_be_missing() && (fact == Fact::MeanGap || !all_bought)
    }
}
