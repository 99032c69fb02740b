//! The events of a partition, by client and in the order of each.
//!
//! Events are brought together by client first: each client's few dozen then lie side by side, in
//! the first caches while they are sorted and read.

use super::chunk::{Block, EventId};
use super::event::{Event, Texts};
use super::rank::Order;
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
    /// Where the events of each client begin, and where the last one's end.
    starts: Vec<u32>,
    /// The number of the client of each event, in the order of the blocks.
    numbers: Vec<u32>,
    /// Where the next event of each client goes.
    next: Vec<u32>,
    /// The events, client after client; what is beyond them is left from earlier partitions.
    events: Vec<Event>,
    /// Their ids, if any event may have one.
    ids: Vec<EventId>,
    order: Order,
    /// The client whose events were arranged last.
    pub own: Timeline,
}

impl Grouped {
    /// Bring the events of blocks together by client, along with clients who may have none.
    pub fn group(&mut self, blocks: &[Block], others: impl Iterator<Item = u64>, text_ids: bool) {
        let rows = blocks.iter().map(|block| block.events.len()).sum();
        self.count(blocks, rows);
        for client in others {
            self.number(client);
        }
        let mut start = 0;
        for count in &mut self.starts {
            start += std::mem::replace(count, start);
        }
        self.starts.push(start);
        self.next.clone_from(&self.starts);
        if self.events.len() < rows {
            self.events.resize(rows, Event::default());
        }
        self.own.begin(text_ids);
        self.ids.clear();
        if blocks.iter().any(|block| !block.ids.is_empty()) {
            self.ids.resize(rows, 0);
            self.scatter_ids(blocks);
            self.next.clone_from(&self.starts);
        }
        self.scatter(blocks);
    }

    /// Number the clients of all events, and count the events of each.
    fn count(&mut self, blocks: &[Block], rows: usize) {
        self.clients.clear();
        self.starts.clear();
        self.table.clear();
        self.table.resize((rows / 4).next_power_of_two().max(64), FREE);
        let mut numbers = std::mem::take(&mut self.numbers); // lent, so that clients can be entered
        numbers.resize(rows, 0);
        let (mut rest, none) = (numbers.as_mut_slice(), Block::default());
        let following = blocks.iter().skip(1).chain([&none]);
        for (block, next) in blocks.iter().zip(following) {
            let own;
            (own, rest) = rest.split_at_mut(block.events.len());
            for (place, (event, number)) in block.events.iter().zip(own).enumerate() {
                prefetch(next.events, place); // it lies elsewhere, and nobody else foresees it
                *number = self.number(event.client);
                self.starts[*number as usize] += 1;
            }
        }
        self.numbers = numbers;
    }

    fn scatter(&mut self, blocks: &[Block]) {
        let mut numbers = self.numbers.as_slice();
        for block in blocks {
            let (own, rest) = numbers.split_at(block.events.len());
            for (event, &number) in block.events.iter().zip(own) {
                let next = &mut self.next[number as usize];
                self.events[*next as usize] = *event;
                *next += 1;
            }
            numbers = rest;
        }
    }

    /// The same for ids, of which a block may have none.
    fn scatter_ids(&mut self, blocks: &[Block]) {
        let mut numbers = self.numbers.as_slice();
        for block in blocks {
            let (own, rest) = numbers.split_at(block.events.len());
            for (place, &number) in own.iter().enumerate() {
                let next = &mut self.next[number as usize];
                if let Some(&id) = block.ids.get(place) {
                    self.ids[*next as usize] = self.own.keep(id, block.arena);
                }
                *next += 1;
            }
            numbers = rest;
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

    /// Arrange the events of a client in their order, drop duplicates, those of events that earlier
    /// runs have seen included, and say how many were dropped.
    pub fn arrange(&mut self, client: usize, texts: Texts, seen: &Seen) -> u64 {
        let own = self.starts[client] as usize..self.starts[client + 1] as usize;
        let events = &self.events[own.clone()];
        let tied = self.order.sort(events.iter().map(|event| event.instant));
        self.own.fetch(events, self.ids.get(own).unwrap_or_default(), self.order.places());
        if tied {
            self.own.settle_ties(texts);
        }
        self.own.drop_duplicates(seen)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::chunk::keep_text;
    use super::super::dictionary::Dictionary;
    use super::super::event::{Event, Flags};
    use super::super::timeline::Id;
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
            grouped.group(&borrowed, [9].into_iter(), false); // who has no event
            expected.entry(9).or_default();
            assert_eq!(grouped.clients.len(), expected.len());
            for client in 0..grouped.clients.len() {
                grouped.arrange(client, words, &Seen::default());
                let found: Vec<u32> = grouped.own.events.iter().map(|event| event.page).collect();
                assert_eq!(found, expected[&grouped.clients[client]]);
            }
        }
    }

    /// A block with ids beside one without, and an id that stands in two blocks.
    #[test]
    fn ids_go_with_their_events() {
        let kinds = Dictionary::new("kind", 10);
        let words = kinds.words();
        let texts = Texts { kinds: &words, pages: &words, channels: &words };
        let event = |client: u64, instant: i64, flag: u16| Event {
            client,
            instant,
            flags: Flags(flag),
            ..Event::default()
        };
        let with = [event(1, 5, Flags::HAS_ID), event(2, 4, Flags::HAS_ID)];
        let without = [event(2, 6, 0), event(1, 3, 0)];
        let again = [event(1, 7, Flags::HAS_ID)];
        for text_ids in [true, false] {
            let (mut arena, mut other) = (b"..".to_vec(), Vec::new());
            let id = |text: &[u8], arena: &mut Vec<u8>| {
                if text_ids { keep_text(text, arena) } else { text.len() as EventId }
            };
            let ids = [id(b"a", &mut arena), id(b"bc", &mut arena)];
            let same = [id(b"a", &mut other)];
            let blocks = [
                Block { events: &with, ids: &ids, arena: &arena },
                Block { events: &without, ..Block::default() },
                Block { events: &again, ids: &same, arena: &other },
            ];
            let mut grouped = Grouped::default();
            for _ in 0..2 {
                grouped.group(&blocks, std::iter::empty(), text_ids);
                let mut found = BTreeMap::new();
                for client in 0..grouped.clients.len() {
                    let dropped = grouped.arrange(client, texts, &Seen::default());
                    let own = &grouped.own;
                    let length = |place| match own.id(place) {
                        Some(Id::Text(text)) => text.len() as u64,
                        Some(Id::Number(number)) => number,
                        None => 0,
                    };
                    let rows = (0..own.events.len()).map(|i| (own.events[i].instant, length(i)));
                    found.insert(grouped.clients[client], (dropped, rows.collect::<Vec<_>>()));
                }
                assert_eq!(found[&1], (1, vec![(3, 0), (5, 1)]), "texts: {text_ids}");
                assert_eq!(found[&2], (0, vec![(4, 2), (6, 0)]), "texts: {text_ids}");
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
    }
}
