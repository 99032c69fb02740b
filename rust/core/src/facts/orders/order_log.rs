//! Distinct orders, where only their number and their days are asked for.

use crate::facts::key::{Buffers, Key};
use crate::hash::hash_words;
use crate::prefetch::prefetch;

/// One order of one client, as far as some of its purchase lines tell of it.
#[derive(Clone, Copy)]
struct OrderRecord<K> {
    id: K,
    /// The number of the client, and in the highest bit whether purchases lie on several days.
    client: u32,
    /// The last day of a purchase.
    last: i32,
}

/// Clients of a partition are numbered in fewer bits than this one.
const SEVERAL_DAYS: u32 = 1 << 31;

impl<K: Copy> OrderRecord<K> {
    fn client(&self) -> u32 {
        self.client & !SEVERAL_DAYS
    }

    /// Take in what another record tells of the same order.
    fn merge(&mut self, other: &Self) {
        let differ = u32::from(self.last != other.last) * SEVERAL_DAYS;
        self.client |= differ | (other.client & SEVERAL_DAYS);
        self.last = self.last.max(other.last);
    }
}

/// What is known of a distinct order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DistinctOrder {
    pub client: u32,
    /// The last day of a purchase.
    pub last: i32,
    pub several_days: bool,
}

/// The orders of a partition: a record for each purchase line, of which those of one order are
/// brought together when there turn out to be many more records than orders.
///
/// To write a record is to append it. A table of orders here would outgrow the caches, and
/// every line would wait for memory; records are brought together block by block instead, with
/// memory prefetched.
pub struct OrderLog<O: Key> {
    full: Vec<Vec<OrderRecord<O::Stored>>>,
    last: Vec<OrderRecord<O::Stored>>,
    /// With this many records it is looked into whether they are many more than orders.
    enough: usize,
    arena: Vec<u8>,
}

/// Records of a block.
const BLOCK: usize = 256;
/// Below this many records a partition keeps them as they are.
const FEW: usize = 16 * 1024;
/// One order in this many is looked at to tell whether records are many more than orders.
const SAMPLED: u64 = 16;

impl<O: Key> Default for OrderLog<O> {
    fn default() -> Self {
        Self { full: Vec::new(), last: Vec::new(), enough: FEW, arena: Vec::new() }
    }
}

impl<O: Key> OrderLog<O> {
    /// Take in a purchase line.
    #[inline]
    pub fn purchase(&mut self, client: u32, id: O::Row, day: i32, buffers: &Buffers) {
        let id = O::store(id, &mut self.arena, buffers);
        self.push(OrderRecord { id, client, last: day });
    }

    #[inline]
    fn push(&mut self, record: OrderRecord<O::Stored>) {
        if self.last.len() == self.last.capacity() {
            let full = std::mem::replace(&mut self.last, Vec::with_capacity(BLOCK));
            if !full.is_empty() {
                self.full.push(full);
            }
        }
        self.last.push(record);
    }

    fn blocks(&self) -> impl Iterator<Item = &[OrderRecord<O::Stored>]> {
        self.full.iter().map(Vec::as_slice).chain(std::iter::once(self.last.as_slice()))
    }

    fn len(&self) -> usize {
        self.full.len() * BLOCK + self.last.len()
    }

    /// Have clients other numbers.
    pub fn renumber(&mut self, number: impl Fn(u32) -> u32) {
        for record in self.full.iter_mut().flatten().chain(&mut self.last) {
            record.client = number(record.client()) | record.client & SEVERAL_DAYS;
        }
    }

    /// Bring the records of each order together where that makes them half as many or fewer, so
    /// that there are never many more than four times as many as orders.
    pub fn compact(&mut self, set: &mut OrderSet<O>) {
        if self.len() < self.enough {
            return;
        }
        let sampled = |hash| hash % SAMPLED == 0;
        let orders = set.fill(self, sampled) * SAMPLED as usize;
        if 2 * orders <= self.len() {
            self.deduplicate(set);
        }
        self.enough = FEW.max(2 * self.len());
    }

    fn deduplicate(&mut self, set: &mut OrderSet<O>) {
        set.fill(self, |_| true);
        let arena = std::mem::take(&mut self.arena);
        self.full.clear();
        self.last.clear();
        set.each(|order| {
            let id = O::store_again(order.id, &arena, &mut self.arena);
            self.push(OrderRecord { id, ..*order });
        });
    }

    /// Call `with` for every order, and forget them all.
    pub fn each(&mut self, set: &mut OrderSet<O>, mut with: impl FnMut(DistinctOrder)) {
        set.fill(self, |_| true);
        *self = Self::default();
        set.each(|order| {
            with(DistinctOrder {
                client: order.client(),
                last: order.last,
                several_days: order.client & SEVERAL_DAYS != 0,
            });
        });
    }
}

/// An open set of distinct orders, reused from partition to partition.
pub struct OrderSet<O: Key> {
    slots: Vec<OrderRecord<O::Stored>>,
}

/// No client has this number.
const NOBODY: u32 = u32::MAX;

impl<O: Key> Default for OrderSet<O> {
    fn default() -> Self {
        Self { slots: Vec::new() }
    }
}

impl<O: Key> OrderSet<O> {
    /// Enter the records of a log whose hash is `taken`; gives the number of distinct orders.
    fn fill(&mut self, log: &OrderLog<O>, taken: impl Fn(u64) -> bool) -> usize {
        self.slots.clear();
        let Some(any) = log.last.first() else {
            return 0;
        };
        let free = OrderRecord { client: NOBODY, ..*any };
        self.slots.resize((log.len() * 3 / 2).next_power_of_two(), free);
        let mask = self.slots.len() - 1;
        let mut orders = 0;
        let mut slots = [0_usize; BLOCK];
        for block in log.blocks() {
            // The first pass prefetches the memory that the second needs.
            for (record, start) in block.iter().zip(&mut slots) {
                let id = O::hash_stored(record.id, &log.arena);
                let hash = hash_words(id, u64::from(record.client()));
                *start = if taken(hash) { (hash >> 32) as usize & mask } else { usize::MAX };
                prefetch(&self.slots, *start);
            }
            for (record, &start) in block.iter().zip(&slots) {
                if start != usize::MAX {
                    orders += usize::from(self.enter(record, start, &log.arena));
                }
            }
        }
        orders
    }

    /// Enter a record; whether its order is new.
    #[inline]
    fn enter(&mut self, record: &OrderRecord<O::Stored>, mut start: usize, arena: &[u8]) -> bool {
        loop {
            let slot = &mut self.slots[start];
            if slot.client == NOBODY {
                *slot = *record;
                return true;
            }
            if slot.client() == record.client() && O::is_same(slot.id, record.id, arena) {
                slot.merge(record);
                return false;
            }
            start = (start + 1) & (self.slots.len() - 1);
        }
    }

    /// Call `with` for every order in the set.
    fn each(&self, mut with: impl FnMut(&OrderRecord<O::Stored>)) {
        let mut orders = [0_u16; BLOCK];
        for slots in self.slots.chunks(BLOCK) {
            // Which slots are free nobody can guess, so they are sorted out without a branch.
            let mut count = 0;
            for (number, slot) in (0..).zip(slots) {
                orders[count] = number;
                count += usize::from(slot.client != NOBODY);
            }
            orders[..count].iter().for_each(|&number| with(&slots[usize::from(number)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::columns::view_of;
    use crate::facts::key::Text;

    proptest! {
        /// However often records are brought together, the orders are those of a map.
        #[test]
        fn orders_are_those_of_a_map(
            lines in prop::collection::vec(
                (0_u32..5, prop_oneof!["[ab]{0,3}", "abcdefghijkl[ab]{1,3}"], 0_i32..3), 0..300,
            ),
            compact_at in prop::collection::vec(0_usize..300, 0..4),
        ) {
            let mut log = OrderLog::<Text>::default();
            let mut expected: BTreeMap<(u32, &str), (i32, i32)> = BTreeMap::new();
            for (number, (client, id, day)) in lines.iter().enumerate() {
                if compact_at.contains(&number) {
                    log.deduplicate(&mut OrderSet::default());
                }
                log.purchase(*client, view_of(id.as_bytes(), 0, 0), *day, &[id.as_bytes()]);
                let days = expected.entry((*client, id)).or_insert((*day, *day));
                *days = (days.0.min(*day), days.1.max(*day));
            }
            let mut found = Vec::new();
            log.each(&mut OrderSet::default(), |order| found.push((order.client, order.last, order.several_days)));
            let mut expected: Vec<_> = expected
                .iter()
                .map(|((client, _), (first, last))| (*client, *last, first < last))
                .collect();
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
