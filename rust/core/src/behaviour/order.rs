//! The events of a partition, by client and in the order of each.
//!
//! Events stay where they are: what is grouped and sorted are keys of one word, which hold an
//! instant and the place of an event. Each client's events are then fetched in their order.

use std::cmp::Ordering;

use super::chunk::{Block, EventId, kept_text, shifted};
use super::event::{Event, Flags, Texts, compare_columns};
use super::keys::sort_keys;
use super::seen::Seen;
use crate::hash::hash_word;
use crate::prefetch::prefetch;

/// A free place of the table.
const FREE: u32 = u32::MAX;

/// The events of one partition, grouped; its arrays are reused from partition to partition.
#[derive(Debug, Default)]
pub(super) struct Grouped {
    /// Open addressing by the hash of the client: its number, or [`FREE`].
    table: Vec<u32>,
    /// The clients, by number.
    pub clients: Vec<u64>,
    /// Where the keys of each client begin, and where the last one's end.
    starts: Vec<u32>,
    keys: Vec<u64>,
    layout: Layout,
    numbers: Vec<u32>,
    next: Vec<u32>,
    /// Whether any event may have an id.
    with_ids: bool,
    /// The bytes before the arena of each block when all are appended to each other.
    before: Vec<usize>,
    /// The client whose events were arranged last.
    pub own: Own,
}

/// What the bits of a key say: instants since the first above the number of a block, and that above
/// a place in it.
#[derive(Debug, Clone, Copy, Default)]
struct Layout {
    /// The first instant; none where instants lie too far apart for keys to hold them.
    first: Option<i64>,
    place_bits: u32,
    block_bits: u32,
}

impl Layout {
    fn new(blocks: &[Block], (first, last): (i64, i64)) -> Self {
        let bits = |most: usize| usize::BITS - most.leading_zeros();
        let longest = blocks.iter().map(|block| block.events.len()).max().unwrap_or(0);
        let (place_bits, block_bits) = (bits(longest), bits(blocks.len()));
        // One more bit is left free, so that keys order as signed numbers too.
        let fits = last.wrapping_sub(first).leading_zeros() > place_bits + block_bits;
        Self { first: fits.then_some(first), place_bits, block_bits }
    }

    #[inline]
    fn key(self, instant: i64, block: usize, place: usize) -> u64 {
        let since = self.first.map_or(0, |first| instant.wrapping_sub(first) as u64);
        (since << self.block_bits | block as u64) << self.place_bits | place as u64
    }

    /// The block and the place of a key.
    #[inline]
    fn place(self, key: u64) -> (usize, usize) {
        let low = |word: u64, bits: u32| (word & ((1 << bits) - 1)) as usize;
        (low(key >> self.place_bits, self.block_bits), low(key, self.place_bits))
    }
}

impl Grouped {
    /// Bring the events of blocks together by client, along with clients who may have none.
    pub fn group(&mut self, blocks: &[Block], others: impl Iterator<Item = u64>) {
        let rows: usize = blocks.iter().map(|block| block.events.len()).sum();
        self.clients.clear();
        self.table.clear();
        self.table.resize((rows / 4).next_power_of_two().max(64), FREE);
        self.numbers.clear();
        self.starts.clear();
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        let none = Block::default();
        let following = blocks.iter().skip(1).chain([&none]);
        for (block, next) in blocks.iter().zip(following) {
            for (place, event) in block.events.iter().enumerate() {
                prefetch(next.events, place); // it lies elsewhere, and nobody else foresees it
                let number = self.number(event.client);
                self.numbers.push(number);
                self.starts[number as usize] += 1;
                (first, last) = (first.min(event.instant), last.max(event.instant));
            }
        }
        for client in others {
            self.number(client);
        }
        let mut start = 0;
        for count in &mut self.starts {
            start += std::mem::replace(count, start);
        }
        self.starts.push(start);
        self.next.clone_from(&self.starts);
        self.layout = Layout::new(blocks, (first, last));
        self.scatter(blocks, rows);
        self.with_ids = blocks.iter().any(|block| !block.ids.is_empty());
        self.own.arena.clear();
        self.before.clear();
        for block in blocks {
            self.before.push(self.own.arena.len());
            self.own.arena.extend_from_slice(block.arena);
        }
    }

    fn scatter(&mut self, blocks: &[Block], rows: usize) {
        self.keys.resize(rows, 0);
        let mut numbers = self.numbers.iter();
        for (number, block) in blocks.iter().enumerate() {
            for ((place, event), &client) in block.events.iter().enumerate().zip(&mut numbers) {
                let next = &mut self.next[client as usize];
                self.keys[*next as usize] = self.layout.key(event.instant, number, place);
                *next += 1;
            }
        }
    }

    /// The number of a client, who is entered if new.
    #[inline]
    pub fn number(&mut self, client: u64) -> u32 {
        let mask = self.table.len() - 1;
        let mut place = hash_word(client) as usize & mask;
        loop {
            let number = self.table[place];
            if number == FREE {
                break;
            }
            if self.clients[number as usize] == client {
                return number;
            }
            place = (place + 1) & mask;
        }
        let number = self.clients.len() as u32;
        self.table[place] = number;
        self.clients.push(client);
        self.starts.push(0);
        if self.clients.len() * 2 > self.table.len() {
            self.grow();
        }
        number
    }

    #[cold]
    fn grow(&mut self) {
        let mask = self.table.len() * 2 - 1;
        self.table.clear();
        self.table.resize(mask + 1, FREE);
        for (number, &client) in (0..).zip(&self.clients) {
            let mut place = hash_word(client) as usize & mask;
            while self.table[place] != FREE {
                place = (place + 1) & mask;
            }
            self.table[place] = number;
        }
    }

    /// Fetch the events of a client in their order, drop duplicates, those of events that earlier
    /// runs have seen included, and say how many were dropped.
    pub fn arrange(
        &mut self,
        blocks: &[Block],
        client: usize,
        texts: Texts,
        text_ids: bool,
        seen: &Seen,
    ) -> u64 {
        let layout = self.layout;
        let event = |key: u64| {
            let (block, place) = layout.place(key);
            &blocks[block].events[place]
        };
        let keys = &mut self.keys[self.starts[client] as usize..self.starts[client + 1] as usize];
        if layout.first.is_some() {
            sort_keys(keys);
        } else {
            keys.sort_unstable_by_key(|&key| (event(key).instant, key));
        }
        let own = &mut self.own;
        own.text_ids = text_ids;
        own.events.clear();
        own.events.extend(keys.iter().map(|&key| *event(key)));
        own.ids.clear();
        if self.with_ids {
            own.ids.extend(keys.iter().map(|&key| {
                let (block, place) = layout.place(key);
                let id = blocks[block].ids.get(place).copied().unwrap_or(0);
                shifted(id, &blocks[block], self.before[block])
            }));
        }
        if own.events.windows(2).any(|pair| pair[0].instant == pair[1].instant) {
            own.settle_ties(texts);
        }
        if own.ids.is_empty() { 0 } else { own.drop_duplicates(seen) }
    }
}

/// The events of one client, in their order.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub events: Vec<Event>,
    /// Their ids; empty where events have none.
    ids: Vec<EventId>,
    arena: Vec<u8>,
    text_ids: bool,
}

impl Own {
    /// The id of the event at a place: a number, or the bytes of a text.
    pub fn id(&self, place: usize) -> Option<Id<'_>> {
        if self.ids.is_empty() || !self.events[place].flags.has(Flags::HAS_ID) {
            return None;
        }
        let id = self.ids[place];
        Some(if self.text_ids {
            Id::Text(kept_text(id, &self.arena))
        } else {
            Id::Number(id as u64)
        })
    }

    /// Put events of one instant in their order: by id, those without one first, then by columns.
    #[cold]
    fn settle_ties(&mut self, texts: Texts) {
        let mut order: Vec<usize> = (0..self.events.len()).collect();
        let instant = |place: usize| self.events[place].instant;
        let compare = |&a: &usize, &b: &usize| -> Ordering {
            let ids = self.id(a).cmp(&self.id(b));
            ids.then_with(|| compare_columns(&self.events[a], &self.events[b], texts))
        };
        for tied in order.chunk_by_mut(|&a, &b| instant(a) == instant(b)) {
            tied.sort_by(compare);
        }
        self.events = order.iter().map(|&place| self.events[place]).collect();
        if !self.ids.is_empty() {
            self.ids = order.iter().map(|&place| self.ids[place]).collect();
        }
    }

    /// Keep the first event of each id that was not seen before, and say how many were dropped.
    fn drop_duplicates(&mut self, seen: &Seen) -> u64 {
        let mut order: Vec<usize> =
            (0..self.events.len()).filter(|&place| self.id(place).is_some()).collect();
        order.sort_unstable_by(|&a, &b| self.id(a).cmp(&self.id(b)).then(a.cmp(&b)));
        let mut dropped = vec![false; self.events.len()];
        for pair in order.windows(2) {
            dropped[pair[1]] = self.id(pair[0]) == self.id(pair[1]);
        }
        if !seen.is_empty() {
            for &place in &order {
                dropped[place] |= self.id(place).is_some_and(|id| seen.has(id));
            }
        }
        let mut places = dropped.iter();
        self.events.retain(|_| places.next() == Some(&false));
        let mut places = dropped.iter();
        self.ids.retain(|_| places.next() == Some(&false));
        dropped.iter().filter(|&&dropped| dropped).count() as u64
    }
}

/// The id of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Id<'a> {
    /// As it orders.
    Number(u64),
    Text(&'a [u8]),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::dictionary::Dictionary;
    use super::*;

    /// Blocks of events of a few clients; `page` numbers the events.
    fn blocks(instant: impl Strategy<Value = i64>) -> impl Strategy<Value = Vec<Vec<Event>>> {
        let event = (0..4_u64, instant);
        let block = proptest::collection::vec(event, 0..120);
        proptest::collection::vec(block, 0..6).prop_map(|blocks| {
            let mut page = 0..;
            let mut event = |(client, instant)| Event {
                client,
                instant,
                page: page.next().unwrap_or(0),
                ..Event::default()
            };
            blocks.into_iter().map(|block| block.into_iter().map(&mut event).collect()).collect()
        })
    }

    /// Each client's events in their order, by the definition.
    fn by_hand(blocks: &[Vec<Event>], pages: &[&[u8]]) -> BTreeMap<u64, Vec<u32>> {
        let mut events: Vec<&Event> = blocks.iter().flatten().collect();
        events.sort_by_key(|event| (event.instant, pages[event.page as usize]));
        let mut found: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for event in events {
            found.entry(event.client).or_default().push(event.page);
        }
        found
    }

    fn check(blocks: &[Vec<Event>]) {
        let kinds = Dictionary::new("kind", 10);
        let pages = Dictionary::new("page", 10_000);
        // Codes in another order than their texts.
        let names: Vec<String> = (0..800).map(|i| format!("{:03}", i * 7 % 800)).collect();
        let mut texts = vec![&b""[..]];
        for name in &names {
            pages.code(name.as_bytes()).unwrap();
            texts.push(name.as_bytes());
        }
        let borrowed: Vec<Block> = blocks
            .iter()
            .map(|events| Block { events, ..Block::default() })
            .filter(|block| !block.events.is_empty())
            .collect();
        let (kinds, pages) = (kinds.words(), pages.words());
        let words = Texts { kinds: &kinds, pages: &pages, channels: &kinds };
        let mut grouped = Grouped::default();
        let mut expected = by_hand(blocks, &texts);
        for _ in 0..2 {
            grouped.group(&borrowed, [9].into_iter()); // who has no event
            expected.entry(9).or_default();
            assert_eq!(grouped.clients.len(), expected.len());
            for client in 0..grouped.clients.len() {
                grouped.arrange(&borrowed, client, words, false, &Seen::default());
                let found: Vec<u32> = grouped.own.events.iter().map(|event| event.page).collect();
                assert_eq!(found, expected[&grouped.clients[client]]);
            }
        }
    }

    proptest! {
        #[test]
        fn each_client_gets_all_events_in_their_order(
            near in blocks(-50..200_i64),
            far in blocks(prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just(0)]),
            years in blocks(1_700_000_000_000_000..1_800_000_000_000_000_i64),
        ) {
            check(&near);
            check(&far);
            check(&years);
        }
    }
}
