//! The events of a partition, grouped by client, and the timeline of each.
//!
//! Events are grouped first: each client's few dozen then lie side by side, and stay in the first
//! caches while they are sorted and scored.

use super::event::{Event, EventDictionaries};
use super::event_id::PackedId;
use super::partitioned_chunk::PartitionSlice;
use super::seen_ids::ClientSeenIds;
use super::timeline::Timeline;
use crate::clients::{ClientGroups, SmallSort};
use crate::dictionary::MISSING;

/// The events of one partition, grouped; its arrays are reused from partition to partition.
#[derive(Debug, Default)]
pub(super) struct GroupedEvents {
    groups: ClientGroups,
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
        let events: Vec<&[Event]> = slices.iter().map(|slice| slice.events).collect();
        self.groups.group(&events, |event| event.client, others);
        let rows = self.groups.rows();
        if self.events.len() < rows {
            self.events.resize(rows, Event::default());
        }
        self.timeline.begin(text_ids);
        let count = |slice: &PartitionSlice| slice.events.len();
        self.ids.clear();
        if slices.iter().any(|slice| !slice.ids.is_empty()) {
            self.ids.resize(rows, 0);
            self.groups.scatter(slices, count, |slice, i, to| {
                if let Some(&id) = slice.ids.get(i) {
                    self.ids[to] = self.timeline.adopt_id(id, slice.arena);
                }
            });
        }
        self.messages.clear();
        if slices.iter().any(|slice| !slice.messages.is_empty()) {
            self.messages.resize(rows, MISSING);
            self.groups.scatter(slices, count, |slice, i, to| {
                self.messages[to] = slice.messages.get(i).copied().unwrap_or(MISSING);
            });
        }
        self.groups.scatter(
            &events,
            |events| events.len(),
            |events, i, to| {
                self.events[to] = events[i];
            },
        );
    }

    /// The clients, by number.
    pub fn clients(&self) -> &[u64] {
        &self.groups.clients
    }

    /// The number of a client, who is added if new.
    pub fn number_of(&mut self, client: u64) -> u32 {
        self.groups.number_of(client)
    }

    /// Make the timeline of a client. How many events were dropped as duplicates of each other or of
    /// events that earlier runs have seen.
    pub fn make_timeline(
        &mut self,
        client: usize,
        dictionaries: EventDictionaries,
        seen: &ClientSeenIds,
    ) -> u64 {
        let range = self.groups.range(client);
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

    use super::super::event::Flags;
    use super::super::event_id::{EventId, append_text};
    use super::*;
    use crate::dictionary::SharedDictionary;

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
            assert_eq!(grouped.clients().len(), expected.len());
            for client in 0..grouped.clients().len() {
                grouped.make_timeline(client, dictionaries, &ClientSeenIds::default());
                let found: Vec<u32> =
                    grouped.timeline.events.iter().map(|event| event.page).collect();
                assert_eq!(found, expected[&grouped.clients()[client]]);
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
                for client in 0..grouped.clients().len() {
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
                    found.insert(grouped.clients()[client], (dropped, rows, messages));
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
