//! Events of a run of rows, those of each partition of the clients together.

use std::ops::Range;

use super::event::{BYTES, Event};
use crate::hash::turn_word;

/// Partitions of the clients: of 20 million events each holds some 40,000, which stay in the cache of
/// a core from when they are brought together by client until they are scored.
pub(super) const PARTITIONS: usize = 512;

/// The partition of a client.
#[inline]
pub(super) fn partition_of(client: u64) -> usize {
    (turn_word(client) >> (u64::BITS - PARTITIONS.trailing_zeros())) as usize
}

/// Ids of events. A number is the id itself; of a text it is the place in an arena: where it begins
/// in the high half, its length in the low half.
pub(super) type EventId = u128;

/// The place of a text that is appended to an arena.
pub(super) fn keep_text(text: &[u8], arena: &mut Vec<u8>) -> EventId {
    let start = arena.len();
    arena.extend_from_slice(text);
    (start as u128) << 64 | text.len() as u128
}

/// The text of a place in an arena.
pub(super) fn kept_text(id: EventId, arena: &[u8]) -> &[u8] {
    let start = (id >> 64) as usize;
    &arena[start..start + id as u64 as usize]
}

/// Events of one partition with their ids, which are there for all of them or for none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Block<'a> {
    pub events: &'a [Event],
    pub ids: &'a [EventId],
    /// The bytes of ids that are texts, among those of other partitions.
    pub arena: &'a [u8],
}

/// The events of a run of rows, in the order of their partitions.
#[derive(Debug)]
pub(super) struct Chunk {
    events: Vec<Event>,
    ids: Vec<EventId>,
    arena: Vec<u8>,
    ranges: Vec<Range<u32>>,
}

impl Chunk {
    /// The events of a partition.
    pub fn block(&self, partition: usize) -> Block<'_> {
        let range = &self.ranges[partition];
        let range = range.start as usize..range.end as usize;
        Block {
            events: &self.events[range.clone()],
            ids: self.ids.get(range).unwrap_or_default(),
            arena: &self.arena,
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.events.capacity() * BYTES
            + self.ids.capacity() * size_of::<EventId>()
            + self.arena.capacity()
            + self.ranges.capacity() * size_of::<Range<u32>>()
    }

    /// The same in no more memory than its events need.
    fn tight(mut self) -> Self {
        let events = self.ranges.iter().map(ExactSizeIterator::len).sum();
        let mut tight = Self {
            events: Vec::with_capacity(events),
            ids: Vec::with_capacity(if self.ids.is_empty() { 0 } else { events }),
            arena: std::mem::take(&mut self.arena),
            ranges: Vec::with_capacity(PARTITIONS),
        };
        for partition in 0..PARTITIONS {
            let (start, block) = (tight.events.len() as u32, self.block(partition));
            tight.events.extend_from_slice(block.events);
            tight.ids.extend_from_slice(block.ids);
            tight.ranges.push(start..tight.events.len() as u32);
        }
        tight
    }
}

/// A chunk in the making: how many events a partition may get is known, and each is put where it
/// will stay.
pub(super) struct Draft {
    /// Its length is 0, and its capacity what the partitions may get together.
    events: Vec<Event>,
    ids: Vec<EventId>,
    arena: Vec<u8>,
    starts: [u32; PARTITIONS],
    /// Where the next event of each partition goes.
    next: [u32; PARTITIONS],
    rows: usize,
}

impl Draft {
    /// Make room for at most so many events of each partition.
    pub fn new(most: &[u32; PARTITIONS]) -> Self {
        let mut end = 0;
        let starts = most.map(|count| {
            let start = end;
            end += count;
            start
        });
        let rows = end as usize;
        let (events, ids, arena) = (Vec::with_capacity(rows), Vec::new(), Vec::new());
        Self { events, ids, arena, starts, next: starts, rows }
    }

    /// Put an event at the end of its partition, and say where that is.
    #[inline]
    pub fn push(&mut self, partition: usize, event: Event) -> usize {
        let next = &mut self.next[partition];
        let place = *next as usize;
        *next += 1;
        self.events.spare_capacity_mut()[place].write(event);
        place
    }

    /// Note the id of the event at a place.
    pub fn push_number(&mut self, place: usize, id: u64) {
        self.ids.resize(self.rows, 0);
        self.ids[place] = id.into();
    }

    /// The same where ids are texts.
    pub fn push_text(&mut self, place: usize, id: &[u8]) {
        self.ids.resize(self.rows, 0);
        self.ids[place] = keep_text(id, &mut self.arena);
    }

    /// The chunk, when all events are in; none where there are none.
    pub fn finish(mut self) -> Option<Chunk> {
        let ends = || self.starts[1..].iter().copied().chain([self.rows as u32]);
        debug_assert!(self.next.iter().zip(ends()).all(|(&next, end)| next <= end), "too many");
        let spare = self.events.spare_capacity_mut();
        let mut empty = 0;
        for (&next, end) in self.next.iter().zip(ends()) {
            for place in next..end {
                spare[place as usize].write(Event::default());
                empty += 1;
            }
        }
        // SAFETY: each place below `rows` lies in the room of one partition, and there either below
        // `next`, which moved over each place as it was written, or above it, where the loop has
        // just written.
        unsafe { self.events.set_len(self.rows) };
        let ranges = self.starts.iter().zip(self.next).map(|(&start, next)| start..next).collect();
        let chunk = Chunk { events: self.events, ids: self.ids, arena: self.arena, ranges };
        // Rows that are dropped late leave room behind, of which little may be kept.
        match empty {
            _ if empty == self.rows => None,
            _ if empty > self.rows / 4 => Some(chunk.tight()),
            _ => Some(chunk),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(chunk: &Chunk, partition: usize) -> Vec<u64> {
        chunk.block(partition).events.iter().map(|event| event.client).collect()
    }

    #[test]
    fn events_lie_with_their_partition() {
        for room in [1, 10] {
            let mut most = [0; PARTITIONS];
            (most[0], most[3], most[511]) = (2 * room, 4 * room, room);
            let mut draft = Draft::new(&most);
            for (partition, client) in [(3, 1), (0, 2), (3, 3), (3, 4), (511, 5)] {
                let place = draft.push(partition, Event { client, ..Event::default() });
                draft.push_text(place, client.to_string().as_bytes());
            }
            let chunk = draft.finish().unwrap();
            for (partition, expected) in
                [(0, vec![2]), (1, vec![]), (3, vec![1, 3, 4]), (511, vec![5])]
            {
                assert_eq!(clients(&chunk, partition), expected);
                let block = chunk.block(partition);
                assert_eq!(block.ids.len(), expected.len());
                for (id, client) in block.ids.iter().zip(expected) {
                    assert_eq!(kept_text(*id, block.arena), client.to_string().as_bytes());
                }
            }
            let ranges = PARTITIONS * size_of::<Range<u32>>();
            assert!(chunk.bytes() >= 5 * (BYTES + 16) + ranges);
            assert!(chunk.bytes() <= 7 * (BYTES + 16) + ranges + 64, "room is not kept");
        }
    }

    #[test]
    fn a_chunk_may_lack_ids_and_must_not_lack_events() {
        assert!(Draft::new(&[0; PARTITIONS]).finish().is_none());
        let mut most = [0; PARTITIONS];
        most[7] = 2;
        assert!(Draft::new(&most).finish().is_none());
        let mut draft = Draft::new(&most);
        draft.push(7, Event { client: 9, ..Event::default() });
        let chunk = draft.finish().unwrap();
        assert_eq!(clients(&chunk, 7), [9]);
        assert!(chunk.block(7).ids.is_empty());
    }
}
