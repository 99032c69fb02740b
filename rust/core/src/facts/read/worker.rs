//! What one thread reads, and the inboxes that it sorts lines into.

use std::ops::Range;

use super::ids::ReadKey;
use super::line_block::{BLOCK, LineBlock};
use super::options::ReadOptions;
use super::orders::{OrderReader, ReadOrders};
use crate::columns::{Column, IdValues, plain_integer};
use crate::error::Result;
use crate::facts::account::FactsAccount;
use crate::facts::batch::Batch;
use crate::facts::drop_reason::USED;
use crate::facts::key::Key;
use crate::facts::line::{IS_RETURN, Line, NO_ORDER, When, tag_of};
use crate::facts::packed_line::{PackedLine, pack};
use crate::facts::store::ClientKey;
use crate::facts::store::partitioning::{PARTITIONS, partition_of_hash, partition_of_word};
use crate::stop::stop_if_asked;

/// One worker: the arrays it reads into, its inboxes, and its part of the account.
pub struct Worker<C: Key, O: Key, W> {
    pub block: LineBlock<C, O>,
    pub inboxes: Vec<Vec<Line<C, O, W>>>,
    /// The same for packed lines.
    pub packed: Box<[Vec<PackedLine>; PARTITIONS]>,
    pub order_bytes: Vec<u8>,
    pub account: FactsAccount,
    /// Of the words of clients read.
    pub words: WordRange,
    /// Whether the text ids of all lines dropped so far are plain integers.
    pub plain_ids: bool,
}

/// The least and the most of some words; the least is above the most where there are none.
#[derive(Debug, Clone, Copy)]
pub struct WordRange {
    pub least: u64,
    pub most: u64,
}

impl WordRange {
    pub const EMPTY: Self = Self { least: u64::MAX, most: 0 };

    #[inline]
    fn include(&mut self, word: u64) {
        self.least = self.least.min(word);
        self.most = self.most.max(word);
    }

    /// The range of both.
    pub fn union(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }
}

/// How lines are put into inboxes.
#[derive(Debug, Clone, Copy)]
pub struct LineFormat {
    /// With a hash of their client, by which it is found.
    pub hashed: bool,
    /// As packed lines, if they fit.
    pub packed: bool,
}

/// A block of a batch: the batch's number, and rows.
pub type BlockRange = (usize, Range<usize>);

/// Cut batches into blocks.
pub fn blocks(lengths: impl Iterator<Item = usize>) -> Vec<BlockRange> {
    let mut blocks = Vec::new();
    for (batch, rows) in lengths.enumerate() {
        blocks
            .extend((0..rows).step_by(BLOCK).map(|start| (batch, start..rows.min(start + BLOCK))));
    }
    blocks
}

/// The byte buffers of several columns in one list, and where each column's begin.
pub fn gather_buffers<'a>(
    columns: impl Iterator<Item = &'a Column<'a, IdValues<'a>>>,
) -> (Vec<&'a [u8]>, Vec<u32>) {
    let (mut buffers, mut starts) = (Vec::new(), Vec::new());
    for column in columns {
        starts.push(buffers.len() as u32);
        if let IdValues::Texts(texts) = &column.values {
            buffers.extend_from_slice(&texts.buffers);
        }
    }
    (buffers, starts)
}

/// The number of the first buffer of each batch.
pub struct BufferStarts {
    pub clients: Vec<u32>,
    pub orders: Vec<u32>,
}

impl<C: ReadKey + ClientKey, O: ReadOrders, W: When> Worker<C, O, W> {
    pub fn new() -> Self {
        Self {
            block: LineBlock::new(),
            inboxes: (0..PARTITIONS).map(|_| Vec::new()).collect(),
            packed: Box::new(std::array::from_fn(|_| Vec::new())),
            order_bytes: Vec::new(),
            account: FactsAccount::default(),
            words: WordRange::EMPTY,
            plain_ids: true,
        }
    }

    /// A worker for ids of another kind, which goes on with the account of this one.
    pub fn for_other_ids<K: ReadKey + ClientKey>(self) -> Worker<K, O, W> {
        Worker { account: self.account, plain_ids: self.plain_ids, ..Worker::new() }
    }

    /// Read one block and put its lines into the inboxes.
    fn read(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        options: &ReadOptions,
        client_buffers: u32,
        order: &mut OrderReader,
        format: LineFormat,
    ) -> Result<()> {
        let (n, first_row) = (rows.len(), rows.start);
        self.block.read(batch, rows, options, client_buffers, order)?;
        self.account.rows_read += n as u64;
        let all_used = self.block.drops[..n].iter().fold(0, |any, &drop| any | drop) == USED;
        if all_used {
            self.account.see_days(&self.block.day[..n]);
            self.account.rows_used += n as u64;
            if format.packed && self.put_packed(n, batch, first_row + BLOCK) {
                return Ok(());
            }
        }
        let block = &self.block;
        if !all_used {
            if let (true, IdValues::Texts(texts)) =
                (options.plain_integer_ids, &batch.client.values)
            {
                let dropped = (0..n).filter(|&i| block.drops[i] != USED).map(|i| first_row + i);
                let mut present = dropped.filter(|&row| batch.client.has_id(row));
                self.plain_ids &= present.all(|row| plain_integer(texts.get(row)).is_some());
            }
            self.account.see_drops(&block.drops[..n], &block.day[..n], &block.amount[..n]);
        }
        self.put_lines(n, all_used, !batch.order.is_empty(), format);
        Ok(())
    }

    /// Put the first lines of the block, those that are used, into the inboxes.
    fn put_lines(&mut self, n: usize, all_used: bool, named: bool, format: LineFormat) {
        let block = &self.block;
        let mut words = self.words;
        for i in 0..n {
            if !all_used && block.drops[i] != USED {
                continue;
            }
            let (client, day, amount) = (block.client[i], block.day[i], block.amount[i]);
            let is_return = block.is_return[i];
            let (partition, hash) = if let Some(word) = C::word(client) {
                words.include(word);
                let partition = partition_of_word(word);
                if format.packed
                    && let Some(line) = PackedLine::new(word, day, amount, is_return)
                {
                    self.packed[partition].push(line);
                    continue;
                }
                (partition, if format.hashed { C::hash_row(client, &[]) } else { 0 })
            } else {
                (partition_of_hash(block.hash[i]), block.hash[i])
            };
            self.inboxes[partition].push(Line {
                client,
                order: block.order[i],
                amount,
                when: W::new(day, block.instant[i]),
                tag: tag_of(hash)
                    | (u32::from(!named || block.no_order[i]) * NO_ORDER)
                    | (u32::from(is_return) * IS_RETURN),
            });
        }
        self.words = words;
    }

    /// Put the first lines of the block, all of them used, into the inboxes of packed lines, if all
    /// of them fit.
    fn put_packed(&mut self, n: usize, batch: &Batch, next: usize) -> bool {
        let LineBlock { client, day, amount, is_return, hash: packed, .. } = &mut self.block;
        if !pack(&day[..n], &amount[..n], &is_return[..n], &mut packed[..n]) {
            return false;
        }
        let mut words = self.words;
        for (i, (&client, &rest)) in client[..n].iter().zip(packed.iter()).enumerate() {
            if i % 8 == 0 {
                batch.prefetch(next + i);
            }
            let Some(word) = C::word(client) else {
                return false; // a text, of which no line is packed
            };
            words.include(word);
            self.packed[partition_of_word(word)].push(PackedLine { word, rest });
        }
        self.words = words;
        true
    }

    /// Read a share of the blocks; each worker's encoded orders are a buffer of its number.
    pub fn read_share(
        &mut self,
        number: usize,
        share: &[BlockRange],
        batches: &[Batch],
        options: &ReadOptions,
        starts: &BufferStarts,
        format: LineFormat,
    ) -> Result<()> {
        // Room for an even spread and a quarter more: growing would copy lines and touch fresh memory.
        let lines: usize = share.iter().map(|(_, rows)| rows.len()).sum();
        let room = lines.div_ceil(PARTITIONS) * 5 / 4;
        if format.packed {
            self.packed.iter_mut().for_each(|inbox| inbox.reserve(room));
        } else {
            self.inboxes.iter_mut().for_each(|inbox| inbox.reserve(room));
        }
        let mut bytes = std::mem::take(&mut self.order_bytes);
        bytes.clear();
        let encoded = batches[0].order.len() > 1;
        let mut order = OrderReader { buffers: number as u32, bytes };
        let result = share.iter().try_for_each(|(batch, rows)| {
            stop_if_asked();
            if !encoded && !starts.orders.is_empty() {
                order.buffers = starts.orders[*batch];
            }
            self.read(
                &batches[*batch],
                rows.clone(),
                options,
                starts.clients[*batch],
                &mut order,
                format,
            )
        });
        self.order_bytes = order.bytes;
        result
    }
}
