//! Events that go to a temporary file where memory is short.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::event::{EVENT_BYTES, Event};
use super::event_id::{PackedId, append_text, text_at};
use super::partitioned_chunk::{PartitionEvents, PartitionSlice};
use crate::clients::PARTITIONS;
use crate::dictionary::MISSING;
use crate::error::{Error, Result};

const ID_BYTES: usize = size_of::<PackedId>();
const MESSAGE_BYTES: usize = size_of::<u32>();

/// Events in a temporary file.
///
/// The file has no name (or none that stays), so that nothing is left of a run that is killed.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    end: u64,
    /// What the file holds of each partition.
    segments: Vec<Vec<Segment>>,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    start: u64,
    events: usize,
    ids: bool,
    messages: bool,
    arena: usize,
}

impl Segment {
    fn bytes(self) -> u64 {
        let ids = if self.ids { ID_BYTES } else { 0 };
        let messages = if self.messages { MESSAGE_BYTES } else { 0 };
        (self.events * (EVENT_BYTES + ids + messages) + self.arena) as u64
    }
}

fn file_error(what: &str, error: &std::io::Error) -> Error {
    Error::Data(format!(
        "a temporary file cannot be {what} ({error}): free some space there, point TMPDIR to a larger disk, or raise the memory budget"
    ))
}

impl Spill {
    /// Make an empty file in a directory, that of the system by default.
    ///
    /// # Errors
    /// If the directory takes none.
    pub fn new(directory: Option<&Path>) -> Result<Self> {
        let made = directory.map_or_else(tempfile::tempfile, tempfile::tempfile_in);
        let file = made.map_err(|error| file_error("made", &error))?;
        Ok(Self { file, end: 0, segments: vec![Vec::new(); PARTITIONS] })
    }

    /// Bytes that went to the file.
    pub fn bytes(&self) -> u64 {
        self.end
    }

    /// Append the events of a partition.
    ///
    /// # Errors
    /// If the disk takes no more.
    pub fn append(&mut self, partition: usize, slices: &[PartitionSlice]) -> Result<()> {
        let (mut ids, mut arena) = (Vec::new(), Vec::new());
        for slice in slices {
            if slice.arena.is_empty() {
                ids.extend_from_slice(slice.ids);
            } else {
                let texts = slice.ids.iter().map(|&id| text_at(id, slice.arena));
                ids.extend(texts.map(|text| append_text(text, &mut arena)));
            }
        }
        let events = slices.iter().map(|slice| slice.events.len()).sum();
        debug_assert!(ids.is_empty() || ids.len() == events, "ids are there for all or for none");
        if events == 0 {
            return Ok(());
        }
        let messages = messages_of(slices);
        let segment = Segment {
            start: self.end,
            events,
            ids: !ids.is_empty(),
            messages: !messages.is_empty(),
            arena: arena.len(),
        };
        self.end += segment.bytes();
        self.segments[partition].push(segment);
        self.write(segment, slices, (&ids, &messages), &arena)
            .map_err(|error| file_error("written", &error))
    }

    fn write(
        &mut self,
        segment: Segment,
        slices: &[PartitionSlice],
        (ids, messages): (&[PackedId], &[u32]),
        arena: &[u8],
    ) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(segment.start))?;
        let mut file = BufWriter::with_capacity(1 << 18, &self.file);
        for event in slices.iter().flat_map(|slice| slice.events) {
            file.write_all(&event.to_bytes())?;
        }
        for id in ids {
            file.write_all(&id.to_le_bytes())?;
        }
        for message in messages {
            file.write_all(&message.to_le_bytes())?;
        }
        file.write_all(arena)?;
        file.flush()
    }

    /// Give the events of a partition back, in the order in which they were appended.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn load(&mut self, partition: usize) -> Result<Vec<PartitionEvents>> {
        let segments = std::mem::take(&mut self.segments[partition]);
        segments
            .iter()
            .map(|segment| self.read(*segment))
            .collect::<std::io::Result<_>>()
            .map_err(|error| file_error("read", &error))
    }

    fn read(&self, segment: Segment) -> std::io::Result<PartitionEvents> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(segment.start))?;
        let mut file = BufReader::with_capacity(1 << 18, file);
        let mut loaded = PartitionEvents::default();
        loaded.events.reserve_exact(segment.events);
        let mut bytes = [0; EVENT_BYTES];
        for _ in 0..segment.events {
            file.read_exact(&mut bytes)?;
            loaded.events.push(Event::from_bytes(&bytes));
        }
        let mut bytes = [0; ID_BYTES];
        for _ in 0..if segment.ids { segment.events } else { 0 } {
            file.read_exact(&mut bytes)?;
            loaded.ids.push(PackedId::from_le_bytes(bytes));
        }
        let mut bytes = [0; MESSAGE_BYTES];
        for _ in 0..if segment.messages { segment.events } else { 0 } {
            file.read_exact(&mut bytes)?;
            loaded.messages.push(u32::from_le_bytes(bytes));
        }
        loaded.arena.resize(segment.arena, 0);
        file.read_exact(&mut loaded.arena)?;
        Ok(loaded)
    }
}

/// The e-mails of the events of all slices; empty if no slice has any.
fn messages_of(slices: &[PartitionSlice]) -> Vec<u32> {
    let mut messages = Vec::new();
    if slices.iter().all(|slice| slice.messages.is_empty()) {
        return messages;
    }
    let mut end = 0;
    for slice in slices {
        end += slice.events.len();
        messages.extend_from_slice(slice.messages);
        messages.resize(end, MISSING);
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::super::event_id::EventId;
    use super::super::partitioned_chunk::{PartitionedChunk, PartitionedChunkBuilder};
    use super::*;

    /// Clients from `first`, every other one in partition 5 and the others in 6, with their numbers
    /// as the ids of events.
    fn chunk(first: u64, events: u32) -> PartitionedChunk {
        let mut max_counts = [0; PARTITIONS];
        (max_counts[5], max_counts[6]) = (events, events);
        let mut builder = PartitionedChunkBuilder::new(&max_counts);
        for client in first..first + u64::from(events) {
            let event = Event { client, instant: client as i64 * 7, ..Event::default() };
            let index = builder.push(5 + client as usize % 2, event);
            let id = client.to_string();
            builder.set_id(index, Some(EventId::Text(id.as_bytes())));
            builder.set_message(index, client as u32 + 1);
        }
        builder.finish().unwrap()
    }

    #[test]
    fn what_is_spilled_comes_back() {
        let chunks = [chunk(0, 900), chunk(900, 50), chunk(950, 1000)];
        let mut spill = Spill::new(None).unwrap();
        for run in [&chunks[..2], &chunks[2..]] {
            for partition in [5, 6] {
                let slices: Vec<PartitionSlice> =
                    run.iter().map(|chunk| chunk.slice(partition)).collect();
                spill.append(partition, &slices).unwrap();
            }
        }
        let digits: u64 = (0..1950_u32).map(|client| client.to_string().len() as u64).sum();
        assert_eq!(spill.bytes(), 1950 * (EVENT_BYTES + ID_BYTES + MESSAGE_BYTES) as u64 + digits);
        for partition in [5, 6] {
            let loaded = spill.load(partition).unwrap();
            assert_eq!(loaded.len(), 2);
            let mut client = partition as u64 - 5;
            for slice in loaded.iter().map(PartitionEvents::as_slice) {
                assert_eq!(slice.events.len(), slice.ids.len());
                assert!(
                    slice
                        .messages
                        .iter()
                        .zip(slice.events)
                        .all(|(&message, event)| { u64::from(message) == event.client + 1 })
                );
                assert_eq!(slice.events.len(), slice.messages.len());
                for (event, id) in slice.events.iter().zip(slice.ids) {
                    assert_eq!((event.client, event.instant), (client, client as i64 * 7));
                    assert_eq!(text_at(*id, slice.arena), client.to_string().as_bytes());
                    client += 2;
                }
            }
            assert!(client >= 1950 && spill.load(partition).unwrap().is_empty());
        }
        assert!(spill.load(7).unwrap().is_empty());
        assert!(Spill::new(Some(Path::new("/no/such/directory"))).is_err());
    }

    #[test]
    fn nothing_takes_no_space() {
        let mut spill = Spill::new(None).unwrap();
        spill.append(3, &[]).unwrap();
        spill.append(3, &[PartitionSlice::default()]).unwrap();
        assert!(spill.bytes() == 0 && spill.load(3).unwrap().is_empty());
    }
}
