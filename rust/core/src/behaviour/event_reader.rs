//! One thread of reading: events, written where they will stay.

use std::ops::Range;

use super::batch::EventBatch;
use super::batch_dictionaries::BatchDictionaries;
use super::drop_reason::{EventDropReason, KEPT};
use super::event::{Event, Flags};
use super::event_block::EventBlock;
use super::event_id::read_event_id;
use super::partitioned_chunk::{PartitionedChunk, PartitionedChunkBuilder};
use super::read_context::ReadContext;
use crate::clients::{BLOCK, MAX_ROWS, PARTITIONS, blocks, partition_of};
use crate::columns::{Column, IdValues};
use crate::dictionary::ViewCache;
use crate::error::Result;

/// What one thread has read.
#[derive(Debug)]
pub(super) struct EventReader {
    chunks: Vec<PartitionedChunk>,
    /// Bytes that they take.
    pub bytes: usize,
    pub rows_read: u64,
    pub dropped: [u64; EventDropReason::NAMES.len()],
    /// Events of each kind, those included that are dropped only when they are scored.
    pub of_kind: Vec<u64>,
    /// Their first and last instant.
    pub range: Option<(i64, i64)>,
    block: EventBlock,
    /// The clients of the chunk at hand, and which of its rows are dropped as far as its keys tell.
    client: Vec<u64>,
    drop_reason: Vec<u8>,
}

impl EventReader {
    pub fn new() -> Self {
        Self {
            chunks: Vec::new(),
            bytes: 0,
            rows_read: 0,
            dropped: [0; EventDropReason::NAMES.len()],
            of_kind: Vec::new(),
            range: None,
            block: EventBlock::new(),
            client: vec![0; MAX_ROWS],
            drop_reason: vec![KEPT; MAX_ROWS],
        }
    }

    /// Take the chunks that were read.
    pub fn take(&mut self) -> Vec<PartitionedChunk> {
        self.bytes = 0;
        std::mem::take(&mut self.chunks)
    }

    /// Begin another batch.
    pub fn begin(&mut self) {
        self.block.caches.iter_mut().for_each(ViewCache::clear);
    }

    /// Read rows of a batch, at most a chunk.
    ///
    /// Clients are read first, and counted by partition, so that each event can be written where it
    /// will stay.
    pub fn read(
        &mut self,
        batch: &EventBatch,
        dictionaries: &BatchDictionaries,
        rows: Range<usize>,
        context: &ReadContext,
    ) -> Result<()> {
        let mut max_counts = [0; PARTITIONS];
        for block in blocks(&rows) {
            self.block.read_keys(batch, block.clone(), context)?;
            let own = block.start - rows.start..block.end - rows.start;
            let clients = &self.block.client[..own.len()];
            let reasons = &self.block.drop_reason[..own.len()];
            for (&client, &reason) in clients.iter().zip(reasons) {
                max_counts[partition_of(client)] += u32::from(reason == KEPT);
            }
            self.client[own.clone()].copy_from_slice(clients);
            self.drop_reason[own].copy_from_slice(reasons);
        }
        let mut chunk = PartitionedChunkBuilder::new(&max_counts);
        for block in blocks(&rows) {
            let own = block.start - rows.start..block.end - rows.start;
            self.block.drop_reason[..own.len()].copy_from_slice(&self.drop_reason[own.clone()]);
            batch.prefetch(block.end..rows.end.min(block.end + BLOCK));
            self.block.read_rest(batch, dictionaries, block.clone(), context)?;
            self.of_kind.resize(self.of_kind.len().max(context.kinds.read().codes()), 0);
            self.write_block(batch, block, own.start, &mut chunk)?;
        }
        self.rows_read += rows.len() as u64;
        if let Some(chunk) = chunk.finish() {
            self.bytes += chunk.bytes();
            self.chunks.push(chunk);
        }
        Ok(())
    }

    /// Write the events of the block, which begins at row `start` of the chunk.
    fn write_block(
        &mut self,
        batch: &EventBatch,
        rows: Range<usize>,
        start: usize,
        chunk: &mut PartitionedChunkBuilder,
    ) -> Result<()> {
        let plain =
            batch.machine_open.is_none() && batch.channel.is_none() && batch.message.is_none();
        let reasons = &self.block.drop_reason[..rows.len()];
        let is_kept = |reason: u8| reason == KEPT;
        let all_kept = reasons.iter().fold(true, |all, &reason| all & is_kept(reason));
        if plain && all_kept && batch.event_id.is_none() {
            self.write_plain_block(start..start + rows.len(), chunk);
            return Ok(());
        }
        for (i, row) in rows.enumerate() {
            let block = &self.block;
            if block.drop_reason[i] != KEPT {
                self.dropped[block.drop_reason[i] as usize - 1] += 1;
                continue;
            }
            let event = Event {
                client: self.client[start + i],
                instant: block.instant[i],
                measures: block.measures[i],
                page: block.page[i],
                kind: block.kind[i] as u16,
                flags: flags(batch, row, block.channel[i]),
            };
            self.of_kind[event.kind as usize] += 1;
            self.note_range(event.instant, event.instant);
            let partition = partition_of(event.client);
            let index = match &batch.event_id {
                Some(column) => push_with_id(chunk, partition, event, column, row)?,
                None => chunk.push(partition, event),
            };
            if batch.message.is_some() {
                chunk.set_message(index, self.block.message[i]);
            }
        }
        Ok(())
    }

    /// The same where every row is kept, and has no id, channel, e-mail or machine open.
    fn write_plain_block(&mut self, rows: Range<usize>, chunk: &mut PartitionedChunkBuilder) {
        let (n, block) = (rows.len(), &self.block);
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        let columns = block.instant[..n].iter().zip(&block.measures[..n]);
        let codes = block.page[..n].iter().zip(&block.kind[..n]);
        for ((&client, (&instant, &measures)), (&page, &kind)) in
            self.client[rows].iter().zip(columns).zip(codes)
        {
            self.of_kind[kind as usize] += 1;
            (first, last) = (first.min(instant), last.max(instant));
            let flags = Flags::default();
            let event = Event { client, instant, measures, page, kind: kind as u16, flags };
            chunk.push(partition_of(client), event);
        }
        self.note_range(first, last);
    }

    /// Widen the range of instants.
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

/// Append an event with its id; its index in the chunk.
fn push_with_id(
    chunk: &mut PartitionedChunkBuilder,
    partition: usize,
    mut event: Event,
    column: &Column<IdValues>,
    row: usize,
) -> Result<usize> {
    let id = read_event_id(column, row)?;
    event.flags.0 |= if id.is_some() { Flags::HAS_ID } else { 0 };
    let index = chunk.push(partition, event);
    chunk.set_id(index, id);
    Ok(index)
}
