//! What the partitions of a run keep.

use super::fact::{Fact, Request};
use super::options::FactsOptions;
use crate::calendar::Duration;
use crate::error::{Error, Result};

/// What to keep for one window, or for all time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether one thing is kept")]
pub(super) struct Scope {
    /// Lines of this day and before do not count; `i32::MIN` for all time.
    pub after: i32,
    /// Whether any fact is asked for that needs more of a client than is always kept.
    pub extra: bool,
    /// Whether the number of orders is.
    pub orders: bool,
    /// Whether the sums of orders are.
    pub baskets: bool,
    /// Whether the logarithms of the days between purchase days are.
    pub log_gaps: bool,
}

impl Scope {
    pub fn is_all_time(&self) -> bool {
        self.after == i32::MIN
    }
}

/// What the partitions of one run keep, and how they read lines.
#[derive(Debug, Clone)]
pub(super) struct AggregateSpec {
    /// The first is all time.
    pub scopes: Vec<Scope>,
    pub orders: bool,
    pub days: bool,
}

impl AggregateSpec {
    /// What to keep for the facts asked for, and the scope of each.
    ///
    /// # Errors
    /// If a window is no duration of whole days, or needs an `as_of`.
    pub fn of(options: &FactsOptions) -> Result<(Self, Vec<(Request, usize)>)> {
        let all_time =
            Scope { after: i32::MIN, extra: false, orders: false, baskets: false, log_gaps: false };
        let mut scopes = vec![all_time];
        let mut requests = Vec::with_capacity(options.facts.len());
        for request in &options.facts {
            let after = match (&request.window, options.as_of) {
                (None, _) => i32::MIN,
                (Some(window), Some(as_of)) => Duration::parse(window)?.before(as_of)?,
                (Some(window), None) => {
                    return Err(Error::Option(format!(
                        "the window \"{window}\" needs as_of: say from which day it counts back"
                    )));
                }
            };
            let index = scopes.iter().position(|scope| scope.after == after).unwrap_or_else(|| {
                scopes.push(Scope { after, ..all_time });
                scopes.len() - 1
            });
            let scope = &mut scopes[index];
            scope.extra |= request.fact.needs_extra();
            scope.orders |= options.order && request.fact.counts_orders();
            scope.baskets |= options.order && request.fact.needs_baskets();
            scope.log_gaps |= request.fact == Fact::LogGaps;
            requests.push((request.clone(), index));
        }
        let spec = Self {
            orders: options.order,
            days: options.facts.iter().any(|request| request.fact.needs_days()),
            scopes,
        };
        Ok((spec, requests))
    }

    /// Whether a line touches nothing but its client's [`ClientState`](super::store::ClientState) and the log of
    /// orders.
    pub fn is_plain(&self) -> bool {
        self.scopes.len() == 1 && !self.scopes[0].extra && !self.has_baskets() && !self.days
    }

    /// Whether the money of each order is kept.
    pub fn has_baskets(&self) -> bool {
        self.scopes.iter().any(|scope| scope.baskets)
    }
}
