//! The facts of a block of clients.

use std::cmp::Ordering;

use super::client_row::ClientRef;
use super::column_slots::ColumnSlots;
use super::output_spec::OutputSpec;
use crate::facts::fact::Fact;
use crate::facts::partition::ScopeState;
use crate::facts::store::ClientState;

/// A run of rows of one column being written, and which of them are there.
pub type BlockColumn<'a> = (ColumnSlots<'a>, Option<&'a mut [bool]>);

/// What the facts of a client are computed from, beside its state.
pub struct FactWriter<'a> {
    /// Of each partition, scope by scope.
    pub scopes: &'a [Vec<ScopeState>],
    pub output: &'a OutputSpec<'a>,
}

impl FactWriter<'_> {
    /// Write the facts of a block of clients.
    ///
    /// Their states in a window are copied together first: clients lie anywhere in memory, and a
    /// loop that does nothing but load waits for many of them at a time.
    pub fn write(&self, clients: &[ClientRef], states: &[ClientState], columns: Vec<BlockColumn>) {
        let scopes = &self.output.aggregates.scopes;
        let mut windows: Vec<Option<Vec<ClientState>>> = vec![None; scopes.len()];
        for ((request, scope), (slots, validity)) in self.output.requests.iter().zip(columns) {
            let states = if scopes[*scope].is_all_time() {
                states
            } else {
                windows[*scope].get_or_insert_with(|| {
                    let state = |&client: &ClientRef| {
                        self.scope(*scope, client).clients[client.slot as usize]
                    };
                    clients.iter().map(state).collect()
                })
            };
            if let Some(validity) = validity {
                // A mean gap needs two active days, and those of a client are not all of one day.
                let gap = request.fact == Fact::MeanGap;
                fill(validity, states, |state| {
                    state.lines > 0 && !(gap && state.first == state.last)
                });
            }
            self.write_column(request.fact, *scope, clients, states, slots);
        }
    }

    /// Write one fact of a block of clients; what stands where a client has none is unspecified.
    fn write_column(
        &self,
        fact: Fact,
        scope: usize,
        clients: &[ClientRef],
        states: &[ClientState],
        slots: ColumnSlots,
    ) {
        let pairs = || clients.iter().copied().zip(states);
        let per_one = self.output.unit.per_one();
        match slots {
            ColumnSlots::I32(out) => match fact {
                Fact::FirstPurchase => fill(out, states, |state| state.first),
                Fact::LastPurchase => fill(out, states, |state| state.last),
                _ => fill(out, states, |state| self.output.as_of.wrapping_sub(state.last)),
            },
            ColumnSlots::U32(out) => match fact {
                Fact::Lines => fill(out, states, |state| state.lines),
                Fact::ActiveDays => {
                    fill(out, clients, |&client| self.active_days(scope, client));
                }
                _ => fill(out, pairs(), |(client, state)| self.orders(scope, client, state)),
            },
            ColumnSlots::F64(out) => match fact {
                Fact::MeanGap => fill(out, pairs(), |(client, state)| {
                    let gaps = self.active_days(scope, client).saturating_sub(1);
                    f64::from(state.last.wrapping_sub(state.first)) / f64::from(gaps)
                }),
                Fact::LogGaps => fill(out, clients, |&client| {
                    self.scope(scope, client).log_gaps[client.slot as usize]
                }),
                Fact::MeanBasket => fill(out, pairs(), |(client, state)| {
                    let orders = f64::from(self.orders(scope, client, state));
                    state.total.value() as f64 / (orders * per_one)
                }),
                Fact::Total => {
                    fill(out, states, |state| self.total(scope, state) as f64 / per_one);
                }
                _ => fill(out, pairs(), |(client, state)| {
                    self.money(fact, scope, client, state) as f64 / per_one
                }),
            },
            ColumnSlots::I128(out) => match fact {
                Fact::MeanBasket => fill(out, pairs(), |(client, state)| {
                    let orders = i128::from(self.orders(scope, client, state));
                    let total = state.total.value() * 10_000;
                    if orders == 0 { 0 } else { divide_half_even(total, orders) }
                }),
                _ => fill(out, pairs(), |(client, state)| self.money(fact, scope, client, state)),
            },
        }
    }

    fn scope(&self, scope: usize, client: ClientRef) -> &ScopeState {
        &self.scopes[client.partition as usize][scope]
    }

    fn orders(&self, scope: usize, client: ClientRef, state: &ClientState) -> u32 {
        if self.output.aggregates.orders {
            self.scope(scope, client).orders[client.slot as usize]
        } else {
            state.lines
        }
    }

    fn active_days(&self, scope: usize, client: ClientRef) -> u32 {
        self.scope(scope, client).active_days[client.slot as usize]
    }

    /// A client without a purchase in a window has no money in it, whatever was given back.
    fn total(&self, scope: usize, state: &ClientState) -> i128 {
        let counts = state.lines > 0
            || self.output.partial
            || self.output.aggregates.scopes[scope].is_all_time();
        if counts { state.total.value() } else { 0 }
    }

    fn money(&self, fact: Fact, scope: usize, client: ClientRef, state: &ClientState) -> i128 {
        if fact == Fact::Total {
            return self.total(scope, state);
        }
        let extra = &self.scope(scope, client).extra[client.slot as usize];
        match fact {
            Fact::ReturnsTotal => extra.returns.value(),
            _ if state.lines == 0 => 0,
            Fact::LastBasket => extra.last_basket,
            Fact::MaxBasket => extra.max_basket,
            _ => extra.first_day.value(),
        }
    }
}

/// Write what a function gives for each of some items.
#[inline]
pub fn fill<T, I>(out: &mut [T], items: impl IntoIterator<Item = I>, value: impl Fn(I) -> T) {
    for (out, item) in out.iter_mut().zip(items) {
        *out = value(item);
    }
}

/// Divide exactly, then round half to even.
fn divide_half_even(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    match (2 * rest).cmp(&divisor) {
        Ordering::Less => quotient,
        Ordering::Equal => quotient + (quotient & 1),
        Ordering::Greater => quotient + 1,
    }
}
