//! What a pass knows of its clients, as columns that another pass merges with what it knows.
//!
//! A state is all that lines left behind, in integers: passes over any parts of the sales, merged in
//! any order, give what one pass over all of them gives. Facts that compare lines with each other
//! (distinct orders and days, the baskets of an instant, a return and its purchase) have no such
//! state of a fixed size: all lines of a client have to meet in one pass.

use super::account::FactsAccount;
use super::fact::{Fact, Request};
use super::options::FactsOptions;
use super::output::{FactColumn, FactsTable, Values};
use super::spec::AggregateSpec;
use crate::columns::{Column, IdValues, Ids};
use crate::error::{Error, Result};
use crate::money::Sum;

/// The states of clients, to be merged elsewhere.
#[derive(Debug)]
pub struct ClientStates {
    /// The clients, ascending.
    pub ids: Ids,
    /// Their states over all time, then in each window in the order in which facts first name it.
    pub scopes: Vec<StateColumns>,
    /// What became of every line.
    pub account: FactsAccount,
}

/// States in one scope, client by client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateColumns {
    /// Purchase lines.
    pub lines: Vec<i64>,
    /// Day of the first purchase; of no meaning without one, like `last` and `largest`.
    pub first: Vec<i32>,
    /// Day of the last purchase.
    pub last: Vec<i32>,
    /// Money of the lines.
    pub total: Vec<Sum>,
    /// What is kept only when it is asked for.
    pub extra: Option<ExtraColumns>,
}

/// The rarer facts, client by client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraColumns {
    /// Money of the returns.
    pub returns: Vec<Sum>,
    /// Money of the largest purchase line.
    pub largest: Vec<i64>,
}

/// States that another pass gave, by its columns.
#[derive(Debug)]
pub struct StateBatch<'a> {
    /// The clients, in any order, and none of them missing.
    pub client: Column<'a, IdValues<'a>>,
    /// Their states, scope by scope.
    pub scopes: Vec<StateColumns>,
}

impl FactsOptions {
    /// Whether clients have states that can be merged, for all that is asked for.
    pub fn is_mergeable(&self) -> bool {
        !self.order && self.facts.iter().all(|request| request.fact.is_mergeable())
    }
}

impl AggregateSpec {
    /// The facts that states are written from, scope by scope.
    pub(super) fn state_requests(&self) -> Vec<(Request, usize)> {
        let facts = |extra| {
            let always = [Fact::Lines, Fact::FirstPurchase, Fact::LastPurchase, Fact::Total];
            let rare: &[Fact] = if extra { &[Fact::ReturnsTotal, Fact::MaxBasket] } else { &[] };
            always.into_iter().chain(rare.iter().copied())
        };
        let scopes = self.scopes.iter().enumerate();
        scopes
            .flat_map(|(number, scope)| {
                facts(scope.extra).map(move |fact| (Request { fact, window: None }, number))
            })
            .collect()
    }

    /// Whether states are such as a pass of this specification writes.
    ///
    /// # Errors
    /// If they are not, or hold what no pass can have found.
    pub(super) fn check_states(&self, states: &StateBatch) -> Result<()> {
        let same = states.scopes.len() == self.scopes.len()
            && states.scopes.iter().zip(&self.scopes).all(|(columns, scope)| {
                columns.extra.is_some() == scope.extra
                    && columns.lines.len() == states.client.values.rows()
            });
        if !same {
            return Err(Error::Data(
                "these states are of other facts or windows than are asked for: make and merge states with the same options".to_owned(),
            ));
        }
        if states.scopes.iter().any(|columns| columns.lines.iter().any(|&lines| lines < 0)) {
            return Err(Error::Data(
                "a state counts fewer than no lines: make the states again".to_owned(),
            ));
        }
        Ok(())
    }
}

impl ClientStates {
    /// Read the states off the facts of [`AggregateSpec::state_requests`].
    pub(super) fn of(table: FactsTable, spec: &AggregateSpec) -> Self {
        let mut facts = table.facts.into_iter();
        let scopes = spec
            .scopes
            .iter()
            .map(|scope| StateColumns {
                lines: counts(facts.next()),
                first: days(facts.next()),
                last: days(facts.next()),
                total: money(facts.next(), sum),
                extra: scope.extra.then(|| ExtraColumns {
                    returns: money(facts.next(), sum),
                    // Each line is an order here, and an amount has 64 bits.
                    largest: money(facts.next(), |units| units as i64),
                }),
            })
            .collect();
        Self { ids: table.ids, scopes, account: table.account }
    }
}

fn counts(column: Option<FactColumn>) -> Vec<i64> {
    match column.map(|column| column.values) {
        Some(Values::Counts(counts)) => counts.into_iter().map(i64::from).collect(),
        other => unreachable!("lines are counted, and not {other:?}"),
    }
}

fn days(column: Option<FactColumn>) -> Vec<i32> {
    match column.map(|column| column.values) {
        Some(Values::Dates(days)) => days,
        other => unreachable!("purchases have days, and not {other:?}"),
    }
}

fn money<T>(column: Option<FactColumn>, value: impl Fn(i128) -> T) -> Vec<T> {
    match column.map(|column| column.values) {
        Some(Values::Decimals(units, _)) => units.into_iter().map(value).collect(),
        other => unreachable!("the money of states is exact, and not {other:?}"),
    }
}

/// A sum of the value that a sum had.
fn sum(value: i128) -> Sum {
    let low = value as i64;
    Sum::with_carry(low, ((value - i128::from(low)) >> 64) as i32)
}
