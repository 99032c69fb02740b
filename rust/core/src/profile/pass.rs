//! The pass as its users see it: rows in, counts out.

use super::history_chunk::{HistoryChunk, HistorySlice};
use super::history_reader::{
    HistoryBatch, HistoryReader, PurchaseBatch, ReadContext, SidedEventBatch,
};
use super::order_keys::OrderKeys;
use super::output::{ProfileColumns, profile_columns};
use super::partition_counter::{CountedPartition, PartitionCounter};
use super::purchase_order::Labels;
use crate::clients::{PARTITIONS, read_chunks, sorted_ids};
use crate::columns::{Column, IdValues};
use crate::dictionary::TextDictionary;
use crate::error::Result;
use crate::threads::{Reused, map_each, on_threads, sort_unstable_by};

/// How a pass is run.
#[derive(Debug, Clone, Default)]
pub struct ProfileOptions {
    /// Whether text ids become integers where every one is the plain form of one.
    pub plain_integer_ids: bool,
    /// The number of threads; all cores by default.
    pub threads: Option<usize>,
}

/// A pass over purchases and events in progress.
pub struct ProfilePass {
    options: ProfileOptions,
    /// From the first batch on.
    active: Option<(ReadContext, Vec<HistoryReader>)>,
}

impl std::fmt::Debug for ProfilePass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProfilePass").field("options", &self.options).finish_non_exhaustive()
    }
}

impl ProfilePass {
    /// Prepare a pass.
    pub fn new(options: ProfileOptions) -> Self {
        Self { options, active: None }
    }

    /// Read batches of purchases.
    ///
    /// # Errors
    /// If a type or a value cannot be used; the pass must then be abandoned.
    pub fn push_purchases(&mut self, batches: &[PurchaseBatch]) -> Result<()> {
        let keys = batches.first().map(|batch| OrderKeys::of(&batch.order));
        self.push(batches, keys)
    }

    /// Read batches of events.
    ///
    /// # Errors
    /// As [`Self::push_purchases`].
    pub fn push_events(&mut self, batches: &[SidedEventBatch]) -> Result<()> {
        self.push(batches, None)
    }

    fn push<B: HistoryBatch>(&mut self, batches: &[B], keys: Option<OrderKeys>) -> Result<()> {
        let Some(first) = batches.first() else {
            return Ok(());
        };
        let Self { options, active } = self;
        on_threads(options.threads, || {
            let (context, readers) = active.get_or_insert_with(|| {
                let readers = (0..rayon::current_num_threads()).map(|_| HistoryReader::new());
                (ReadContext::new(first.client()), readers.collect())
            });
            context.order_keys = context.order_keys.or(keys);
            for batch in batches {
                readers.iter_mut().for_each(HistoryReader::begin);
                read_chunks(batch.instants().len(), readers, |reader, rows| {
                    reader.read(batch, rows, context)
                })?;
            }
            Ok(())
        })
    }

    /// End the pass.
    ///
    /// # Errors
    /// If threads cannot be started.
    pub fn finish(self) -> Result<ProfileColumns> {
        let Self { options, active } = self;
        on_threads(options.threads, || {
            let none = Column { values: IdValues::Floats(&[]), validity: None };
            let (context, readers) =
                active.unwrap_or_else(|| (ReadContext::new(&none), Vec::new()));
            Ok(finish(&context, readers, options.plain_integer_ids))
        })
    }
}

fn finish(
    context: &ReadContext,
    readers: Vec<HistoryReader>,
    plain_integer_ids: bool,
) -> ProfileColumns {
    let chunks: Vec<HistoryChunk> = readers.into_iter().flat_map(|reader| reader.chunks).collect();
    let (categories, channels) = (context.categories.read(), context.channels.read());
    let labels = Labels {
        categories: &ranks(&categories),
        channels: &ranks(&channels),
        order_keys: context.order_keys.unwrap_or(OrderKeys::None),
        order_texts: &context.orders.read(),
    };
    let counters: Reused<Option<PartitionCounter>> = Reused::default();
    let parts: Vec<CountedPartition> = map_each(0..PARTITIONS, |_, partition| {
        let slices: Vec<HistorySlice> = chunks.iter().map(|chunk| chunk.slice(partition)).collect();
        counters.with(|counter| {
            counter.get_or_insert_with(|| PartitionCounter::new(labels)).count(&slices, labels)
        })
    });
    drop((chunks, counters)); // the largest arrays of the run
    let clients: Vec<&[u64]> = parts.iter().map(|part| part.clients.as_slice()).collect();
    let (ids, locations) =
        sorted_ids(&clients, context.client_ids, &context.clients.read(), plain_integer_ids);
    profile_columns(&parts, ids, &locations)
}

/// By the code of a label, its place in the alphabet from 1; that of no label is 0.
fn ranks(labels: &TextDictionary) -> Vec<u32> {
    let mut codes: Vec<u32> = (0..labels.codes() as u32).collect();
    sort_unstable_by(&mut codes, |&a, &b| labels.get(a).cmp(&labels.get(b)));
    let mut ranks = vec![0; codes.len()];
    for (rank, code) in (0..).zip(codes) {
        ranks[code as usize] = rank;
    }
    ranks
}
