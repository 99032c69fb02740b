//! After the last line of a partition.

use super::aggregates::Aggregates;
use super::partition::Partition;
use super::scope_state::ScopeState;
use crate::error::{Error, Result};
use crate::facts::account::FactsAccount;
use crate::facts::key::Key;
use crate::facts::orders::OrderSet;
use crate::facts::spec::AggregateSpec;
use crate::facts::store::{ClientKey, ClientState, ClientStore};

/// What a partition has found.
pub struct Finalized<C: ClientKey> {
    pub clients: ClientStore<C>,
    /// What is known of the clients beside their states, scope by scope.
    pub scopes: Vec<ScopeState>,
    pub account: FactsAccount,
}

impl<C: ClientKey, O: Key> Partition<C, O> {
    /// After the last line: bring what orders and waiting returns hold to their clients.
    ///
    /// # Errors
    /// If a client has more purchase lines than can be counted.
    pub fn finalize(
        mut self,
        spec: &AggregateSpec,
        base: bool,
        set: &mut OrderSet<O>,
    ) -> Result<Finalized<C>> {
        self.aggregates.grow(spec, self.clients.slots());
        let clients = &self.clients;
        let orders_on_two_dates = self.aggregates.finalize(spec, clients.slots(), set, |client| {
            match clients {
                ClientStore::Hashed(hashed) => hashed.clients[client].state,
                ClientStore::Direct(_) => ClientState::NONE, // where no return waits
            }
        });
        let mut account = FactsAccount {
            returns: self.aggregates.returns,
            rows_without_order: self.aggregates.rows_without_order,
            orders_on_two_dates,
            clients_outside_base: if base { self.outside_base() as u64 } else { 0 },
            ..FactsAccount::default()
        };
        let mut purchases = 0;
        self.clients.each_state(|state| {
            account.money_used += state.total.value();
            account.clients[state.status() as usize] += 1;
            purchases += u64::from(state.lines);
        });
        if purchases != self.aggregates.lines - self.aggregates.returns.0 {
            return Err(Error::Data(format!(
                "a client has more than {} purchase lines, which is more than can be counted: leave that client out",
                u32::MAX
            )));
        }
        Ok(Finalized { clients: self.clients, scopes: self.aggregates.scopes, account })
    }
}

impl<O: Key> Aggregates<O> {
    /// Bring what orders and waiting returns hold to their clients; gives the number of orders with
    /// purchases on two dates. `state` gives the states of clients over all time.
    fn finalize(
        &mut self,
        spec: &AggregateSpec,
        slots: usize,
        set: &mut OrderSet<O>,
        state: impl Fn(usize) -> ClientState,
    ) -> u64 {
        let mut basket = 0;
        let mut days: Vec<(usize, i32)> = Vec::new();
        if spec.scopes.iter().any(|scope| scope.log_gaps) {
            days.extend(self.days.pairs());
            days.sort_unstable();
        }
        for (scope, kept) in spec.scopes.iter().zip(&mut self.scopes) {
            kept.add_pending(scope, &state);
            let orders: &[_] = if scope.orders || scope.baskets { &self.orders.kept } else { &[] };
            for (number, order) in orders.iter().enumerate() {
                if order.last > scope.after {
                    let client = order.client as usize;
                    if scope.orders {
                        kept.orders[client] += 1;
                    }
                    if scope.baskets {
                        let basket =
                            self.orders.baskets[number * self.orders.baskets_each + basket];
                        kept.extra[client].order(basket.instant, basket.money.value());
                    }
                }
            }
            basket += usize::from(scope.baskets);
            if scope.log_gaps {
                kept.sum_log_gaps(scope, slots, &days);
            }
            if spec.days {
                kept.active_days.resize(slots, 0);
                for (client, day) in self.days.pairs() {
                    kept.active_days[client] += u32::from(scope.is_all_time() || day > scope.after);
                }
            }
        }
        let mut on_two_dates =
            self.orders.kept.iter().filter(|order| order.first < order.last).count() as u64;
        self.log.each(set, |order| {
            on_two_dates += u64::from(order.several_days);
            for (scope, kept) in spec.scopes.iter().zip(&mut self.scopes) {
                if scope.orders && order.last > scope.after {
                    kept.orders[order.client as usize] += 1;
                }
            }
        });
        on_two_dates
    }
}
