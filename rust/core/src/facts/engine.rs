//! The pass over lines: workers read them, partitions take them in.

use super::account::FactsAccount;
use super::batch::Batch;
use super::drop_reason::USED;
use super::fact::Request;
use super::key::{Buffers, Key, Text};
use super::line::{Line, tag_of};
use super::orders::OrderSet;
use super::output::{FactsTable, IdOutput, OutputKey, OutputSpec};
use super::packed_line::PackedLine;
use super::partition::{ApplyLines, Finalized, Flush, Partition};
use super::read::{
    BLOCK, BufferStarts, LineFormat, ReadKey, ReadOptions, ReadOrders, Worker, blocks,
    gather_buffers,
};
use super::spec::AggregateSpec;
use super::states::StateBatch;
use super::store::StripeRange;
use super::store::partitioning::{PARTITIONS, partition_of_hash, partition_of_word};
use crate::columns::{Column, IdValues};
use crate::error::{Error, Result};
use crate::money::Unit;
use crate::stop::stop_if_asked;
use crate::threads::{Reused, for_each_chunk, map_each};

/// Partitions that one worker takes one after the other, with the same scratch memory, at least.
const FEWEST_PARTITIONS: usize = 4;
/// How often scratch memory is made for each worker while lines are applied.
const CHUNKS_A_WORKER: usize = 8;
/// Lines that wait in inboxes before the partitions take them, at least.
///
/// Each flush brings the clients of every partition into cache again, so lines wait until there are
/// half as many as clients; inboxes then take less memory than clients do.
const LINES_A_FLUSH: usize = if cfg!(test) { 40 } else { 2_000_000 };
/// Batches below this are not worth waking a second worker.
const LINES_A_WORKER: usize = 16 * BLOCK;

/// The pass over lines, whatever the kinds of its ids and dates.
pub(super) trait Engine: Send + Sync {
    fn push(
        &mut self,
        batches: &[Batch],
        options: &ReadOptions,
        spec: &AggregateSpec,
    ) -> Result<()>;
    /// Enter the clients of a column; gives the number of rows without one.
    fn add_clients(
        &mut self,
        columns: &[Column<IdValues>],
        options: &ReadOptions,
        spec: &AggregateSpec,
    ) -> Result<u64>;
    /// Take in what other passes know of clients.
    fn add_states(
        &mut self,
        states: &[StateBatch],
        options: &ReadOptions,
        spec: &AggregateSpec,
    ) -> Result<()>;
    /// The number of clients of the lines that no longer wait.
    fn clients(&self) -> usize;
    /// Go over from words of texts to texts; options are from now on those of `by_template`.
    fn into_texts(
        self: Box<Self>,
        options: &ReadOptions,
        spec: &AggregateSpec,
    ) -> Result<Box<dyn Engine>>;
    fn account(&self) -> FactsAccount;
    fn finish(self: Box<Self>, finish: Finish) -> Result<FactsTable>;
}

/// What finishing needs to know.
pub(super) struct Finish<'a> {
    pub spec: &'a AggregateSpec,
    pub options: &'a ReadOptions,
    pub requests: &'a [(Request, usize)],
    /// The unit that money is written in.
    pub unit: Unit,
    pub as_of: i32,
    pub returns_only: bool,
    pub base: bool,
    /// Whether other lines of the same clients are elsewhere.
    pub partial: bool,
    pub account: FactsAccount,
}

/// The engine of one combination of kinds.
pub(super) struct Aggregation<C: EngineKey, O: Key, W> {
    /// Workers at most.
    threads: usize,
    /// As many as there was work for so far.
    pub workers: Vec<Worker<C, O, W>>,
    pub partitions: Vec<Partition<C, O>>,
    /// Lines in the inboxes.
    pub waiting: usize,
    pub store_mode: StoreMode,
}

/// How the partitions keep clients.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StoreMode {
    /// By hash, until they turn out to fill a good part of a range.
    HashedSoFar,
    /// By hash, whatever comes.
    Hashed,
    /// By direct address, all of them within a range.
    Direct(StripeRange),
}

/// A kind of id that an engine is made for. What a kind does not say itself is that of texts: these are
/// always kept by hash, and their lines are never packed.
pub(super) trait EngineKey: ReadKey + OutputKey {
    /// Apply packed lines.
    fn apply_packed<O: Key, W: ApplyLines>(
        _: &mut Partition<Self, O>,
        _: &[PackedLine],
        _: &Flush,
        _: &mut Vec<Line<Self, O, W>>,
        _: &mut OrderSet<O>,
    ) {
    }
    /// Before lines are applied: choose how clients are kept.
    fn choose_store<O: ReadOrders, W: ApplyLines>(
        _: &mut Aggregation<Self, O, W>,
        _: &AggregateSpec,
    ) {
    }
    /// From now on keep clients by hash.
    fn store_hashed<O: ReadOrders, W: ApplyLines>(
        _: &mut Aggregation<Self, O, W>,
        _: &AggregateSpec,
    ) {
    }
}

impl EngineKey for Text {}

impl<C: EngineKey, O: ReadOrders, W: ApplyLines> Aggregation<C, O, W> {
    pub fn new(spec: &AggregateSpec, threads: usize) -> Self {
        Self {
            threads,
            workers: vec![Worker::new()],
            partitions: (0..PARTITIONS).map(|number| Partition::new(number, spec)).collect(),
            waiting: 0,
            store_mode: if C::IS_WORD && spec.is_plain() {
                StoreMode::HashedSoFar
            } else {
                StoreMode::Hashed
            },
        }
    }

    /// The number of clients so far.
    pub fn clients(&self) -> usize {
        self.partitions.iter().map(|partition| partition.clients.count()).sum()
    }

    /// Have workers read lines into inboxes.
    fn read(
        &mut self,
        batches: &[Batch],
        options: &ReadOptions,
        starts: &BufferStarts,
        format: LineFormat,
    ) -> Result<()> {
        let blocks = blocks(batches.iter().map(|batch| batch.rows));
        let lines: usize = batches.iter().map(|batch| batch.rows).sum();
        let active = lines.div_ceil(LINES_A_WORKER).clamp(1, self.threads);
        let missing = active.saturating_sub(self.workers.len());
        self.workers.extend((0..missing).map(|_| Worker::new()));
        let share = blocks.len().div_ceil(active).max(1);
        let results = map_each(&mut self.workers, |number, worker| {
            let from = (number * share).min(blocks.len());
            let share = &blocks[from..(from + share).min(blocks.len())];
            worker.read_share(number, share, batches, options, starts, format)
        });
        self.waiting += lines;
        // Shares follow each other, so the first error is that of the first wrong line.
        results.into_iter().collect()
    }

    /// Have the partitions take the lines that wait in all inboxes.
    fn flush(&mut self, flush: &Flush) -> Result<()> {
        C::choose_store(self, flush.spec);
        let workers = &self.workers;
        let together = PARTITIONS / (CHUNKS_A_WORKER * self.threads);
        let together = together.max(FEWEST_PARTITIONS);
        for_each_chunk(&mut self.partitions, together, |first, partitions| {
            let (mut set, mut unpacked) = (OrderSet::default(), Vec::new());
            for (number, partition) in (first..).zip(partitions) {
                stop_if_asked();
                for worker in workers {
                    let packed = &worker.packed[number];
                    C::apply_packed::<O, W>(partition, packed, flush, &mut unpacked, &mut set);
                    W::apply(partition, &worker.inboxes[number], flush, &mut set);
                }
            }
        });
        for worker in &mut self.workers {
            worker.inboxes.iter_mut().for_each(Vec::clear);
            worker.packed.iter_mut().for_each(Vec::clear);
        }
        self.waiting = 0;
        self.check()
    }

    /// Hand the clients of columns to their partitions, found by hash, each with the number of its
    /// column and its row; gives the number of rows without a client.
    fn each_client(
        &mut self,
        columns: &[&Column<IdValues>],
        options: &ReadOptions,
        spec: &AggregateSpec,
        mut with: impl FnMut(&mut Partition<C, O>, C::Row, u32, (usize, usize), &Flush),
    ) -> Result<u64> {
        let (buffers, starts) = gather_buffers(columns.iter().copied());
        C::store_hashed(self, spec);
        let flush = Flush { spec, client_buffers: &buffers, order_buffers: &[] };
        let mut missing = 0;
        let block = &mut self.workers[0].block;
        for (column, rows) in blocks(columns.iter().map(|column| column.values.rows())) {
            stop_if_asked();
            let (n, first) = (rows.len(), rows.start);
            block.read_clients(columns[column], rows, options.clients(starts[column]))?;
            for i in 0..n {
                if block.drops[i] != USED {
                    missing += 1;
                    continue;
                }
                let client = block.client[i];
                let (partition, hash) = match C::word(client) {
                    Some(word) => (partition_of_word(word), C::hash_row(client, &buffers)),
                    None => (partition_of_hash(block.hash[i]), block.hash[i]),
                };
                let partition = &mut self.partitions[partition];
                with(partition, client, tag_of(hash), (column, first + i), &flush);
            }
        }
        self.check()?;
        Ok(missing)
    }

    /// Whether the partitions could keep all that they were to keep.
    fn check(&self) -> Result<()> {
        self.partitions.iter().try_for_each(Partition::check)
    }
}

impl<C: EngineKey, O: ReadOrders, W: ApplyLines> Engine for Aggregation<C, O, W> {
    fn push(
        &mut self,
        batches: &[Batch],
        options: &ReadOptions,
        spec: &AggregateSpec,
    ) -> Result<()> {
        let Some(first) = batches.first() else {
            return Ok(());
        };
        let (client_buffers, clients) = gather_buffers(batches.iter().map(|batch| &batch.client));
        let (order_columns, orders) =
            gather_buffers(batches.iter().filter_map(|batch| batch.order.first()));
        let format = LineFormat {
            hashed: !matches!(self.store_mode, StoreMode::Direct(_)),
            packed: C::IS_WORD && spec.is_plain() && !spec.orders,
        };
        self.read(batches, options, &BufferStarts { clients, orders }, format)?;
        let clients = self.clients();
        if C::WHOLE && O::WHOLE && self.waiting < LINES_A_FLUSH.max(clients / 2) {
            return Ok(());
        }
        let bytes: Vec<Vec<u8>> =
            self.workers.iter_mut().map(|worker| std::mem::take(&mut worker.order_bytes)).collect();
        let encoded: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        let order_buffers: &Buffers = if first.order.len() > 1 { &encoded } else { &order_columns };
        self.flush(&Flush { spec, client_buffers: &client_buffers, order_buffers })?;
        for (worker, bytes) in self.workers.iter_mut().zip(bytes) {
            worker.order_bytes = bytes; // to be reused
        }
        Ok(())
    }

    fn add_clients(
        &mut self,
        columns: &[Column<IdValues>],
        options: &ReadOptions,
        spec: &AggregateSpec,
    ) -> Result<u64> {
        // The clients of the base are told apart from others by their slots.
        let columns: Vec<&Column<IdValues>> = columns.iter().collect();
        self.each_client(&columns, options, spec, |partition, client, tag, _, flush| {
            partition.add_base_client(client, tag, flush);
        })
    }

    fn add_states(
        &mut self,
        states: &[StateBatch],
        options: &ReadOptions,
        spec: &AggregateSpec,
    ) -> Result<()> {
        let columns: Vec<&Column<IdValues>> = states.iter().map(|batch| &batch.client).collect();
        let missing = self.each_client(
            &columns,
            options,
            spec,
            |partition, client, tag, (batch, row), flush| {
                partition.add_states(client, tag, &states[batch].scopes, row, flush);
            },
        )?;
        if missing > 0 {
            return Err(Error::Data(
                "a state is that of no client: make the states again".to_owned(),
            ));
        }
        Ok(())
    }

    fn clients(&self) -> usize {
        self.clients()
    }

    fn into_texts(
        mut self: Box<Self>,
        options: &ReadOptions,
        spec: &AggregateSpec,
    ) -> Result<Box<dyn Engine>> {
        self.flush(&Flush { spec, client_buffers: &[], order_buffers: &[] })?;
        let decoder = options.templates.decoder();
        let in_texts = |_, partition: Partition<C, O>| {
            partition.with_clients(|clients| C::into_texts(clients, &decoder), spec)
        };
        let texts = Aggregation::<Text, O, W> {
            threads: self.threads,
            partitions: map_each(self.partitions, in_texts),
            workers: self.workers.into_iter().map(Worker::for_other_ids).collect(),
            waiting: 0,
            store_mode: StoreMode::Hashed,
        };
        texts.check()?;
        Ok(Box::new(texts))
    }

    fn account(&self) -> FactsAccount {
        self.workers.iter().fold(FactsAccount::default(), |sum, worker| sum + &worker.account)
    }

    fn finish(mut self: Box<Self>, finish: Finish) -> Result<FactsTable> {
        let Finish { spec, options, requests, mut account, base, .. } = finish;
        self.flush(&Flush { spec, client_buffers: &[], order_buffers: &[] })?;
        let plain_ids = self.workers.iter().all(|worker| worker.plain_ids);
        drop(self.workers); // their inboxes are the largest buffers of the run
        let (mut stores, mut scopes) = (Vec::new(), Vec::new());
        let sets = Reused::default();
        let found = map_each(self.partitions, |_, partition| {
            sets.with(|set| partition.finalize(spec, base, set))
        });
        for found in found {
            let Finalized { clients, scopes: of_partition, account: part } = found?;
            account = account + &part;
            stores.push(clients);
            scopes.push(of_partition);
        }
        let output = OutputSpec {
            aggregates: spec,
            requests,
            unit: finish.unit,
            as_of: finish.as_of,
            base,
            returns_only: finish.returns_only,
            partial: finish.partial,
        };
        let ids = IdOutput {
            words: options.words,
            templates: &options.templates,
            plain_integers: plain_ids && options.plain_integer_ids,
        };
        let columns = C::rows(stores, scopes, &output, ids)?;
        Ok(FactsTable { ids: columns.ids, status: columns.status, facts: columns.facts, account })
    }
}
