//! The events of a partition, grouped by client, and the timeline of each.
//!
//! Events are grouped first: each client's few dozen then lie side by side, and stay in the first
//! caches while they are sorted and scored.

use super::dictionary::MISSING;
use super::event::{Event, EventDictionaries};
use super::event_id::PackedId;
use super::partitioned_chunk::PartitionSlice;
use super::seen_ids::ClientSeenIds;
use super::small_sort::SmallSort;
use super::timeline::Timeline;
use crate::hash::hash_word;
use crate::prefetch::prefetch;

/// A free slot of the table.
const FREE: u32 = u32::MAX;

/// The events of one partition, grouped; its arrays are reused from partition to partition.
#[derive(Debug, Default)]
pub(super) struct GroupedEvents {
    /// Open addressing by the hash of the client: its number, or [`FREE`].
    slots: Vec<u32>,
    /// The clients, by number.
    pub clients: Vec<u64>,
    /// Where the events of each client begin, and where the last one's end.
    starts: Vec<u32>,
    /// The number of the client of each event, in the order of the slices.
    numbers: Vec<u32>,
    /// Where the next event of each client goes.
    next: Vec<u32>,
    /// The events, client after client; what is beyond them is left from earlier partitions.
    events: Vec<Event>,
    /// Their ids, if any event may have one.
    ids: Vec<PackedId>,
    /// Their e-mails, if any event may have one.
    messages: Vec<u32>,
    sort: SmallSort,
    /// The timeline of the client that was asked for last.
    pub timeline: Timeline,
}

impl GroupedEvents {
    /// Group the events of slices by client, along with clients who may have none.
    pub fn group(
        &mut self,
        slices: &[PartitionSlice],
        others: impl Iterator<Item = u64>,
        text_ids: bool,
    ) {
        let rows = slices.iter().map(|slice| slice.events.len()).sum();
        self.count(slices, rows);
        for client in others {
            self.number_of(client);
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
        self.timeline.begin(text_ids);
        self.ids.clear();
        if slices.iter().any(|slice| !slice.ids.is_empty()) {
            self.ids.resize(rows, 0);
            self.scatter_ids(slices);
            self.next.clone_from(&self.starts);
        }
        self.messages.clear();
        if slices.iter().any(|slice| !slice.messages.is_empty()) {
            self.messages.resize(rows, MISSING);
            self.scatter_messages(slices);
            self.next.clone_from(&self.starts);
        }
        self.scatter(slices);
    }

    /// Number the clients of all events, and count the events of each.
    fn count(&mut self, slices: &[PartitionSlice], rows: usize) {
        self.clients.clear();
        self.starts.clear();
        self.slots.clear();
        self.slots.resize((rows / 4).next_power_of_two().max(64), FREE);
        let mut numbers = std::mem::take(&mut self.numbers); // lent, so that clients can be added
        numbers.resize(rows, 0);
        let (mut rest, none) = (numbers.as_mut_slice(), PartitionSlice::default());
        let following = slices.iter().skip(1).chain([&none]);
        for (slice, next) in slices.iter().zip(following) {
            let own;
            (own, rest) = rest.split_at_mut(slice.events.len());
            for (i, (event, number)) in slice.events.iter().zip(own).enumerate() {
                prefetch(next.events, i); // in another chunk, which no processor can predict
                *number = self.number_of(event.client);
                self.starts[*number as usize] += 1;
            }
        }
        self.numbers = numbers;
    }

    fn scatter(&mut self, slices: &[PartitionSlice]) {
        let mut numbers = self.numbers.as_slice();
        for slice in slices {
            let (own, rest) = numbers.split_at(slice.events.len());
            for (event, &number) in slice.events.iter().zip(own) {
                let next = &mut self.next[number as usize];
                self.events[*next as usize] = *event;
                *next += 1;
            }
            numbers = rest;
        }
    }

    /// The same for ids, of which a slice may have none.
    fn scatter_ids(&mut self, slices: &[PartitionSlice]) {
        let mut numbers = self.numbers.as_slice();
        for slice in slices {
            let (own, rest) = numbers.split_at(slice.events.len());
            for (i, &number) in own.iter().enumerate() {
                let next = &mut self.next[number as usize];
                if let Some(&id) = slice.ids.get(i) {
                    self.ids[*next as usize] = self.timeline.adopt_id(id, slice.arena);
                }
                *next += 1;
            }
            numbers = rest;
        }
    }

    /// The same for e-mails.
    fn scatter_messages(&mut self, slices: &[PartitionSlice]) {
        let mut numbers = self.numbers.as_slice();
        for slice in slices {
            let (own, rest) = numbers.split_at(slice.events.len());
            for (i, &number) in own.iter().enumerate() {
                let next = &mut self.next[number as usize];
                self.messages[*next as usize] = slice.messages.get(i).copied().unwrap_or(MISSING);
                *next += 1;
            }
            numbers = rest;
        }
    }

    /// The number of a client, who is added if new.
    #[inline]
    pub fn number_of(&mut self, client: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut slot = hash_word(client) as usize & mask;
        loop {
            let number = self.slots[slot];
            if number == FREE {
                break;
            }
            if self.clients[number as usize] == client {
                return number;
            }
            slot = (slot + 1) & mask;
        }
        let number = self.clients.len() as u32;
        self.slots[slot] = number;
        self.clients.push(client);
        self.starts.push(0);
        if self.clients.len() * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    #[cold]
    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, FREE);
        for (number, &client) in (0..).zip(&self.clients) {
            let mut slot = hash_word(client) as usize & mask;
            while self.slots[slot] != FREE {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = number;
        }
    }

    /// Make the timeline of a client. How many events were dropped as duplicates of each other or of
    /// events that earlier runs have seen.
    pub fn make_timeline(
        &mut self,
        client: usize,
        dictionaries: EventDictionaries,
        seen: &ClientSeenIds,
    ) -> u64 {
        let range = self.starts[client] as usize..self.starts[client + 1] as usize;
        let events = &self.events[range.clone()];
        let tied = self.sort.sort(events.iter().map(|event| event.instant));
        let ids = self.ids.get(range.clone()).unwrap_or_default();
        let messages = self.messages.get(range).unwrap_or_default();
        self.timeline.fill(events, ids, messages, self.sort.indices());
        if tied {
            self.timeline.sort_ties(dictionaries);
        }
        self.timeline.drop_duplicates(seen)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::dictionary::SharedDictionary;
    use super::super::event::Flags;
    use super::super::event_id::{EventId, append_text};
    use super::*;

    /// Slices of events of a few clients; `page` numbers the events.
    fn slices(instant: impl Strategy<Value = i64>) -> impl Strategy<Value = Vec<Vec<Event>>> {
        let event = (0..4_u64, instant);
        let slice = proptest::collection::vec(event, 0..120);
        proptest::collection::vec(slice, 0..6).prop_map(|slices| {
            let mut page = 0..;
            let mut event = |(client, instant)| Event {
                client,
                instant,
                page: page.next().unwrap_or(0),
                ..Event::default()
            };
            slices.into_iter().map(|slice| slice.into_iter().map(&mut event).collect()).collect()
        })
    }

    /// Each client's events in their order, by the definition.
    fn by_hand(slices: &[Vec<Event>], pages: &[&[u8]]) -> BTreeMap<u64, Vec<u32>> {
        let mut events: Vec<&Event> = slices.iter().flatten().collect();
        events.sort_by_key(|event| (event.instant, pages[event.page as usize]));
        let mut found: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for event in events {
            found.entry(event.client).or_default().push(event.page);
        }
        found
    }

    fn check(slices: &[Vec<Event>]) {
        let kinds = SharedDictionary::new("kind", 10);
        let pages = SharedDictionary::new("page", 10_000);
        // Codes in another order than their texts.
        let names: Vec<String> = (0..800).map(|i| format!("{:03}", i * 7 % 800)).collect();
        let mut texts = vec![&b""[..]];
        for name in &names {
            pages.code(name.as_bytes()).unwrap();
            texts.push(name.as_bytes());
        }
        let borrowed: Vec<PartitionSlice> = slices
            .iter()
            .map(|events| PartitionSlice { events, ..PartitionSlice::default() })
            .filter(|slice| !slice.events.is_empty())
            .collect();
        let (kinds, pages) = (kinds.read(), pages.read());
        let dictionaries =
            EventDictionaries { kinds: &kinds, pages: &pages, channels: &kinds, messages: &kinds };
        let mut grouped = GroupedEvents::default();
        let mut expected = by_hand(slices, &texts);
        for _ in 0..2 {
            grouped.group(&borrowed, [9].into_iter(), false); // who has no event
            expected.entry(9).or_default();
            assert_eq!(grouped.clients.len(), expected.len());
            for client in 0..grouped.clients.len() {
                grouped.make_timeline(client, dictionaries, &ClientSeenIds::default());
                let found: Vec<u32> =
                    grouped.timeline.events.iter().map(|event| event.page).collect();
                assert_eq!(found, expected[&grouped.clients[client]]);
            }
        }
    }

    /// A slice with ids beside one without, and an id that stands in two slices.
    #[test]
    fn ids_go_with_their_events() {
        let kinds = SharedDictionary::new("kind", 10);
        let texts = kinds.read();
        let dictionaries =
            EventDictionaries { kinds: &texts, pages: &texts, channels: &texts, messages: &texts };
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
                if text_ids { append_text(text, arena) } else { text.len() as PackedId }
            };
            let ids = [id(b"a", &mut arena), id(b"bc", &mut arena)];
            let same = [id(b"a", &mut other)];
            let slices = [
                PartitionSlice { events: &with, ids: &ids, arena: &arena, messages: &[8, 9] },
                PartitionSlice { events: &without, ..PartitionSlice::default() },
                PartitionSlice { events: &again, ids: &same, arena: &other, messages: &[] },
            ];
            let mut grouped = GroupedEvents::default();
            for _ in 0..2 {
                grouped.group(&slices, std::iter::empty(), text_ids);
                let mut found = BTreeMap::new();
                for client in 0..grouped.clients.len() {
                    let dropped =
                        grouped.make_timeline(client, dictionaries, &ClientSeenIds::default());
                    let own = &grouped.timeline;
                    let length = |index| match own.id(index) {
                        Some(EventId::Text(text)) => text.len() as u64,
                        Some(EventId::Number(number)) => number,
                        None => 0,
                    };
                    let rows = (0..own.events.len()).map(|i| (own.events[i].instant, length(i)));
                    let rows: Vec<(i64, u64)> = rows.collect();
                    let messages: Vec<u32> = (0..rows.len()).map(|i| own.message(i)).collect();
                    found.insert(grouped.clients[client], (dropped, rows, messages));
                }
                assert_eq!(found[&1], (1, vec![(3, 0), (5, 1)], vec![0, 8]), "texts: {text_ids}");
                assert_eq!(found[&2], (0, vec![(4, 2), (6, 0)], vec![9, 0]), "texts: {text_ids}");
            }
        }
    }

    proptest! {
        #[test]
        fn each_client_gets_all_events_in_their_order(
            near in slices(-50..200_i64),
            far in slices(prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), Just(0)]),
            years in slices(1_700_000_000_000_000..1_800_000_000_000_000_i64),
            seconds in slices((-1_000..1_000_i64).prop_map(|second| second * 1_000_000)),
        ) {
            check(&near);
            check(&far);
            check(&years);
            check(&seconds);
        }
    }
}
