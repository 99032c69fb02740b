//! Chunks of events, partitioned by client.

use std::ops::Range;

use super::event::{EVENT_BYTES, Event};
use super::event_id::{EventId, PackedId};
use crate::clients::PARTITIONS;
use crate::dictionary::MISSING;

/// Events of one partition. Either all of them have an entry among the ids or none has, and so for
/// the messages.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PartitionSlice<'a> {
    pub events: &'a [Event],
    pub ids: &'a [PackedId],
    /// The bytes of ids that are texts, perhaps among those of other partitions.
    pub arena: &'a [u8],
    /// The codes of e-mails.
    pub messages: &'a [u32],
}

/// The same with its own arrays.
#[derive(Debug, Default)]
pub(super) struct PartitionEvents {
    pub events: Vec<Event>,
    pub ids: Vec<PackedId>,
    pub arena: Vec<u8>,
    pub messages: Vec<u32>,
}

impl PartitionEvents {
    pub fn as_slice(&self) -> PartitionSlice<'_> {
        PartitionSlice {
            events: &self.events,
            ids: &self.ids,
            arena: &self.arena,
            messages: &self.messages,
        }
    }
}

/// The events of a range of rows, in the order of their partitions.
#[derive(Debug)]
pub(super) struct PartitionedChunk {
    events: Vec<Event>,
    ids: Vec<PackedId>,
    arena: Vec<u8>,
    messages: Vec<u32>,
    ranges: Vec<Range<u32>>,
}

impl PartitionedChunk {
    /// The events of a partition.
    pub fn slice(&self, partition: usize) -> PartitionSlice<'_> {
        let range = &self.ranges[partition];
        let range = range.start as usize..range.end as usize;
        PartitionSlice {
            events: &self.events[range.clone()],
            ids: self.ids.get(range.clone()).unwrap_or_default(),
            arena: &self.arena,
            messages: self.messages.get(range).unwrap_or_default(),
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.events.capacity() * EVENT_BYTES
            + self.ids.capacity() * size_of::<PackedId>()
            + self.arena.capacity()
            + self.messages.capacity() * size_of::<u32>()
            + self.ranges.capacity() * size_of::<Range<u32>>()
    }

    /// Copy the chunk into no more memory than its events need.
    fn shrink(mut self) -> Self {
        let events = self.ranges.iter().map(ExactSizeIterator::len).sum();
        let mut shrunk = Self {
            events: Vec::with_capacity(events),
            ids: Vec::with_capacity(if self.ids.is_empty() { 0 } else { events }),
            arena: std::mem::take(&mut self.arena),
            messages: Vec::with_capacity(if self.messages.is_empty() { 0 } else { events }),
            ranges: Vec::with_capacity(PARTITIONS),
        };
        for partition in 0..PARTITIONS {
            let (start, slice) = (shrunk.events.len() as u32, self.slice(partition));
            shrunk.events.extend_from_slice(slice.events);
            shrunk.ids.extend_from_slice(slice.ids);
            shrunk.messages.extend_from_slice(slice.messages);
            shrunk.ranges.push(start..shrunk.events.len() as u32);
        }
        shrunk
    }
}

/// A chunk in the making. How many events each partition gets at most is known, so that each event
/// is written where it will stay.
pub(super) struct PartitionedChunkBuilder {
    /// Its length is 0; its capacity is what all partitions get at most.
    events: Vec<Event>,
    ids: Vec<PackedId>,
    arena: Vec<u8>,
    messages: Vec<u32>,
    starts: [u32; PARTITIONS],
    /// Where the next event of each partition goes.
    next: [u32; PARTITIONS],
    rows: usize,
}

impl PartitionedChunkBuilder {
    /// Reserve memory for at most so many events of each partition.
    pub fn new(max_counts: &[u32; PARTITIONS]) -> Self {
        let mut end = 0;
        let starts = max_counts.map(|count| {
            let start = end;
            end += count;
            start
        });
        let rows = end as usize;
        Self {
            events: Vec::with_capacity(rows),
            ids: Vec::new(),
            arena: Vec::new(),
            messages: Vec::new(),
            starts,
            next: starts,
            rows,
        }
    }

    /// Append an event to its partition; its index in the chunk.
    #[inline]
    pub fn push(&mut self, partition: usize, event: Event) -> usize {
        let next = &mut self.next[partition];
        let index = *next as usize;
        *next += 1;
        self.events.spare_capacity_mut()[index].write(event);
        index
    }

    /// Write the id of an event.
    pub fn set_id(&mut self, index: usize, id: Option<EventId>) {
        self.ids.resize(self.rows, 0);
        self.ids[index] = id.map_or(0, |id| id.pack(&mut self.arena));
    }

    /// Write the code of the e-mail of an event.
    pub fn set_message(&mut self, index: usize, message: u32) {
        self.messages.resize(self.rows, MISSING);
        self.messages[index] = message;
    }

    /// The chunk, once all events are in it; none if there are none.
    pub fn finish(mut self) -> Option<PartitionedChunk> {
        let ends = || self.starts[1..].iter().copied().chain([self.rows as u32]);
        debug_assert!(self.next.iter().zip(ends()).all(|(&next, end)| next <= end), "too many");
        let spare = self.events.spare_capacity_mut();
        let mut empty = 0;
        for (&next, end) in self.next.iter().zip(ends()) {
            for index in next..end {
                spare[index as usize].write(Event::default());
                empty += 1;
            }
        }
        // SAFETY: each index below `rows` belongs to one partition. There it is either below `next`,
        // which moved past each index as it was written, or from `next` on, where the loop has just
        // written.
        unsafe { self.events.set_len(self.rows) };
        let ranges = self.starts.iter().zip(self.next).map(|(&start, next)| start..next).collect();
        let chunk = PartitionedChunk {
            events: self.events,
            ids: self.ids,
            arena: self.arena,
            messages: self.messages,
            ranges,
        };
        // Rows that are dropped late leave empty room, which is given back if it is large.
        match empty {
            _ if empty == self.rows => None,
            _ if empty > self.rows / 4 => Some(chunk.shrink()),
            _ => Some(chunk),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event_id::text_at;
    use super::*;

    fn clients(chunk: &PartitionedChunk, partition: usize) -> Vec<u64> {
        chunk.slice(partition).events.iter().map(|event| event.client).collect()
    }

    #[test]
    fn events_lie_with_their_partition() {
        for room in [1, 10] {
            let mut max_counts = [0; PARTITIONS];
            (max_counts[0], max_counts[3], max_counts[511]) = (2 * room, 4 * room, room);
            let mut builder = PartitionedChunkBuilder::new(&max_counts);
            for (partition, client) in [(3, 1), (0, 2), (3, 3), (3, 4), (511, 5)] {
                let index = builder.push(partition, Event { client, ..Event::default() });
                let id = client.to_string();
                builder.set_id(index, Some(EventId::Text(id.as_bytes())));
            }
            let chunk = builder.finish().unwrap();
            for (partition, expected) in
                [(0, vec![2]), (1, vec![]), (3, vec![1, 3, 4]), (511, vec![5])]
            {
                assert_eq!(clients(&chunk, partition), expected);
                let slice = chunk.slice(partition);
                assert_eq!(slice.ids.len(), expected.len());
                for (id, client) in slice.ids.iter().zip(expected) {
                    assert_eq!(text_at(*id, slice.arena), client.to_string().as_bytes());
                }
            }
            let ranges = PARTITIONS * size_of::<Range<u32>>();
            assert!(chunk.bytes() >= 5 * (EVENT_BYTES + 16) + ranges);
            assert!(chunk.bytes() <= 7 * (EVENT_BYTES + 16) + ranges + 64, "room is not kept");
        }
    }

    #[test]
    fn a_chunk_may_lack_ids_and_must_not_lack_events() {
        assert!(PartitionedChunkBuilder::new(&[0; PARTITIONS]).finish().is_none());
        let mut max_counts = [0; PARTITIONS];
        max_counts[7] = 2;
        assert!(PartitionedChunkBuilder::new(&max_counts).finish().is_none());
        let mut builder = PartitionedChunkBuilder::new(&max_counts);
        builder.push(7, Event { client: 9, ..Event::default() });
        let chunk = builder.finish().unwrap();
        assert_eq!(clients(&chunk, 7), [9]);
        assert!(chunk.slice(7).ids.is_empty());
    }
}
