//! Workers, inboxes and partitions.

use std::ops::Range;

use rayon::prelude::*;

use super::Request;
use super::batch::{Batch, Column, IdValues};
use super::builder::{Account, Outcome};
use super::keys::Buffers;
use super::normalise::{MORSEL, Morsel, OrderReader, ReadKey, Rules, USED};
use super::order_log::Table;
use super::output::{Asked, IdOutput, SortKey, plain_integer};
use super::partition::{IS_RETURN, Line, NO_ORDER, Partition, Plan, Settled, When, tag_of};
use crate::error::Result;

/// Partitions of the clients: their tables stay in cache up to some tens of millions of clients.
const PARTITIONS: usize = 128;
/// The partition of a hash stands in its highest bits; tables use the lowest.
const PARTITION_SHIFT: u32 = 64 - PARTITIONS.trailing_zeros();
/// Partitions that one worker takes one after the other, with the same scratch memory.
const FEWEST_PARTITIONS: usize = 4;
/// Lines that wait in inboxes before the partitions take them, at least.
///
/// Each visit to a partition brings its clients into cache again, so lines wait until there are half as
/// many as clients; inboxes then take less memory than clients do.
const LINES_A_VISIT: usize = 2_000_000;
/// Batches below this are not worth waking a second worker.
const LINES_A_WORKER: usize = 16 * MORSEL;

/// The pass over lines, whatever the kinds of its ids and dates.
pub(super) trait Engine: Send + Sync {
    fn push(&mut self, batches: &[Batch], rules: &Rules, plan: &Plan) -> Result<()>;
    /// Enter the clients of a column; gives the number of rows without one.
    fn add_clients(
        &mut self,
        columns: &[Column<IdValues>],
        rules: &Rules,
        plan: &Plan,
    ) -> Result<u64>;
    fn account(&self) -> Account;
    fn finish(self: Box<Self>, finish: Finish) -> Outcome;
}

/// What finishing needs to know.
pub(super) struct Finish<'a> {
    pub plan: &'a Plan,
    pub rules: &'a Rules,
    pub requests: &'a [(Request, usize)],
    pub as_of: i32,
    pub returns_only: bool,
    pub base: bool,
    pub account: Account,
}

/// One worker: the arrays it reads into, its inboxes, and its part of the account.
struct Worker<C: ReadKey, O: ReadKey, W> {
    morsel: Morsel<C, O>,
    inboxes: Vec<Vec<Line<C, O, W>>>,
    order_bytes: Vec<u8>,
    account: Account,
    /// Whether the text ids of all lines dropped so far are plain integers.
    plain_ids: bool,
}

/// The engine of one combination of kinds.
pub(super) struct Pass<C: ReadKey, O: ReadKey, W> {
    workers: Vec<Worker<C, O, W>>,
    partitions: Vec<Partition<C, O>>,
    /// Lines in the inboxes.
    waiting: usize,
}

impl<C: ReadKey + SortKey, O: ReadKey, W: When> Pass<C, O, W> {
    pub fn new(plan: &Plan, threads: usize) -> Self {
        let worker = |_| Worker {
            morsel: Morsel::new(),
            inboxes: (0..PARTITIONS).map(|_| Vec::new()).collect(),
            order_bytes: Vec::new(),
            account: Account::default(),
            plain_ids: true,
        };
        Self {
            workers: (0..threads).map(worker).collect(),
            partitions: (0..PARTITIONS).map(|_| Partition::new(plan)).collect(),
            waiting: 0,
        }
    }

    /// Have the partitions take the lines that wait in all inboxes.
    fn visit(&mut self, plan: &Plan, client_buffers: &Buffers, order_buffers: &Buffers) {
        let workers = &self.workers;
        let cores_only = plan.is_plain();
        let partitions = self.partitions.par_iter_mut().with_min_len(FEWEST_PARTITIONS).enumerate();
        partitions.for_each_init(Table::default, |table, (number, partition)| {
            for worker in workers {
                let lines = &worker.inboxes[number];
                let apply = match (cores_only, plan.orders) {
                    (true, false) => Partition::apply_plain::<W, false>,
                    (true, true) => Partition::apply_plain::<W, true>,
                    (false, _) => Partition::apply::<W>,
                };
                apply(partition, lines, plan, client_buffers, order_buffers, table);
            }
        });
        let inboxes = self.workers.iter_mut().flat_map(|worker| &mut worker.inboxes);
        inboxes.for_each(Vec::clear);
        self.waiting = 0;
    }
}

/// A morsel of a batch, by number and rows.
type Piece = (usize, Range<usize>);

/// Cut batches into morsels.
fn pieces(lengths: impl Iterator<Item = usize>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (batch, rows) in lengths.enumerate() {
        pieces.extend(
            (0..rows).step_by(MORSEL).map(|start| (batch, start..rows.min(start + MORSEL))),
        );
    }
    pieces
}

/// The byte buffers of several columns in one list, and where each column's begin.
fn gather_buffers<'a>(
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

impl<C: ReadKey, O: ReadKey, W: When> Worker<C, O, W> {
    /// Read one morsel and put its lines into the inboxes.
    fn read(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        rules: &Rules,
        client_buffers: u32,
        order: &mut OrderReader,
    ) -> Result<()> {
        let (n, first_row) = (rows.len(), rows.start);
        self.morsel.read(batch, rows, rules, client_buffers, order)?;
        self.account.rows_read += n as u64;
        let morsel = &self.morsel;
        let all_used = morsel.fate[..n].iter().fold(0, |any, &fate| any | fate) == USED;
        if all_used {
            self.account.see_days(&morsel.day[..n]);
            self.account.rows_used += n as u64;
        } else {
            if let (true, IdValues::Texts(texts)) = (rules.plain_integer_ids, &batch.client.values)
            {
                let dropped = (0..n).filter(|&i| morsel.fate[i] != USED).map(|i| first_row + i);
                let mut present = dropped.filter(|&row| batch.client.is_valid(row));
                self.plain_ids &= present.all(|row| plain_integer(texts.get(row)).is_some());
            }
            self.account.see_fates(&morsel.fate[..n], &morsel.day[..n], &morsel.amount[..n]);
        }
        let numbered = !batch.order.is_empty();
        for i in 0..n {
            if !all_used && morsel.fate[i] != USED {
                continue;
            }
            let hash = morsel.hash[i];
            let inbox = &mut self.inboxes[(hash >> PARTITION_SHIFT) as usize];
            inbox.push(Line {
                client: morsel.client[i],
                order: morsel.order[i],
                amount: morsel.amount[i],
                when: W::new(morsel.day[i], morsel.instant[i]),
                tag: tag_of(hash)
                    | (u32::from(!numbered || morsel.no_order[i]) * NO_ORDER)
                    | (u32::from(morsel.is_return[i]) * IS_RETURN),
            });
        }
        Ok(())
    }

    /// Read a share of the morsels; each worker's encoded orders are a buffer of its number.
    fn read_share(
        &mut self,
        number: usize,
        share: &[Piece],
        batches: &[Batch],
        rules: &Rules,
        starts: &Starts,
    ) -> Result<()> {
        // Room for an even spread and a quarter more: growing would copy lines and touch fresh memory.
        let lines: usize = share.iter().map(|(_, rows)| rows.len()).sum();
        for inbox in &mut self.inboxes {
            inbox.reserve(lines.div_ceil(PARTITIONS) * 5 / 4);
        }
        let mut bytes = std::mem::take(&mut self.order_bytes);
        bytes.clear();
        let encoded = batches[0].order.len() > 1;
        let mut order = OrderReader { encoded, buffers: number as u32, bytes };
        let result = share.iter().try_for_each(|(batch, rows)| {
            if !encoded && !starts.orders.is_empty() {
                order.buffers = starts.orders[*batch];
            }
            self.read(&batches[*batch], rows.clone(), rules, starts.clients[*batch], &mut order)
        });
        self.order_bytes = order.bytes;
        result
    }
}

/// Where the buffers of each batch begin.
struct Starts {
    clients: Vec<u32>,
    orders: Vec<u32>,
}

impl<C: ReadKey + SortKey, O: ReadKey, W: When> Engine for Pass<C, O, W> {
    fn push(&mut self, batches: &[Batch], rules: &Rules, plan: &Plan) -> Result<()> {
        let Some(first) = batches.first() else {
            return Ok(());
        };
        let (client_buffers, clients) = gather_buffers(batches.iter().map(|batch| &batch.client));
        let (order_columns, orders) =
            gather_buffers(batches.iter().filter_map(|batch| batch.order.first()));
        let starts = Starts { clients, orders };
        let pieces = pieces(batches.iter().map(|batch| batch.rows));
        let lines: usize = batches.iter().map(|batch| batch.rows).sum();
        let active = lines.div_ceil(LINES_A_WORKER).clamp(1, self.workers.len());
        let share = pieces.len().div_ceil(active).max(1);
        let results: Vec<Result<()>> = self
            .workers
            .par_iter_mut()
            .enumerate()
            .map(|(number, worker)| {
                let from = (number * share).min(pieces.len());
                let share = &pieces[from..(from + share).min(pieces.len())];
                worker.read_share(number, share, batches, rules, &starts)
            })
            .collect();
        // Shares follow each other, so the first error is that of the first wrong line.
        results.into_iter().collect::<Result<()>>()?;
        self.waiting += lines;
        let clients: usize = self.partitions.iter().map(|partition| partition.clients.len()).sum();
        if C::WHOLE && O::WHOLE && self.waiting < LINES_A_VISIT.max(clients / 2) {
            return Ok(());
        }
        let bytes: Vec<Vec<u8>> =
            self.workers.iter_mut().map(|worker| std::mem::take(&mut worker.order_bytes)).collect();
        let encoded: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        let order_buffers: &Buffers = if first.order.len() > 1 { &encoded } else { &order_columns };
        self.visit(plan, &client_buffers, order_buffers);
        for (worker, bytes) in self.workers.iter_mut().zip(bytes) {
            worker.order_bytes = bytes; // to be reused
        }
        Ok(())
    }

    fn add_clients(
        &mut self,
        columns: &[Column<IdValues>],
        rules: &Rules,
        plan: &Plan,
    ) -> Result<u64> {
        let (buffers, starts) = gather_buffers(columns.iter());
        let mut missing = 0;
        let morsel = &mut self.workers[0].morsel;
        for (column, rows) in pieces(columns.iter().map(|column| column.values.rows())) {
            let n = rows.len();
            morsel.read_clients(&columns[column], rows, rules.clients(starts[column]))?;
            for i in 0..n {
                if morsel.fate[i] == USED {
                    let hash = morsel.hash[i];
                    let partition = &mut self.partitions[(hash >> PARTITION_SHIFT) as usize];
                    let client = partition.client(morsel.client[i], tag_of(hash), plan, &buffers);
                    partition.mark_in_base(client);
                } else {
                    missing += 1;
                }
            }
        }
        Ok(missing)
    }

    fn account(&self) -> Account {
        self.workers.iter().fold(Account::default(), |sum, worker| sum + &worker.account)
    }

    fn finish(mut self: Box<Self>, finish: Finish) -> Outcome {
        self.visit(finish.plan, &[], &[]);
        let plain_ids = self.workers.iter().all(|worker| worker.plain_ids);
        self.workers.clear(); // their inboxes are the largest buffers of the run
        let (settled, accounts): (Vec<Settled>, Vec<Account>) = self
            .partitions
            .par_iter_mut()
            .with_min_len(FEWEST_PARTITIONS)
            .map_init(Table::default, |table, partition| {
                let settled = partition.settle(finish.plan, table);
                let account = Account::of_partition(partition, &settled, finish.base);
                (settled, account)
            })
            .unzip();
        let account = accounts.iter().fold(finish.account, |sum, part| sum + part);
        let asked = Asked {
            settled: &settled,
            plan: finish.plan,
            requests: finish.requests,
            unit: finish.rules.unit,
            as_of: finish.as_of,
            base: finish.base,
            returns_only: finish.returns_only,
        };
        let output = IdOutput {
            signedness: finish.rules.signedness,
            shapes: &finish.rules.shapes,
            plain_integers: plain_ids && finish.rules.plain_integer_ids,
        };
        let (ids, status, facts) = C::columns(&mut self.partitions, &asked, output);
        Outcome { ids, status, facts, account }
    }
}
