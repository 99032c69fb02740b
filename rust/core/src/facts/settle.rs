//! After the last line of a partition.

use super::keys::Key;
use super::order_log::Table;
use super::partition::Partition;
use super::plan::Plan;

/// What settling a partition found.
#[derive(Debug)]
pub(super) struct Settled {
    pub orders_on_two_dates: u64,
    /// Distinct purchase days, scope by scope and client by client.
    pub active_days: Vec<Vec<u32>>,
}

impl<C: Key, O: Key> Partition<C, O> {
    /// After the last line: bring what orders and waiting returns hold to their clients.
    pub fn settle(&mut self, plan: &Plan, table: &mut Table<O>) -> Settled {
        let mut settled =
            Settled { orders_on_two_dates: 0, active_days: vec![Vec::new(); plan.scopes.len()] };
        let mut basket = 0;
        for (index, (scope, kept)) in plan.scopes.iter().zip(&mut self.scoped).enumerate() {
            kept.settle(scope, &self.clients);
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
            if plan.days {
                let days = &mut settled.active_days[index];
                days.resize(self.clients.len(), 0);
                for (client, day) in self.days.pairs() {
                    days[client] += u32::from(scope.is_all_time() || day > scope.after);
                }
            }
        }
        settled.orders_on_two_dates =
            self.orders.kept.iter().filter(|order| order.first < order.last).count() as u64;
        self.log.each(table, |order| {
            settled.orders_on_two_dates += u64::from(order.several_days);
            for (scope, kept) in plan.scopes.iter().zip(&mut self.scoped) {
                if scope.orders && order.last > scope.after {
                    kept.orders[order.client as usize] += 1;
                }
            }
        });
        settled
    }
}
