//! Where events wait, by partition of the clients: in memory, or in a temporary file.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::event::{BYTES, Event};
use crate::error::{Error, Result};

/// Partitions of the clients: of 20 million events each holds some 40,000, which fit the cache of
/// a core while they are sorted.
pub(super) const PARTITIONS: usize = 512;
/// Events of a block: large enough that allocating is nothing, small enough that the blocks which
/// are not full are little.
const BLOCK: usize = 1024;

/// The partition of a client's hash: its highest bits, of which nothing else makes use.
#[inline]
pub(super) fn partition_of(hash: u64) -> usize {
    (hash >> (64 - PARTITIONS.trailing_zeros())) as usize
}

/// Ids of events. A number is the id itself; of a text it is the place in `arena`: where it begins
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

/// Events with their ids, which are there for all of them or for none.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub events: Vec<Event>,
    pub ids: Vec<EventId>,
    pub arena: Vec<u8>,
}

impl Block {
    fn bytes(&self) -> usize {
        self.events.capacity() * BYTES + self.ids.capacity() * 16 + self.arena.capacity()
    }
}

/// The events of one partition that one worker has read.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    full: Vec<Block>,
    open: Block,
}

impl Inbox {
    /// Take an event in.
    #[inline]
    pub fn push(&mut self, event: Event) {
        if self.open.events.len() == BLOCK {
            self.close();
        }
        self.open.events.push(event);
    }

    /// Take the id of the event that was pushed last.
    pub fn push_number(&mut self, id: u64) {
        self.open.ids.push(id.into());
    }

    /// The same where ids are texts.
    pub fn push_text(&mut self, id: &[u8]) {
        let place = keep_text(id, &mut self.open.arena);
        self.open.ids.push(place);
    }

    #[cold]
    fn close(&mut self) {
        let next = Block { events: Vec::with_capacity(BLOCK), ..Block::default() };
        self.full.push(std::mem::replace(&mut self.open, next));
    }

    /// Everything in it, in the order in which it came; nothing is left.
    pub fn take(&mut self) -> Vec<Block> {
        let mut blocks = std::mem::take(&mut self.full);
        let open = std::mem::take(&mut self.open);
        if !open.events.is_empty() {
            blocks.push(open);
        }
        blocks
    }

    pub fn bytes(&self) -> usize {
        self.full.iter().map(Block::bytes).sum::<usize>() + self.open.bytes()
    }
}

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
    arena: usize,
}

fn broken(what: &str, error: &std::io::Error) -> Error {
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
        let file = made.map_err(|error| broken("made", &error))?;
        Ok(Self { file, end: 0, segments: vec![Vec::new(); PARTITIONS] })
    }

    /// Append the events of a partition.
    ///
    /// # Errors
    /// If the disk takes no more.
    pub fn append(&mut self, partition: usize, blocks: &[Block]) -> Result<()> {
        self.write(partition, blocks).map_err(|error| broken("written", &error))
    }

    fn write(&mut self, partition: usize, blocks: &[Block]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        let mut file = BufWriter::with_capacity(1 << 18, &self.file);
        for block in blocks {
            for event in &block.events {
                file.write_all(&event.to_bytes())?;
            }
            for id in &block.ids {
                file.write_all(&id.to_le_bytes())?;
            }
            file.write_all(&block.arena)?;
            let segment = Segment {
                start: self.end,
                events: block.events.len(),
                ids: !block.ids.is_empty(),
                arena: block.arena.len(),
            };
            let id_bytes = if segment.ids { 16 } else { 0 };
            self.end += (segment.events * (BYTES + id_bytes) + segment.arena) as u64;
            self.segments[partition].push(segment);
        }
        file.flush()
    }

    /// Give the blocks of a partition back, in the order in which they were appended.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn load(&mut self, partition: usize) -> Result<Vec<Block>> {
        let segments = std::mem::take(&mut self.segments[partition]);
        segments
            .iter()
            .map(|segment| self.read(*segment))
            .collect::<std::io::Result<_>>()
            .map_err(|error| broken("read", &error))
    }

    fn read(&self, segment: Segment) -> std::io::Result<Block> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(segment.start))?;
        let mut file = BufReader::with_capacity(1 << 18, file);
        let mut block = Block::default();
        block.events.reserve_exact(segment.events);
        let mut bytes = [0; BYTES];
        for _ in 0..segment.events {
            file.read_exact(&mut bytes)?;
            block.events.push(Event::from_bytes(&bytes));
        }
        let mut bytes = [0; 16];
        for _ in 0..if segment.ids { segment.events } else { 0 } {
            file.read_exact(&mut bytes)?;
            block.ids.push(EventId::from_le_bytes(bytes));
        }
        block.arena.resize(segment.arena, 0);
        file.read_exact(&mut block.arena)?;
        Ok(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spilled_comes_back() {
        let event = |i: u64| Event { client: i, instant: i as i64 * 7, ..Event::default() };
        let mut inbox = Inbox::default();
        for i in 0..3000 {
            inbox.push(event(i));
            inbox.push_text(i.to_string().as_bytes());
        }
        let blocks = inbox.take();
        assert!(blocks.len() == 3 && inbox.take().is_empty());
        let mut spill = Spill::new(None).unwrap();
        spill.append(5, &blocks[..2]).unwrap();
        spill.append(6, &[Block { events: vec![event(9)], ..Block::default() }]).unwrap();
        spill.append(5, &blocks[2..]).unwrap();
        let loaded = spill.load(5).unwrap();
        assert_eq!(loaded.len(), blocks.len());
        for (a, b) in loaded.iter().zip(&blocks) {
            assert_eq!((&a.events, &a.ids, &a.arena), (&b.events, &b.ids, &b.arena));
        }
        assert_eq!(spill.load(6).unwrap()[0].events, [event(9)]);
        assert!(spill.load(7).unwrap().is_empty());
        assert!(Spill::new(Some(Path::new("/no/such/directory"))).is_err());
    }
}
