//! The events of a partition, by client and in the order of each.
//!
//! Events stay where they are: what is grouped and sorted are keys of one word, which hold an
//! instant and the place of an event. Each client's events are then fetched in their order.

use super::chunk::Block;
use super::event::Texts;
use super::rank::sort_keys;
use super::seen::Seen;
use super::timeline::Timeline;
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
    /// Instants beside keys that do not hold them.
    instants: Vec<(i64, u64)>,
    /// The client whose events were arranged last.
    pub own: Timeline,
}

/// What the bits of a key say: time since the first instant above the number of a block, and that
/// above a place in it.
#[derive(Debug, Clone, Copy, Default)]
struct Layout {
    /// The first instant; none where time since then may be too long for keys to hold it.
    first: Option<i64>,
    /// Time is counted in units of so many bits of microseconds, of which all instants differ by
    /// whole numbers: those in seconds leave six bits to others.
    unit_bits: u32,
    place_bits: u32,
    block_bits: u32,
}

/// The instants of a partition: the first and last, and the bits that tell any two apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Instants {
    first: i64,
    last: i64,
    differing: u64,
}

impl Layout {
    fn new(blocks: &[Block], instants: Instants) -> Self {
        let bits = |count: usize| usize::BITS - count.saturating_sub(1).leading_zeros();
        let longest = blocks.iter().map(|block| block.events.len()).max().unwrap_or(0);
        let (place_bits, block_bits) = (bits(longest), bits(blocks.len()));
        // The lowest bit in which numbers differ is the lowest of their difference.
        let unit_bits = instants.differing.trailing_zeros().min(u64::BITS - 1);
        let most = instants.last.wrapping_sub(instants.first) as u64 >> unit_bits;
        // One more bit is left free, so that keys order as signed numbers too.
        let fits =
            instants.first <= instants.last && most.leading_zeros() > place_bits + block_bits;
        Self { first: fits.then_some(instants.first), unit_bits, place_bits, block_bits }
    }

    #[inline]
    fn key(self, instant: i64, block: usize, place: usize) -> u64 {
        let since = self.first.map_or(0, |first| instant.wrapping_sub(first) as u64);
        let time = since >> self.unit_bits;
        (time << self.block_bits | block as u64) << self.place_bits | place as u64
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
        let base = blocks.first().and_then(|block| block.events.first());
        let base = base.map_or(0, |event| event.instant);
        let mut instants = Instants { first: i64::MAX, last: i64::MIN, differing: 0 };
        let none = Block::default();
        let following = blocks.iter().skip(1).chain([&none]);
        for (block, next) in blocks.iter().zip(following) {
            for (place, event) in block.events.iter().enumerate() {
                prefetch(next.events, place); // it lies elsewhere, and nobody else foresees it
                let number = self.number(event.client);
                self.numbers.push(number);
                self.starts[number as usize] += 1;
                instants.first = instants.first.min(event.instant);
                instants.last = instants.last.max(event.instant);
                instants.differing |= (event.instant ^ base) as u64;
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
        self.layout = Layout::new(blocks, instants);
        self.scatter(blocks, rows);
        self.with_ids = blocks.iter().any(|block| !block.ids.is_empty());
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
        let keys = &mut self.keys[self.starts[client] as usize..self.starts[client + 1] as usize];
        if layout.first.is_some() {
            sort_keys(keys);
        } else {
            let instant = |key: u64| {
                let (block, place) = layout.place(key);
                blocks[block].events[place].instant
            };
            self.instants.clear();
            self.instants.extend(keys.iter().map(|&key| (instant(key), key)));
            self.instants.sort_unstable();
            for (key, &(_, sorted)) in keys.iter_mut().zip(&self.instants) {
                *key = sorted;
            }
        }
        let places = keys.iter().map(|&key| layout.place(key));
        self.own.fetch(blocks, places, self.with_ids, text_ids);
        self.own.settle_ties(texts);
        self.own.drop_duplicates(seen)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::dictionary::Dictionary;
    use super::super::event::Event;
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
            seconds in blocks((-1_000..1_000_i64).prop_map(|second| second * 1_000_000)),
        ) {
            check(&near);
            check(&far);
            check(&years);
            check(&seconds);
        }

        /// Keys hold time up to a bound, which depends on the blocks, and not beyond it.
        #[test]
        fn time_fits_up_to_its_bound(
            lengths in proptest::collection::vec(4..60_usize, 1..6),
            first in -1_000_000..1_000_000_i64,
            unit_bits in 0..8_u32,
            beyond: bool,
        ) {
            let bits = |count: usize| count.next_power_of_two().trailing_zeros();
            let taken = bits(lengths.len()) + bits(*lengths.iter().max().unwrap());
            prop_assume!(unit_bits + 1 < taken); // or instants end before keys are full
            // 63 bits are there for units of time, blocks and places.
            let bound = (1_i64 << (63 - taken)) - i64::from(!beyond);
            let mut pages = 0..;
            let mut event = || {
                let page = pages.next().unwrap_or(0);
                let units = [0, 1, bound - 1, bound][page as usize % 4];
                let instant = first + (units << unit_bits);
                Event { client: u64::from(page % 3), instant, page, ..Event::default() }
            };
            let blocks: Vec<Vec<Event>> =
                lengths.iter().map(|&length| (0..length).map(|_| event()).collect()).collect();
            let borrowed: Vec<Block> =
                blocks.iter().map(|events| Block { events, ..Block::default() }).collect();
            let last = first + (bound << unit_bits);
            let layout = Layout::new(&borrowed, Instants { first, last, differing: 1 << unit_bits });
            prop_assert_eq!(layout.first.is_none(), beyond);
            check(&blocks);
        }
    }
}
