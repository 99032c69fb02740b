//! Distinct orders of one partition and their money.

use crate::facts::key::{Buffers, Key};
use crate::hash::hash_words;
use crate::money::Sum;

/// A free slot, and no order found.
pub const NOT_FOUND: u32 = u32::MAX;

/// One order of one client.
#[derive(Clone, Copy)]
pub struct OrderState<K> {
    id: K,
    pub client: u32,
    /// The first and the last day of its purchase lines; `first` above `last` where it has none.
    pub first: i32,
    pub last: i32,
}

/// The money of an order in one scope, and the instant of its last purchase line there.
#[derive(Debug, Clone, Copy)]
pub struct OrderBasket {
    pub money: Sum,
    pub instant: i64,
}

/// The orders of a partition.
pub struct OrderTable<O: Key> {
    table: Vec<u32>,
    pub kept: Vec<OrderState<O::Stored>>,
    /// As many a row as scopes ask for baskets, order by order.
    pub baskets: Vec<OrderBasket>,
    pub baskets_each: usize,
    arena: Vec<u8>,
}

impl<O: Key> OrderTable<O> {
    pub fn new(baskets_each: usize) -> Self {
        Self {
            table: vec![NOT_FOUND; 16],
            kept: Vec::new(),
            baskets: Vec::new(),
            baskets_each,
            arena: Vec::new(),
        }
    }

    /// Whether the money of orders is asked for, and orders stand here rather than in the log.
    #[inline]
    pub fn keeps_baskets(&self) -> bool {
        self.baskets_each > 0
    }

    /// The numbers of the orders of a group of (client, id) that stand in their first slot;
    /// `u32::MAX` for those to be searched. Step by step, so that loads do not wait for each other.
    #[inline]
    pub fn find(
        &self,
        group: impl Iterator<Item = (u32, O::Row)> + Clone,
        numbers: &mut [u32],
        buffers: &Buffers,
    ) {
        let mask = self.table.len() - 1;
        for ((client, id), number) in group.clone().zip(numbers.iter_mut()) {
            *number = self.table[slot_of(O::hash_row(id, buffers), client) & mask];
        }
        for ((client, id), number) in group.zip(numbers.iter_mut()) {
            let known = self.kept.get(*number as usize);
            if !known.is_some_and(|order| {
                order.client == client && O::matches(order.id, id, &self.arena, buffers)
            }) {
                *number = NOT_FOUND;
            }
        }
    }

    /// The number of a line's order, entered if new, and searched unless `known`; `purchase` is
    /// the day of a purchase line.
    #[inline]
    pub fn line(
        &mut self,
        client: u32,
        id: O::Row,
        known: u32,
        purchase: Option<i32>,
        buffers: &Buffers,
    ) -> usize {
        let number = match known {
            NOT_FOUND => self.search(client, id, buffers),
            known => known as usize,
        };
        if let Some(day) = purchase {
            let order = &mut self.kept[number];
            order.first = order.first.min(day);
            order.last = order.last.max(day);
        }
        number
    }

    fn search(&mut self, client: u32, id: O::Row, buffers: &Buffers) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = slot_of(O::hash_row(id, buffers), client) & mask;
        loop {
            let number = self.table[slot];
            if number == NOT_FOUND {
                return self.enter(slot, client, id, buffers);
            }
            let order = &self.kept[number as usize];
            if order.client == client && O::matches(order.id, id, &self.arena, buffers) {
                return number as usize;
            }
            slot = (slot + 1) & mask;
        }
    }

    #[cold]
    fn enter(&mut self, slot: usize, client: u32, id: O::Row, buffers: &Buffers) -> usize {
        let number = self.kept.len();
        assert!(number < NOT_FOUND as usize, "a partition holds fewer than 2^32 orders");
        self.table[slot] = number as u32;
        let id = O::store(id, &mut self.arena, buffers);
        self.kept.push(OrderState { id, client, first: i32::MAX, last: i32::MIN });
        let none = OrderBasket { money: Sum::ZERO, instant: i64::MIN };
        self.baskets.extend(std::iter::repeat_n(none, self.baskets_each));
        if self.kept.len() * 2 > self.table.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 2 - 1;
        self.table.clear();
        self.table.resize(mask + 1, NOT_FOUND);
        for (number, order) in self.kept.iter().enumerate() {
            let mut slot = slot_of(O::hash_stored(order.id, &self.arena), order.client) & mask;
            while self.table[slot] != NOT_FOUND {
                slot = (slot + 1) & mask;
            }
            self.table[slot] = number as u32;
        }
    }

    /// Add a line to an order's basket of one scope.
    #[inline]
    pub fn add(&mut self, order: usize, basket: usize, amount: i64, purchase: Option<i64>) {
        let basket = &mut self.baskets[order * self.baskets_each + basket];
        basket.money.add(amount);
        if let Some(instant) = purchase {
            basket.instant = basket.instant.max(instant);
        }
    }
}

/// Where the order of a client is looked for first.
#[inline]
fn slot_of(order_hash: u64, client: u32) -> usize {
    (hash_words(order_hash, u64::from(client)) >> 32) as usize
}
