//! The events of a partition, by client and in the order of each.

use std::cmp::Ordering;

use super::event::{Event, Flags, Texts, compare_columns};
use super::seen::Seen;
use super::store::{Block, EventId, kept_text};
use crate::hash::hash_word;

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
    pub starts: Vec<u32>,
    pub events: Vec<Event>,
    ids: Vec<EventId>,
    arena: Vec<u8>,
    numbers: Vec<u32>,
    next: Vec<u32>,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    keys: Vec<u64>,
    order: Vec<u32>,
    events: Vec<Event>,
    ids: Vec<EventId>,
    dropped: Vec<bool>,
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
        for event in blocks.iter().flat_map(|block| &block.events) {
            let number = self.number(event.client);
            self.numbers.push(number);
            self.starts[number as usize] += 1;
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
        self.scatter(blocks, rows);
    }

    fn scatter(&mut self, blocks: &[Block], rows: usize) {
        let with_ids = blocks.iter().any(|block| !block.ids.is_empty());
        self.events.resize(rows, Event::default());
        self.ids.resize(if with_ids { rows } else { 0 }, 0);
        self.arena.clear();
        let mut numbers = self.numbers.iter();
        for block in blocks {
            let shift = (self.arena.len() as u128) << 64;
            let texts = !block.arena.is_empty();
            for (i, (event, &number)) in block.events.iter().zip(&mut numbers).enumerate() {
                let place = self.next[number as usize] as usize;
                self.next[number as usize] += 1;
                self.events[place] = *event;
                if with_ids {
                    let id = block.ids.get(i).copied().unwrap_or(0);
                    self.ids[place] = if texts { id + shift } else { id };
                }
            }
            self.arena.extend_from_slice(&block.arena);
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

    /// Put the events of a client in their order, drop duplicates, those of events that earlier
    /// runs have seen included, and say where those that are left lie and how many were dropped.
    pub fn arrange(
        &mut self,
        client: usize,
        texts: Texts,
        text_ids: bool,
        seen: &Seen,
    ) -> (std::ops::Range<usize>, u64) {
        let (start, end) = (self.starts[client] as usize, self.starts[client + 1] as usize);
        let own = &self.events[start..end];
        if !own.windows(2).all(|pair| pair[0].instant < pair[1].instant) {
            self.sort(start, end, texts, text_ids);
        }
        if self.ids.is_empty() {
            return (start..end, 0);
        }
        let left = self.drop_duplicates(start, end, text_ids, seen);
        (start..left, (end - left) as u64)
    }

    fn sort(&mut self, start: usize, end: usize, texts: Texts, text_ids: bool) {
        let Scratch { keys, order, events, ids, .. } = &mut self.scratch;
        let own = &self.events[start..end];
        sort_by_instant(own, keys, order);
        events.clear();
        events.extend(order.iter().map(|&i| own[i as usize]));
        if events.windows(2).any(|pair| pair[0].instant == pair[1].instant) {
            let compare = |&a: &u32, &b: &u32| {
                let (one, other) = (&own[a as usize], &own[b as usize]);
                let places = (start + a as usize, start + b as usize);
                compare_ids(one, other, &self.ids, places, &self.arena, text_ids)
                    .then_with(|| compare_columns(one, other, texts))
            };
            let instant = |i: u32| own[i as usize].instant;
            for tied in order.chunk_by_mut(|&a, &b| instant(a) == instant(b)) {
                tied.sort_by(compare);
            }
            events.clear();
            events.extend(order.iter().map(|&i| own[i as usize]));
        }
        self.events[start..end].copy_from_slice(events);
        if !self.ids.is_empty() {
            ids.clear();
            ids.extend(order.iter().map(|&i| self.ids[start + i as usize]));
            self.ids[start..end].copy_from_slice(ids);
        }
    }

    /// Keep the first event of each id that was not seen before, and give the end of what is kept.
    fn drop_duplicates(&mut self, start: usize, end: usize, text_ids: bool, seen: &Seen) -> usize {
        let mut order = std::mem::take(&mut self.scratch.order); // lent, so that ids can be read
        let mut dropped = std::mem::take(&mut self.scratch.dropped);
        let id = |i: u32| self.id(start + i as usize, text_ids);
        order.clear();
        order.extend((0..(end - start) as u32).filter(|&i| id(i).is_some()));
        order.sort_unstable_by(|&a, &b| id(a).cmp(&id(b)).then(a.cmp(&b)));
        dropped.clear();
        dropped.resize(end - start, false);
        for pair in order.windows(2) {
            dropped[pair[1] as usize] = id(pair[0]) == id(pair[1]);
        }
        if !seen.is_empty() {
            for &i in &order {
                dropped[i as usize] |= id(i).is_some_and(|id| seen.has(id));
            }
        }
        let mut left = start;
        for (place, _) in (start..end).zip(&dropped).filter(|(_, dropped)| !**dropped) {
            if left < place {
                self.events[left] = self.events[place];
                self.ids[left] = self.ids[place];
            }
            left += 1;
        }
        (self.scratch.order, self.scratch.dropped) = (order, dropped);
        left
    }

    /// The id of the event at a place: a number, or the bytes of a text.
    pub fn id(&self, place: usize, text_ids: bool) -> Option<Id<'_>> {
        if self.ids.is_empty() || !self.events[place].flags.has(Flags::HAS_ID) {
            return None;
        }
        let id = self.ids[place];
        Some(if text_ids { Id::Text(kept_text(id, &self.arena)) } else { Id::Number(id as u64) })
    }
}

/// The places of events by their instants; equal ones in the order in which they lie.
fn sort_by_instant(events: &[Event], keys: &mut Vec<u64>, order: &mut Vec<u32>) {
    order.clear();
    let first = events.iter().map(|event| event.instant).min().unwrap_or(0);
    let last = events.iter().map(|event| event.instant).max().unwrap_or(0);
    // An instant since the first and the place beside it in one word: such words sort fastest.
    let bits = usize::BITS - events.len().leading_zeros();
    if (last.wrapping_sub(first) as u64).leading_zeros() < bits {
        order.extend(0..events.len() as u32);
        order.sort_by_key(|&i| events[i as usize].instant);
        return;
    }
    keys.clear();
    keys.extend(
        (0..).zip(events).map(|(i, event)| (event.instant.wrapping_sub(first) as u64) << bits | i),
    );
    keys.sort_unstable();
    order.extend(keys.iter().map(|key| (key & ((1 << bits) - 1)) as u32));
}

/// The id of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Id<'a> {
    /// As it orders.
    Number(u64),
    Text(&'a [u8]),
}

fn compare_id(a: EventId, b: EventId, arena: &[u8], text_ids: bool) -> Ordering {
    if text_ids { kept_text(a, arena).cmp(kept_text(b, arena)) } else { a.cmp(&b) }
}

/// By id, those without one first.
fn compare_ids(
    one: &Event,
    other: &Event,
    ids: &[EventId],
    places: (usize, usize),
    arena: &[u8],
    text_ids: bool,
) -> Ordering {
    if ids.is_empty() {
        return Ordering::Equal;
    }
    match (one.flags.has(Flags::HAS_ID), other.flags.has(Flags::HAS_ID)) {
        (true, true) => compare_id(ids[places.0], ids[places.1], arena, text_ids),
        (a, b) => a.cmp(&b),
    }
}
