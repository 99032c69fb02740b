//! Workers, inboxes and partitions.

use std::ops::Range;

use rayon::prelude::*;

use super::Request;
use super::batch::{Batch, Column, IdValues};
use super::builder::{Account, Outcome};
use super::keys::Buffers;
use super::near::{Reach, holds_days};
use super::normalise::{MORSEL, Morsel, OrderReader, ReadKey, Rules, USED};
use super::order_log::Table;
use super::output::{Asked, IdOutput, SortKey, plain_integer};
use super::partition::{IS_RETURN, Line, NO_ORDER, Partition, Plan, Settled, When, tag_of};
use super::short::{ShortLine, pack};
use super::spread::{PARTITIONS, partition_of_number};
use crate::error::Result;

/// Partitions that one worker takes one after the other, with the same scratch memory.
const FEWEST_PARTITIONS: usize = 4;
/// Lines that wait in inboxes before the partitions take them, at least.
///
/// Each visit to a partition brings its clients into cache again, so lines wait until there are half as
/// many as clients; inboxes then take less memory than clients do.
const LINES_A_VISIT: usize = if cfg!(test) { 40 } else { 2_000_000 };
/// Clients are kept by the numbers that they are once one in so many of these is a client, and for
/// as long as one in twice as many is.
const NUMBERS_A_CLIENT: u128 = if cfg!(test) { 8192 } else { 8 };
/// So many numbers take little memory (2 MB), whoever has them.
const FEW_NUMBERS: u128 = 1 << 17;
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
    /// The same for lines that are short.
    short: Box<[Vec<ShortLine>; PARTITIONS]>,
    order_bytes: Vec<u8>,
    account: Account,
    /// The least and the most of the numbers of clients read.
    numbers: (u64, u64),
    /// Whether the text ids of all lines dropped so far are plain integers.
    plain_ids: bool,
}

/// The engine of one combination of kinds.
pub(super) struct Pass<C: ReadKey, O: ReadKey, W> {
    workers: Vec<Worker<C, O, W>>,
    partitions: Vec<Partition<C, O>>,
    /// Lines in the inboxes.
    waiting: usize,
    /// How clients are kept.
    kept: Kept,
}

/// How the partitions keep clients.
#[derive(Debug, PartialEq, Eq)]
enum Kept {
    /// By hash, until they turn out to be numbers that lie near each other; if `hopeful`, lines that
    /// wait are taken for new clients: all of the first, then every other.
    ByHash { hopeful: bool },
    /// By hash, whatever comes.
    ByHashForGood,
    /// By the numbers that they are, all of them within reach.
    Near(Reach),
}

/// How lines travel.
#[derive(Debug, Clone, Copy)]
struct Travel {
    /// Without a hash, as clients are kept by their numbers.
    near: bool,
    /// As short lines, if they fit.
    short: bool,
}

/// The numbers of no client.
const NO_NUMBERS: (u64, u64) = (u64::MAX, 0);

impl<C: ReadKey + SortKey, O: ReadKey, W: When> Pass<C, O, W> {
    pub fn new(plan: &Plan, threads: usize) -> Self {
        let worker = |_| Worker {
            morsel: Morsel::new(),
            inboxes: (0..PARTITIONS).map(|_| Vec::new()).collect(),
            short: Box::new(std::array::from_fn(|_| Vec::new())),
            order_bytes: Vec::new(),
            account: Account::default(),
            numbers: NO_NUMBERS,
            plain_ids: true,
        };
        Self {
            workers: (0..threads).map(worker).collect(),
            partitions: (0..PARTITIONS).map(|_| Partition::new(plan)).collect(),
            waiting: 0,
            kept: if C::IS_NUMBER && plan.is_plain() {
                Kept::ByHash { hopeful: true }
            } else {
                Kept::ByHashForGood
            },
        }
    }

    /// Before a visit: choose how clients are kept, those of the lines that wait among them.
    ///
    /// How many new clients they bring is a guess, which [`Self::draw_back`] looks into.
    fn reach_out(&mut self, plan: &Plan) {
        let numbers = self.workers.iter().map(|worker| worker.numbers);
        let (least, most) = numbers.fold(NO_NUMBERS, |a, b| (a.0.min(b.0), a.1.max(b.1)));
        if self.kept == Kept::ByHashForGood || least > most {
            return;
        }
        if !self.holds_days() {
            return self.keep_by_hash(plan);
        }
        let reach = Reach::of(least, most);
        let known = self.clients();
        let clients = match self.kept {
            Kept::ByHash { hopeful: false } => known,
            _ if known == 0 => self.waiting,
            _ => known + self.waiting / 2,
        };
        match &self.kept {
            Kept::Near(kept) if kept.covers(&reach) => {}
            _ if !is_dense(&reach, clients) => {
                if matches!(self.kept, Kept::Near(_)) {
                    self.keep_by_hash(plan);
                }
            }
            _ => {
                let reach = reach.with_room();
                let partitions = self.partitions.par_iter_mut();
                partitions.for_each(|partition| partition.keep_near(&reach, plan));
                self.kept = Kept::Near(reach);
            }
        }
    }

    /// After a visit: go back to keeping clients by hash if they are too few for their numbers.
    fn draw_back(&mut self, plan: &Plan) {
        if let Kept::Near(reach) = &self.kept
            && !is_dense(reach, 2 * self.clients())
        {
            self.keep_by_hash(plan);
            self.kept = Kept::ByHash { hopeful: false };
        }
    }

    /// The number of clients so far.
    fn clients(&self) -> usize {
        self.partitions.iter().map(Partition::count).sum()
    }

    fn holds_days(&self) -> bool {
        self.workers.iter().all(|worker| holds_days(worker.account.days))
    }

    /// From now on keep clients by hash, those of the lines that wait too.
    fn keep_by_hash(&mut self, plan: &Plan) {
        if matches!(self.kept, Kept::Near(_)) {
            // Lines of clients that are found by their numbers were given no hash.
            let inboxes = self.workers.par_iter_mut().flat_map(|worker| &mut worker.inboxes);
            inboxes.flatten().for_each(|line| {
                line.tag |= tag_of(C::hash_row(line.client, &[]));
            });
        }
        let partitions = self.partitions.par_iter_mut().enumerate();
        partitions.for_each(|(number, partition)| partition.keep_by_hash(number, plan));
        self.kept = Kept::ByHashForGood;
    }

    /// Have the partitions take the lines that wait in all inboxes.
    fn visit(&mut self, plan: &Plan, client_buffers: &Buffers, order_buffers: &Buffers) {
        self.reach_out(plan);
        let workers = &self.workers;
        let cores_only = plan.is_plain();
        let partitions = self.partitions.par_iter_mut().with_min_len(FEWEST_PARTITIONS).enumerate();
        let scratch = || (Table::default(), Vec::new());
        partitions.for_each_init(scratch, |(table, full), (number, partition)| {
            for worker in workers {
                partition.apply_short::<W>(&worker.short[number], plan, full, table);
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
        let short = self.workers.iter_mut().flat_map(|worker| worker.short.iter_mut());
        short.for_each(Vec::clear);
        self.waiting = 0;
    }
}

/// Whether clients fill a good part of a range.
fn is_dense(reach: &Reach, clients: usize) -> bool {
    reach.numbers() <= (NUMBERS_A_CLIENT * clients as u128).max(FEW_NUMBERS)
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
        mode: Travel,
    ) -> Result<()> {
        let (n, first_row) = (rows.len(), rows.start);
        self.morsel.read(batch, rows, rules, client_buffers, order)?;
        self.account.rows_read += n as u64;
        let all_used = self.morsel.fate[..n].iter().fold(0, |any, &fate| any | fate) == USED;
        if all_used {
            self.account.see_days(&self.morsel.day[..n]);
            self.account.rows_used += n as u64;
            if mode.short && self.put_short(n, batch, first_row + MORSEL) {
                return Ok(());
            }
        }
        let morsel = &self.morsel;
        if !all_used {
            if let (true, IdValues::Texts(texts)) = (rules.plain_integer_ids, &batch.client.values)
            {
                let dropped = (0..n).filter(|&i| morsel.fate[i] != USED).map(|i| first_row + i);
                let mut present = dropped.filter(|&row| batch.client.is_valid(row));
                self.plain_ids &= present.all(|row| plain_integer(texts.get(row)).is_some());
            }
            self.account.see_fates(&morsel.fate[..n], &morsel.day[..n], &morsel.amount[..n]);
        }
        let numbered = !batch.order.is_empty();
        let (mut least, mut most) = self.numbers;
        for i in 0..n {
            if !all_used && morsel.fate[i] != USED {
                continue;
            }
            let hash = if C::IS_NUMBER {
                let number = C::number_of_row(morsel.client[i]);
                least = least.min(number);
                most = most.max(number);
                if mode.short
                    && let Some(line) =
                        ShortLine::new(number, morsel.day[i], morsel.amount[i], morsel.is_return[i])
                {
                    self.short[partition_of_number(number)].push(line);
                    continue;
                }
                if mode.near { 0 } else { C::hash_row(morsel.client[i], &[]) }
            } else {
                morsel.hash[i]
            };
            let inbox = &mut self.inboxes[C::partition(morsel.client[i], hash)];
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
        self.numbers = (least, most);
        Ok(())
    }

    /// Put the first lines of the morsel, all of them used, into the inboxes of short lines, if all
    /// of them are short.
    fn put_short(&mut self, n: usize, batch: &Batch, next: usize) -> bool {
        let Morsel { client, day, amount, is_return, hash: words, .. } = &mut self.morsel;
        if !pack(&day[..n], &amount[..n], &is_return[..n], &mut words[..n]) {
            return false;
        }
        let (mut least, mut most) = self.numbers;
        for (i, (&client, &word)) in client[..n].iter().zip(words.iter()).enumerate() {
            if i % 8 == 0 {
                batch.ask_for(next + i);
            }
            let number = C::number_of_row(client);
            least = least.min(number);
            most = most.max(number);
            let inbox = &mut self.short[partition_of_number(number)];
            inbox.push(ShortLine { number, word });
        }
        self.numbers = (least, most);
        true
    }

    /// Read a share of the morsels; each worker's encoded orders are a buffer of its number.
    fn read_share(
        &mut self,
        number: usize,
        share: &[Piece],
        batches: &[Batch],
        rules: &Rules,
        starts: &Starts,
        mode: Travel,
    ) -> Result<()> {
        // Room for an even spread and a quarter more: growing would copy lines and touch fresh memory.
        let lines: usize = share.iter().map(|(_, rows)| rows.len()).sum();
        let room = lines.div_ceil(PARTITIONS) * 5 / 4;
        if mode.short {
            self.short.iter_mut().for_each(|inbox| inbox.reserve(room));
        } else {
            self.inboxes.iter_mut().for_each(|inbox| inbox.reserve(room));
        }
        let mut bytes = std::mem::take(&mut self.order_bytes);
        bytes.clear();
        let encoded = batches[0].order.len() > 1;
        let mut order = OrderReader { encoded, buffers: number as u32, bytes };
        let result = share.iter().try_for_each(|(batch, rows)| {
            if !encoded && !starts.orders.is_empty() {
                order.buffers = starts.orders[*batch];
            }
            self.read(
                &batches[*batch],
                rows.clone(),
                rules,
                starts.clients[*batch],
                &mut order,
                mode,
            )
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
        let mode = Travel {
            near: matches!(self.kept, Kept::Near(_)),
            short: C::IS_NUMBER && plan.is_plain() && !plan.orders,
        };
        let results: Vec<Result<()>> = self
            .workers
            .par_iter_mut()
            .enumerate()
            .map(|(number, worker)| {
                let from = (number * share).min(pieces.len());
                let share = &pieces[from..(from + share).min(pieces.len())];
                worker.read_share(number, share, batches, rules, &starts, mode)
            })
            .collect();
        // Shares follow each other, so the first error is that of the first wrong line.
        results.into_iter().collect::<Result<()>>()?;
        self.waiting += lines;
        let clients = self.clients();
        if C::WHOLE && O::WHOLE && self.waiting < LINES_A_VISIT.max(clients / 2) {
            return Ok(());
        }
        let bytes: Vec<Vec<u8>> =
            self.workers.iter_mut().map(|worker| std::mem::take(&mut worker.order_bytes)).collect();
        let encoded: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        let order_buffers: &Buffers = if first.order.len() > 1 { &encoded } else { &order_columns };
        self.visit(plan, &client_buffers, order_buffers);
        self.draw_back(plan);
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
        // The clients of the base are told apart from others by their places in the tables.
        self.keep_by_hash(plan);
        let mut missing = 0;
        let morsel = &mut self.workers[0].morsel;
        for (column, rows) in pieces(columns.iter().map(|column| column.values.rows())) {
            let n = rows.len();
            morsel.read_clients(&columns[column], rows, rules.clients(starts[column]))?;
            for i in 0..n {
                if morsel.fate[i] == USED {
                    let hash = C::hash_row(morsel.client[i], &buffers);
                    let partition = &mut self.partitions[C::partition(morsel.client[i], hash)];
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
