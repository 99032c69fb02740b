//! What one thread reads: events, written where they will stay.

use std::ops::Range;

use super::batch::EventBatch;
use super::chunk::{Chunk, Draft, PARTITIONS, partition_of};
use super::dictionary::Recent;
use super::event::{Event, Flags};
use super::event_ids::event_id;
use super::morsel::{CodedColumns, MORSEL, Morsel, Reading, morsels};
use super::reason::{Reason, USED};
use super::timeline::Id;
use crate::columns::{Column, IdValues};
use crate::error::Result;

/// The most rows of a chunk: each partition gets some hundred events of them, and all of them end a
/// little below two MiB, so that allocators do not begin another large page for a few.
const CHUNK: usize = if cfg!(test) { 64 } else { 60 << 10 };
/// The fewest of a long batch: finding a partition's events of a chunk costs as much as reading some.
const FEWEST: usize = CHUNK / 4;
/// The fewest of a short one, which all workers are to share.
const FEWEST_OF_FEW: usize = CHUNK / 16;

/// The rows of the next chunk of a batch of so many rows, of which some are left: fewer towards its
/// end, so that all workers end at about the same time.
pub(super) fn chunk_rows(left: usize, rows: usize, workers: usize) -> usize {
    let fewest = rows.div_ceil(workers).clamp(FEWEST_OF_FEW, FEWEST);
    left.div_ceil(2 * workers).next_multiple_of(MORSEL).clamp(fewest, CHUNK).min(left)
}

/// What one worker has read.
#[derive(Debug)]
pub(super) struct Worker {
    chunks: Vec<Chunk>,
    /// Bytes that they take.
    pub bytes: usize,
    pub rows_read: u64,
    pub dropped: [u64; Reason::ALL.len()],
    /// Events of each kind that are not dropped for a reason that a row shows by itself.
    pub of_kind: Vec<u64>,
    /// The first and last instant of those.
    pub range: Option<(i64, i64)>,
    morsel: Morsel,
    /// The clients of the chunk at hand, and what is known of the fates of its rows by then.
    client: Vec<u64>,
    fate: Vec<u8>,
}

impl Worker {
    pub fn new() -> Self {
        Self {
            chunks: Vec::new(),
            bytes: 0,
            rows_read: 0,
            dropped: [0; Reason::ALL.len()],
            of_kind: Vec::new(),
            range: None,
            morsel: Morsel::new(),
            client: vec![0; CHUNK],
            fate: vec![USED; CHUNK],
        }
    }

    /// Hand over what was read.
    pub fn take(&mut self) -> Vec<Chunk> {
        self.bytes = 0;
        std::mem::take(&mut self.chunks)
    }

    /// Begin another batch.
    pub fn begin(&mut self) {
        self.morsel.recent.iter_mut().for_each(Recent::clear);
    }

    /// Read rows of a batch, at most a chunk.
    ///
    /// Clients are read first, and counted by partition: the events can then be written where they
    /// will stay.
    pub fn read(
        &mut self,
        batch: &EventBatch,
        coded: &CodedColumns,
        rows: Range<usize>,
        reading: &Reading,
    ) -> Result<()> {
        let mut most = [0; PARTITIONS];
        for morsel in morsels(&rows) {
            self.morsel.begin(batch, morsel.clone(), reading)?;
            let places = morsel.start - rows.start..morsel.end - rows.start;
            let clients = &self.morsel.client[..places.len()];
            let fates = &self.morsel.fate[..places.len()];
            for (&client, &fate) in clients.iter().zip(fates) {
                most[partition_of(client)] += u32::from(fate == USED);
            }
            self.client[places.clone()].copy_from_slice(clients);
            self.fate[places].copy_from_slice(fates);
        }
        let mut draft = Draft::new(&most);
        for morsel in morsels(&rows) {
            let places = morsel.start - rows.start..morsel.end - rows.start;
            self.morsel.fate[..places.len()].copy_from_slice(&self.fate[places.clone()]);
            batch.ask_for(morsel.end..rows.end.min(morsel.end + MORSEL));
            self.morsel.read(batch, coded, morsel.clone(), reading)?;
            self.of_kind.resize(self.of_kind.len().max(reading.kinds.words().codes()), 0);
            self.place(batch, morsel, places.start, &mut draft)?;
        }
        self.rows_read += rows.len() as u64;
        if let Some(chunk) = draft.finish() {
            self.bytes += chunk.bytes();
            self.chunks.push(chunk);
        }
        Ok(())
    }

    /// Put the events of the morsel into a draft; its clients begin at a place of the chunk.
    fn place(
        &mut self,
        batch: &EventBatch,
        rows: Range<usize>,
        start: usize,
        draft: &mut Draft,
    ) -> Result<()> {
        let plain = batch.machine_open.is_none() && batch.channel.is_none();
        let fates = &self.morsel.fate[..rows.len()];
        let used = |fate: u8| fate == USED;
        let all_used = fates.iter().fold(true, |all, &fate| all & used(fate));
        if plain && all_used && batch.event_id.is_none() {
            self.place_plain(start..start + rows.len(), draft);
            return Ok(());
        }
        for (i, row) in rows.enumerate() {
            let morsel = &self.morsel;
            if morsel.fate[i] != USED {
                self.dropped[morsel.fate[i] as usize - 1] += 1;
                continue;
            }
            let event = Event {
                client: self.client[start + i],
                instant: morsel.instant[i],
                measures: morsel.measures[i],
                page: morsel.page[i],
                kind: morsel.kind[i] as u16,
                flags: flags(batch, row, morsel.channel[i]),
            };
            self.of_kind[event.kind as usize] += 1;
            self.note_range(event.instant, event.instant);
            let partition = partition_of(event.client);
            match &batch.event_id {
                Some(column) => push_with_id(draft, partition, event, column, row)?,
                None => {
                    draft.push(partition, event);
                }
            }
        }
        Ok(())
    }

    /// The same where every row is used, and has nothing but what every event has.
    fn place_plain(&mut self, places: Range<usize>, draft: &mut Draft) {
        let (n, morsel) = (places.len(), &self.morsel);
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        let columns = morsel.instant[..n].iter().zip(&morsel.measures[..n]);
        let codes = morsel.page[..n].iter().zip(&morsel.kind[..n]);
        for ((&client, (&instant, &measures)), (&page, &kind)) in
            self.client[places].iter().zip(columns).zip(codes)
        {
            self.of_kind[kind as usize] += 1;
            (first, last) = (first.min(instant), last.max(instant));
            let flags = Flags::default();
            let event = Event { client, instant, measures, page, kind: kind as u16, flags };
            draft.push(partition_of(client), event);
        }
        self.note_range(first, last);
    }

    /// Take in the first and last instant of events that are used.
    fn note_range(&mut self, first: i64, last: i64) {
        let (a, b) = self.range.unwrap_or((first, last));
        self.range = Some((a.min(first), b.max(last)));
    }
}

#[inline]
fn flags(batch: &EventBatch, row: usize, channel: u32) -> Flags {
    let machine = batch
        .machine_open
        .as_ref()
        .is_some_and(|column| column.is_valid(row) && column.values.get(row));
    Flags(if machine { Flags::MACHINE } else { 0 }).with_channel(channel)
}

/// Put an event into a draft with its id.
fn push_with_id(
    draft: &mut Draft,
    partition: usize,
    mut event: Event,
    column: &Column<IdValues>,
    row: usize,
) -> Result<()> {
    let id = event_id(column, row)?;
    event.flags.0 |= if id.is_some() { Flags::HAS_ID } else { 0 };
    let place = draft.push(partition, event);
    match id {
        None => draft.push_number(place, 0),
        Some(Id::Number(number)) => draft.push_number(place, number),
        Some(Id::Text(text)) => draft.push_text(place, text),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chunks that a batch falls into.
    fn chunks(rows: usize, workers: usize) -> Vec<usize> {
        let mut left = rows;
        let mut chunks = Vec::new();
        while left > 0 {
            chunks.push(chunk_rows(left, rows, workers));
            left -= chunks[chunks.len() - 1];
        }
        chunks
    }

    #[test]
    fn chunks_become_shorter_and_short_batches_are_shared() {
        for (rows, workers, expected) in [
            (0, 2, vec![]),
            (1, 2, vec![1]),
            (CHUNK / 16, 8, vec![CHUNK / 16]),
            (CHUNK / 4, 2, vec![CHUNK / 8, CHUNK / 8]),
            (CHUNK, 1, vec![CHUNK / 2, CHUNK / 4, CHUNK / 4]),
        ] {
            assert_eq!(chunks(rows, workers), expected, "{rows} rows, {workers} workers");
        }
        let many = chunks(20 * CHUNK, 2);
        assert!(many.is_sorted_by(|a, b| a >= b), "{many:?}");
        assert_eq!(many[0], CHUNK);
        assert!(many[many.len() - 2] >= FEWEST);
    }
}
