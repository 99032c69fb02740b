//! The timeline of one client: its events in their order, each once.

use super::event::{Event, EventDictionaries, Flags, compare_columns};
use super::event_id::{EventId, PackedId, append_text, text_at};
use super::seen_ids::ClientSeenIds;
use crate::dictionary::MISSING;
use crate::stop::Call;

/// The events of one client; its arrays are reused from client to client.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    pub events: Vec<Event>,
    /// Their ids; empty where events have none.
    ids: Vec<PackedId>,
    /// Their e-mails; empty where events have none.
    messages: Vec<u32>,
    /// The bytes of ids that are texts, of all clients of a partition.
    arena: Vec<u8>,
    text_ids: bool,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    order: Vec<u32>,
    is_duplicate: Vec<bool>,
    events: Vec<Event>,
    ids: Vec<PackedId>,
    messages: Vec<u32>,
}

impl Timeline {
    /// Begin a partition: whether ids are texts.
    pub fn begin(&mut self, text_ids: bool) {
        self.text_ids = text_ids;
        self.arena.clear();
    }

    /// Copy the text of an id, if it is one, from another arena into the timeline's own.
    pub fn adopt_id(&mut self, id: PackedId, arena: &[u8]) -> PackedId {
        if self.text_ids { append_text(text_at(id, arena), &mut self.arena) } else { id }
    }

    /// Copy the events of a client in an order, along with their ids and e-mails if any event may
    /// have one.
    pub fn fill(
        &mut self,
        events: &[Event],
        ids: &[PackedId],
        messages: &[u32],
        order: impl Iterator<Item = usize> + Clone,
    ) {
        self.events.clear();
        self.events.extend(order.clone().map(|index| events[index]));
        self.ids.clear();
        if !ids.is_empty() {
            self.ids.extend(order.clone().map(|index| ids[index]));
        }
        self.messages.clear();
        if !messages.is_empty() {
            self.messages.extend(order.map(|index| messages[index]));
        }
    }

    /// The code of the e-mail of an event.
    #[inline]
    pub fn message(&self, index: usize) -> u32 {
        self.messages.get(index).copied().unwrap_or(MISSING)
    }

    /// The codes of the e-mails of all events; empty where there are none.
    pub fn messages(&self) -> &[u32] {
        &self.messages
    }

    /// The id of an event.
    pub fn id(&self, index: usize) -> Option<EventId<'_>> {
        if self.ids.is_empty() || !self.events[index].flags.has(Flags::HAS_ID) {
            return None;
        }
        Some(EventId::unpack(self.ids[index], &self.arena, self.text_ids))
    }

    /// Sort the events of each instant: by id, those without one first, then by columns.
    pub fn sort_ties(&mut self, dictionaries: EventDictionaries) {
        let instant = |index: u32| self.events[index as usize].instant;
        let indices = 0..self.events.len() as u32;
        let mut order = std::mem::take(&mut self.scratch.order); // lent, so that ids can be read
        order.clear();
        order.extend(indices);
        let call = Call::current();
        for tied in order.chunk_by_mut(|&a, &b| instant(a) == instant(b)) {
            tied.sort_by(|&a, &b| {
                call.check();
                let (a, b) = (a as usize, b as usize);
                let ids = self.id(a).cmp(&self.id(b));
                let message = |index| dictionaries.messages.get(self.message(index));
                ids.then_with(|| compare_columns(&self.events[a], &self.events[b], dictionaries))
                    .then_with(|| message(a).cmp(&message(b)))
            });
        }
        let Scratch { events, ids, messages, .. } = &mut self.scratch;
        events.clear();
        events.extend(order.iter().map(|&index| self.events[index as usize]));
        std::mem::swap(events, &mut self.events);
        if !self.ids.is_empty() {
            ids.clear();
            ids.extend(order.iter().map(|&index| self.ids[index as usize]));
            std::mem::swap(ids, &mut self.ids);
        }
        if !self.messages.is_empty() {
            messages.clear();
            messages.extend(order.iter().map(|&index| self.messages[index as usize]));
            std::mem::swap(messages, &mut self.messages);
        }
        self.scratch.order = order;
    }

    /// Keep the first event of each id that no earlier run has seen; how many were dropped.
    pub fn drop_duplicates(&mut self, seen: &ClientSeenIds) -> u64 {
        if self.ids.is_empty() {
            return 0;
        }
        let mut order = std::mem::take(&mut self.scratch.order); // lent, so that ids can be read
        let mut is_duplicate = std::mem::take(&mut self.scratch.is_duplicate);
        let id = |index: u32| self.id(index as usize);
        order.clear();
        order.extend((0..self.events.len() as u32).filter(|&index| id(index).is_some()));
        let call = Call::current();
        order.sort_unstable_by(|&a, &b| {
            call.check();
            id(a).cmp(&id(b)).then(a.cmp(&b))
        });
        is_duplicate.clear();
        is_duplicate.resize(self.events.len(), false);
        for pair in order.windows(2) {
            is_duplicate[pair[1] as usize] = id(pair[0]) == id(pair[1]);
        }
        if !seen.is_empty() {
            for &index in &order {
                is_duplicate[index as usize] |= id(index).is_some_and(|id| seen.contains(id));
            }
        }
        let mut flags = is_duplicate.iter();
        self.events.retain(|_| flags.next() == Some(&false));
        let mut flags = is_duplicate.iter();
        self.ids.retain(|_| flags.next() == Some(&false));
        let mut flags = is_duplicate.iter();
        self.messages.retain(|_| flags.next() == Some(&false));
        let count = is_duplicate.iter().filter(|&&is_duplicate| is_duplicate).count() as u64;
        (self.scratch.order, self.scratch.is_duplicate) = (order, is_duplicate);
        count
    }
}
