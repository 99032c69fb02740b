//! Distinct orders and distinct days of the clients of one partition.

use super::keys::{Buffers, Key};
use crate::hash::{hash_word, hash_words};
use crate::money::Sum;

/// An empty place of a table.
const FREE: u32 = u32::MAX;

/// One order of one client.
#[derive(Clone, Copy)]
pub(super) struct Order<K> {
    id: K,
    pub client: u32,
    /// The first and the last day of its purchase lines; `first` above `last` where it has none.
    pub first: i32,
    pub last: i32,
}

/// The money of an order in one scope, and the instant of its last purchase line there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Basket {
    pub money: Sum,
    pub instant: i64,
}

/// The orders of a partition.
pub(super) struct Orders<O: Key> {
    table: Vec<u32>,
    pub kept: Vec<Order<O::Stored>>,
    /// As many a row as scopes ask for baskets, order by order.
    pub baskets: Vec<Basket>,
    pub baskets_each: usize,
    arena: Vec<u8>,
}

impl<O: Key> Orders<O> {
    pub fn new(baskets_each: usize) -> Self {
        Self {
            table: vec![FREE; 16],
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

    /// The numbers of the orders of a group of (client, id) that stand in their first place;
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
            *number = self.table[place_of(O::hash_row(id, buffers), client) & mask];
        }
        for ((client, id), number) in group.zip(numbers.iter_mut()) {
            let known = self.kept.get(*number as usize);
            if !known.is_some_and(|order| {
                order.client == client && O::matches(order.id, id, &self.arena, buffers)
            }) {
                *number = FREE;
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
            FREE => self.search(client, id, buffers),
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
        let mut place = place_of(O::hash_row(id, buffers), client) & mask;
        loop {
            let number = self.table[place];
            if number == FREE {
                return self.enter(place, client, id, buffers);
            }
            let order = &self.kept[number as usize];
            if order.client == client && O::matches(order.id, id, &self.arena, buffers) {
                return number as usize;
            }
            place = (place + 1) & mask;
        }
    }

    #[cold]
    fn enter(&mut self, place: usize, client: u32, id: O::Row, buffers: &Buffers) -> usize {
        let number = self.kept.len();
        assert!(number < FREE as usize, "a partition holds fewer than 2^32 orders");
        self.table[place] = number as u32;
        let id = O::store(id, &mut self.arena, buffers);
        self.kept.push(Order { id, client, first: i32::MAX, last: i32::MIN });
        let none = Basket { money: Sum::ZERO, instant: i64::MIN };
        self.baskets.extend(std::iter::repeat_n(none, self.baskets_each));
        if self.kept.len() * 2 > self.table.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 2 - 1;
        self.table.clear();
        self.table.resize(mask + 1, FREE);
        for (number, order) in self.kept.iter().enumerate() {
            let mut place = place_of(O::hash_stored(order.id, &self.arena), order.client) & mask;
            while self.table[place] != FREE {
                place = (place + 1) & mask;
            }
            self.table[place] = number as u32;
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
fn place_of(order_hash: u64, client: u32) -> usize {
    (hash_words(order_hash, u64::from(client)) >> 32) as usize
}

/// The distinct (client, day) pairs of a partition, eight bytes each in one open table.
#[derive(Debug)]
pub(super) struct DaySet {
    table: Vec<u64>,
    count: usize,
}

/// No client has the number `u32::MAX`.
const NO_DAY: u64 = u64::MAX;

impl Default for DaySet {
    fn default() -> Self {
        Self { table: vec![NO_DAY; 16], count: 0 }
    }
}

impl DaySet {
    #[inline]
    pub fn insert(&mut self, client: u32, day: i32) {
        let pair = u64::from(client) << 32 | u64::from(day as u32);
        let mask = self.table.len() - 1;
        let mut place = (hash_word(pair) >> 32) as usize & mask;
        loop {
            let kept = self.table[place];
            if kept == pair {
                return;
            }
            if kept == NO_DAY {
                break;
            }
            place = (place + 1) & mask;
        }
        self.table[place] = pair;
        self.count += 1;
        if self.count * 2 > self.table.len() {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let mask = self.table.len() * 2 - 1;
        let old = std::mem::replace(&mut self.table, vec![NO_DAY; mask + 1]);
        for pair in old.into_iter().filter(|&pair| pair != NO_DAY) {
            let mut place = (hash_word(pair) >> 32) as usize & mask;
            while self.table[place] != NO_DAY {
                place = (place + 1) & mask;
            }
            self.table[place] = pair;
        }
    }

    /// Every pair, in no particular order.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, i32)> {
        self.table
            .iter()
            .filter(|&&pair| pair != NO_DAY)
            .map(|&pair| ((pair >> 32) as usize, pair as u32 as i32))
    }
}
