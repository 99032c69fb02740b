//! What a partition keeps beside its clients: windows, baskets, orders, days, and counts.

use super::extra_state::{BasketKey, ExtraLine};
use super::scope_state::ScopeState;
use crate::facts::key::{Buffers, Key};
use crate::facts::line::{GROUP, IS_RETURN, Line, NO_ORDER, When};
use crate::facts::orders::{DaySet, NOT_FOUND, OrderLog, OrderTable};
use crate::facts::spec::AggregateSpec;
use crate::facts::states::StateColumns;
use crate::facts::store::{ClientEntry, ClientState};

/// What a partition keeps beside its clients.
pub struct Aggregates<O: Key> {
    /// For each scope, the first of which is all time.
    pub scopes: Vec<ScopeState>,
    /// Orders and their money, where that is asked for; their number alone stands in the log.
    pub orders: OrderTable<O>,
    pub log: OrderLog<O>,
    pub days: DaySet,
    /// Lines taken in.
    pub lines: u64,
    /// Rows and money of returns.
    pub returns: (u64, i128),
    pub rows_without_order: u64,
}

impl<O: Key> Aggregates<O> {
    pub fn new(spec: &AggregateSpec) -> Self {
        Self {
            scopes: spec.scopes.iter().map(|_| ScopeState::default()).collect(),
            orders: OrderTable::new(spec.scopes.iter().filter(|scope| scope.baskets).count()),
            log: OrderLog::default(),
            days: DaySet::default(),
            lines: 0,
            returns: (0, 0),
            rows_without_order: 0,
        }
    }

    /// Have room for so many clients.
    #[inline]
    pub fn grow(&mut self, spec: &AggregateSpec, slots: usize) {
        for (scope, kept) in spec.scopes.iter().zip(&mut self.scopes) {
            kept.grow(scope, slots);
        }
    }

    /// Have what is kept of clients moved to other slots, of which there are so many.
    pub fn move_clients(
        &mut self,
        spec: &AggregateSpec,
        slots: usize,
        slot_of: impl Fn(u32) -> usize,
    ) {
        self.log.renumber(|client| slot_of(client) as u32);
        let kept = spec.scopes.iter().zip(&mut self.scopes);
        kept.filter(|(scope, _)| scope.orders)
            .for_each(|(_, kept)| kept.move_orders(slots, &slot_of));
    }

    #[inline]
    pub fn count_return(&mut self, amount: i64) {
        self.returns.0 += 1;
        self.returns.1 += i128::from(amount);
    }

    /// Take in a line that touches nothing beside the state of its client but the log of orders.
    #[inline]
    pub fn add_plain<K: Key, W: When>(
        &mut self,
        line: &Line<K, O, W>,
        client: u32,
        spec: &AggregateSpec,
        order_buffers: &Buffers,
    ) {
        if line.tag & IS_RETURN != 0 {
            self.count_return(line.amount);
        } else if line.tag & NO_ORDER == 0 {
            self.log.purchase(client, line.order, line.when.day(), order_buffers);
        } else if spec.orders {
            self.rows_without_order += 1;
            if spec.scopes[0].orders {
                self.scopes[0].orders[client as usize] += 1;
            }
        }
    }

    /// Take in a group of lines of these clients, into their states too.
    #[inline]
    pub fn add_group<K: Key, W: When>(
        &mut self,
        states: &mut [ClientEntry<K::Stored>],
        group: &[Line<K, O, W>],
        clients: &[u32],
        spec: &AggregateSpec,
        order_buffers: &Buffers,
    ) {
        let mut orders = [NOT_FOUND; GROUP];
        if self.orders.keeps_baskets() {
            let ids = group.iter().zip(clients).map(|(line, &client)| (client, line.order));
            self.orders.find(ids, &mut orders, order_buffers);
        }
        for ((line, &client), &order) in group.iter().zip(clients).zip(&orders) {
            let state = &mut states[client as usize].state;
            self.add_line(state, line, client as usize, order, spec, order_buffers);
        }
    }

    /// Take in the states of row `row`, which are those of a client.
    pub fn add_states(
        &mut self,
        all_time: &mut ClientState,
        client: usize,
        states: &[StateColumns],
        row: usize,
        spec: &AggregateSpec,
    ) {
        self.lines += states[0].lines[row] as u64;
        for ((scope, kept), columns) in spec.scopes.iter().zip(&mut self.scopes).zip(states) {
            let state =
                if scope.is_all_time() { &mut *all_time } else { &mut kept.clients[client] };
            let lines = columns.lines[row];
            state.merge(lines, columns.first[row], columns.last[row], columns.total[row]);
            if let Some(rare) = &columns.extra {
                let extra = &mut kept.extra[client];
                extra.returns.merge(rare.returns[row]);
                if lines > 0 {
                    extra.max_basket = extra.max_basket.max(rare.largest[row].into());
                }
            }
        }
    }

    /// Take in one line; `order` is its order's number where that is known already.
    #[inline]
    fn add_line<K: Key, W: When>(
        &mut self,
        state: &mut ClientState,
        line: &Line<K, O, W>,
        client: usize,
        order: u32,
        spec: &AggregateSpec,
        buffers: &Buffers,
    ) {
        let basket = match (spec.orders, line.tag & NO_ORDER == 0) {
            (false, _) => BasketKey::Instant,
            (true, true) => BasketKey::Order,
            (true, false) => BasketKey::Alone,
        };
        let (day, instant) = (line.when.day(), line.when.instant());
        let is_return = line.tag & IS_RETURN != 0;
        if is_return {
            self.count_return(line.amount);
        } else {
            self.rows_without_order += u64::from(basket == BasketKey::Alone);
            if spec.days {
                self.days.insert(client as u32, day);
            }
        }
        let order = (basket == BasketKey::Order && self.orders.keeps_baskets()).then(|| {
            let purchase = (!is_return).then_some(day);
            self.orders.line(client as u32, line.order, order, purchase, buffers)
        });
        if basket == BasketKey::Order && order.is_none() && !is_return {
            self.log.purchase(client as u32, line.order, day, buffers);
        }
        let line = ExtraLine { day, instant, amount: line.amount, is_return, basket };
        self.add_to_scopes(state, client, order, line, spec);
    }

    /// Take one line in to each scope whose window holds it.
    #[inline]
    fn add_to_scopes(
        &mut self,
        all_time: &mut ClientState,
        client: usize,
        order: Option<usize>,
        line: ExtraLine,
        spec: &AggregateSpec,
    ) {
        let mut basket = 0;
        for (scope, kept) in spec.scopes.iter().zip(&mut self.scopes) {
            let inside = scope.is_all_time() || line.day > scope.after;
            if inside {
                let state =
                    if scope.is_all_time() { &mut *all_time } else { &mut kept.clients[client] };
                if scope.extra {
                    let extra = &mut kept.extra[client];
                    extra.line(state, line);
                    if line.is_return {
                        kept.pending.extend(extra.pending(state, client as u32, line));
                    }
                }
                if line.is_return {
                    state.add_return(line.amount);
                } else {
                    state.add_purchase(line.day, line.amount);
                }
                if scope.orders && !line.is_return && line.basket == BasketKey::Alone {
                    kept.orders[client] += 1;
                }
                if let (Some(order), true) = (order, scope.baskets) {
                    let purchase = (!line.is_return).then_some(line.instant);
                    self.orders.add(order, basket, line.amount, purchase);
                }
            }
            basket += usize::from(scope.baskets);
        }
    }
}
