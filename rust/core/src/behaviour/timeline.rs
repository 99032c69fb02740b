//! The events of one client, in their order and each once.

use super::chunk::{EventId, keep_text, kept_text};
use super::event::{Event, Flags, Texts, compare_columns};
use super::seen::Seen;

/// The id of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Id<'a> {
    /// As it orders.
    Number(u64),
    Text(&'a [u8]),
}

/// The events of one client; its arrays are reused from client to client.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub events: Vec<Event>,
    /// Their ids; empty where events have none.
    ids: Vec<EventId>,
    /// The bytes of ids that are texts, of all clients of a partition.
    arena: Vec<u8>,
    text_ids: bool,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    order: Vec<u32>,
    dropped: Vec<bool>,
    events: Vec<Event>,
    ids: Vec<EventId>,
}

impl Timeline {
    /// Begin a partition: whether ids are texts.
    pub fn begin(&mut self, text_ids: bool) {
        self.text_ids = text_ids;
        self.arena.clear();
    }

    /// Keep an id whose text, if it is one, stands in an arena, and say what stands for it here.
    pub fn keep(&mut self, id: EventId, arena: &[u8]) -> EventId {
        if self.text_ids { keep_text(kept_text(id, arena), &mut self.arena) } else { id }
    }

    /// Take the events of a client in an order, along with their ids if any event may have one.
    pub fn fetch(
        &mut self,
        events: &[Event],
        ids: &[EventId],
        order: impl Iterator<Item = usize> + Clone,
    ) {
        self.events.clear();
        self.events.extend(order.clone().map(|place| events[place]));
        self.ids.clear();
        if !ids.is_empty() {
            self.ids.extend(order.map(|place| ids[place]));
        }
    }

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
    pub fn settle_ties(&mut self, texts: Texts) {
        let instant = |place: u32| self.events[place as usize].instant;
        let places = 0..self.events.len() as u32;
        let mut order = std::mem::take(&mut self.scratch.order); // lent, so that ids can be read
        order.clear();
        order.extend(places);
        for tied in order.chunk_by_mut(|&a, &b| instant(a) == instant(b)) {
            tied.sort_by(|&a, &b| {
                let (a, b) = (a as usize, b as usize);
                let ids = self.id(a).cmp(&self.id(b));
                ids.then_with(|| compare_columns(&self.events[a], &self.events[b], texts))
            });
        }
        let Scratch { events, ids, .. } = &mut self.scratch;
        events.clear();
        events.extend(order.iter().map(|&place| self.events[place as usize]));
        std::mem::swap(events, &mut self.events);
        if !self.ids.is_empty() {
            ids.clear();
            ids.extend(order.iter().map(|&place| self.ids[place as usize]));
            std::mem::swap(ids, &mut self.ids);
        }
        self.scratch.order = order;
    }

    /// Keep the first event of each id that was not seen before, and say how many were dropped.
    pub fn drop_duplicates(&mut self, seen: &Seen) -> u64 {
        if self.ids.is_empty() {
            return 0;
        }
        let mut order = std::mem::take(&mut self.scratch.order); // lent, so that ids can be read
        let mut dropped = std::mem::take(&mut self.scratch.dropped);
        let id = |place: u32| self.id(place as usize);
        order.clear();
        order.extend((0..self.events.len() as u32).filter(|&place| id(place).is_some()));
        order.sort_unstable_by(|&a, &b| id(a).cmp(&id(b)).then(a.cmp(&b)));
        dropped.clear();
        dropped.resize(self.events.len(), false);
        for pair in order.windows(2) {
            dropped[pair[1] as usize] = id(pair[0]) == id(pair[1]);
        }
        if !seen.is_empty() {
            for &place in &order {
                dropped[place as usize] |= id(place).is_some_and(|id| seen.has(id));
            }
        }
        let mut places = dropped.iter();
        self.events.retain(|_| places.next() == Some(&false));
        let mut places = dropped.iter();
        self.ids.retain(|_| places.next() == Some(&false));
        let count = dropped.iter().filter(|&&dropped| dropped).count() as u64;
        (self.scratch.order, self.scratch.dropped) = (order, dropped);
        count
    }
}
