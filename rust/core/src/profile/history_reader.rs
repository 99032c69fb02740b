//! One thread of reading: rows, written where they will stay.

use std::ops::Range;

use super::history_chunk::HistoryChunk;
use super::history_row::{HistoryRow, Marks};
use super::order_keys::{OrderKeys, OrderReader, has_order};
use crate::bitmap::Bitmap;
use crate::clients::{
    BLOCK, IdType, MAX_ROWS, PARTITIONS, blocks, partition_of, read_integer_words,
};
use crate::columns::{Column, IdValues, Texts, mixed_ids};
use crate::dictionary::{MISSING, SharedDictionary, ViewCache};
use crate::error::{Error, Result};

/// Equally long columns of lines of sales that are purchases, each with a client.
#[derive(Debug, Clone)]
pub struct PurchaseBatch<'a> {
    /// Whose they are.
    pub client: Column<'a, IdValues<'a>>,
    /// When, in microseconds since 1970-01-01.
    pub instant: &'a [i64],
    /// The columns of the order's id, if any; a line that lacks one is an order of its own.
    pub order: Vec<Column<'a, IdValues<'a>>>,
    /// What was bought.
    pub category: Option<Column<'a, Texts<'a>>>,
    /// Where.
    pub channel: Option<Column<'a, Texts<'a>>>,
    /// Whether on promotion; a missing value is no.
    pub promo: Option<Column<'a, Bitmap<'a>>>,
}

/// Equally long columns of events, each with a client. On each axis an event may count as a hit (true)
/// or as none (false), or not at all (missing).
#[derive(Debug, Clone)]
pub struct SidedEventBatch<'a> {
    /// Whose they are.
    pub client: Column<'a, IdValues<'a>>,
    /// When, in microseconds since 1970-01-01.
    pub instant: &'a [i64],
    /// On the axis from passive to active.
    pub active: Column<'a, Bitmap<'a>>,
    /// On the axis from instrumental to relational.
    pub relational: Column<'a, Bitmap<'a>>,
}

/// What turns columns into rows.
#[derive(Debug)]
pub(super) struct ReadContext {
    /// Those of the first batch.
    pub client_ids: IdType,
    /// None before the first batch of sales.
    pub order_keys: Option<OrderKeys>,
    pub clients: SharedDictionary,
    pub orders: SharedDictionary,
    pub categories: SharedDictionary,
    pub channels: SharedDictionary,
}

impl ReadContext {
    /// For clients like the first ones.
    pub fn new(first: &Column<IdValues>) -> Self {
        Self {
            client_ids: IdType::of(&first.values),
            order_keys: None,
            clients: SharedDictionary::new("client", u32::MAX),
            orders: SharedDictionary::new("order", u32::MAX),
            categories: SharedDictionary::new("category", u32::MAX),
            channels: SharedDictionary::new("channel", Marks::MAX_CHANNELS),
        }
    }
}

/// A batch of rows of either kind.
pub(super) trait HistoryBatch: Sync {
    fn client(&self) -> &Column<'_, IdValues<'_>>;
    fn instants(&self) -> &[i64];
    /// Whether rows have orders.
    fn has_orders(&self) -> bool;
    /// Read what the rows of a block are beside their clients and instants.
    fn read_rest(
        &self,
        block: &mut HistoryBlock,
        rows: Range<usize>,
        context: &ReadContext,
    ) -> Result<()>;
}

impl HistoryBatch for PurchaseBatch<'_> {
    fn client(&self) -> &Column<'_, IdValues<'_>> {
        &self.client
    }

    fn instants(&self) -> &[i64] {
        self.instant
    }

    fn has_orders(&self) -> bool {
        !self.order.is_empty()
    }

    fn read_rest(
        &self,
        block: &mut HistoryBlock,
        rows: Range<usize>,
        context: &ReadContext,
    ) -> Result<()> {
        let HistoryBlock { category, channel, marks, orders, caches, .. } = block;
        let [category_cache, channel_cache] = caches;
        encode(
            self.category.as_ref(),
            rows.clone(),
            &context.categories,
            category_cache,
            category,
        )?;
        encode(self.channel.as_ref(), rows.clone(), &context.channels, channel_cache, channel)?;
        orders.read(
            &self.order,
            rows.clone(),
            context.order_keys.unwrap_or(OrderKeys::None),
            &context.orders,
        )?;
        for ((marks, &channel), row) in marks.iter_mut().zip(&*channel).zip(rows) {
            let promo = self.promo.as_ref().is_some_and(|promo| side_of(promo, row) == Some(true));
            *marks = Marks::of_line(channel, promo, has_order(&self.order, row));
        }
        Ok(())
    }
}

impl HistoryBatch for SidedEventBatch<'_> {
    fn client(&self) -> &Column<'_, IdValues<'_>> {
        &self.client
    }

    fn instants(&self) -> &[i64] {
        self.instant
    }

    fn has_orders(&self) -> bool {
        false
    }

    fn read_rest(
        &self,
        block: &mut HistoryBlock,
        rows: Range<usize>,
        _: &ReadContext,
    ) -> Result<()> {
        block.category[..rows.len()].fill(MISSING);
        for (marks, row) in block.marks.iter_mut().zip(rows) {
            *marks = Marks::of_event([side_of(&self.active, row), side_of(&self.relational, row)]);
        }
        Ok(())
    }
}

/// A value that may be missing.
fn side_of(column: &Column<Bitmap>, row: usize) -> Option<bool> {
    column.is_valid(row).then(|| column.values.get(row))
}

/// Write the codes of a column of labels, those of no label where there is no column.
fn encode(
    column: Option<&Column<Texts>>,
    rows: Range<usize>,
    dictionary: &SharedDictionary,
    cache: &mut ViewCache,
    out: &mut [u32],
) -> Result<()> {
    let out = &mut out[..rows.len()];
    let Some(column) = column else {
        out.fill(MISSING);
        return Ok(());
    };
    let text = |i: usize| column.values.get(rows.start + i);
    let is_valid = |i: usize| column.is_valid(rows.start + i);
    let views = &column.values.views[rows.clone()];
    dictionary.encode_views(views, is_valid, text, cache, out)
}

/// The arrays of one block, reused from block to block.
#[derive(Debug)]
pub(super) struct HistoryBlock {
    category: Vec<u32>,
    channel: Vec<u32>,
    marks: Vec<Marks>,
    orders: OrderReader,
    /// Of categories and channels.
    caches: [ViewCache; 2],
    wide: Vec<i64>,
    codes: Vec<u32>,
}

/// What one thread has read.
#[derive(Debug)]
pub(super) struct HistoryReader {
    pub chunks: Vec<HistoryChunk>,
    block: HistoryBlock,
    /// The clients of the chunk at hand.
    clients: Vec<u64>,
}

impl HistoryReader {
    pub fn new() -> Self {
        Self {
            chunks: Vec::new(),
            block: HistoryBlock {
                category: vec![MISSING; BLOCK],
                channel: vec![MISSING; BLOCK],
                marks: vec![Marks::default(); BLOCK],
                orders: OrderReader::default(),
                caches: std::array::from_fn(|_| ViewCache::new()),
                wide: vec![0; BLOCK],
                codes: vec![MISSING; BLOCK],
            },
            clients: vec![0; MAX_ROWS],
        }
    }

    /// Begin another batch.
    pub fn begin(&mut self) {
        self.block.caches.iter_mut().for_each(ViewCache::clear);
    }

    /// Read rows of a batch, at most a chunk.
    ///
    /// Clients are read first, and counted by partition, so that each row can be written where it will
    /// stay.
    pub fn read(
        &mut self,
        batch: &impl HistoryBatch,
        rows: Range<usize>,
        context: &ReadContext,
    ) -> Result<()> {
        let Self { chunks, block, clients } = self;
        let mut counts = [0; PARTITIONS];
        for rows_of_block in blocks(&rows) {
            let own = &mut clients[rows_of_block.start - rows.start..][..rows_of_block.len()];
            read_clients(batch.client(), rows_of_block, context, block, own)?;
            own.iter().for_each(|&client| counts[partition_of(client)] += 1);
        }
        let has_orders = batch.has_orders();
        let mut chunk = HistoryChunk::new(&counts, has_orders);
        for rows_of_block in blocks(&rows) {
            batch.read_rest(block, rows_of_block.clone(), context)?;
            let own = &clients[rows_of_block.start - rows.start..][..rows_of_block.len()];
            let instants = &batch.instants()[rows_of_block];
            for (i, (&client, &instant)) in own.iter().zip(instants).enumerate() {
                let (category, marks) = (block.category[i], block.marks[i]);
                let row = HistoryRow { client, instant, category, marks };
                let order = has_orders.then(|| block.orders.words[i]);
                chunk.push(partition_of(client), row, order);
            }
        }
        chunks.push(chunk);
        Ok(())
    }
}

/// Read the clients of a block as words.
fn read_clients(
    column: &Column<IdValues>,
    rows: Range<usize>,
    context: &ReadContext,
    block: &mut HistoryBlock,
    out: &mut [u64],
) -> Result<()> {
    if column.validity.is_some() {
        return Err(Error::Column(
            "a row has no client: leave out the rows without one".to_owned(),
        ));
    }
    if context.client_ids != IdType::Text {
        let wide = &mut block.wide[..rows.len()];
        return read_integer_words(column, rows, context.client_ids, "client", |_| true, wide, out);
    }
    let IdValues::Texts(texts) = &column.values else {
        return Err(mixed_ids());
    };
    let codes = &mut block.codes[..rows.len()];
    context.clients.encode(|i| Some(texts.get(rows.start + i)), codes)?;
    for (client, &code) in out.iter_mut().zip(&*codes) {
        *client = code.into();
    }
    Ok(())
}
