//! The pass over lines: workers read them, partitions take them in.

use rayon::prelude::*;

use super::Request;
use super::batch::{Batch, Column, IdValues};
use super::builder::{Account, Outcome};
use super::distinct;
use super::ids::{IdOutput, SortKey};
use super::keys::{Buffers, Text};
use super::line::{When, tag_of};
use super::morsel::{MORSEL, Rules};
use super::near::{Reach, holds_days};
use super::order_log::Table;
use super::output::Asked;
use super::partition::Partition;
use super::plan::Plan;
use super::read_ids::ReadKey;
use super::reason::USED;
use super::settle::Settled;
use super::spread::PARTITIONS;
use super::worker::{NO_NUMBERS, Starts, Travel, Worker, gather_buffers, pieces};
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
/// Clients, at most, where a sample lets expect one at least: of a base whose clients buy as unevenly
/// as they do it finds a fifth.
const CLIENTS_AN_ESTIMATE: usize = 16;
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
    /// Go over from words of texts to texts; the rules are from now on those of `by_shape`.
    fn in_texts(self: Box<Self>, rules: &Rules, plan: &Plan) -> Result<Box<dyn Engine>>;
    fn account(&self) -> Account;
    fn finish(self: Box<Self>, finish: Finish) -> Result<Outcome>;
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
    /// By hash, until they turn out to be numbers that lie near each other; if `hopeful`, those of
    /// lines that wait are counted in.
    ByHash { hopeful: bool },
    /// By hash, whatever comes.
    ByHashForGood,
    /// By the numbers that they are, all of them within reach.
    Near(Reach),
}

impl<C: ReadKey + SortKey, O: ReadKey, W: When> Pass<C, O, W> {
    pub fn new(plan: &Plan, threads: usize) -> Self {
        Self {
            workers: (0..threads).map(|_| Worker::new()).collect(),
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
    /// How many clients they bring is a guess, which [`Self::draw_back`] looks into.
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
        match &self.kept {
            Kept::Near(kept) if kept.covers(&reach) => {}
            _ if !is_dense(&reach, self.expected_clients(&reach)) => {
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

    /// How many clients there will be, as far as it matters for a range: those known, and of the lines
    /// that wait all clients if they are the first, or else every other.
    fn expected_clients(&self, reach: &Reach) -> usize {
        let known = self.clients();
        let hopeless = self.kept == Kept::ByHash { hopeful: false };
        if hopeless || is_dense(reach, known) || !is_dense(reach, known + self.waiting) {
            return known;
        }
        let at_least = distinct::estimate(&mut self.sample());
        let waiting = self.waiting.min(CLIENTS_AN_ESTIMATE * at_least);
        if known == 0 { waiting } else { known + waiting / 2 }
    }

    /// The clients of some of the lines that wait.
    fn sample(&self) -> Vec<u64> {
        let step = (self.waiting / distinct::SAMPLE) | 1; // few patterns have an odd period
        let mut sample = Vec::with_capacity(2 * distinct::SAMPLE);
        for worker in &self.workers {
            for lines in &*worker.short {
                sample.extend(lines.iter().step_by(step).map(|line| line.number));
            }
            for lines in &worker.inboxes {
                let clients = lines.iter().step_by(step).map(|line| line.client);
                sample.extend(clients.map(C::number_of_row));
            }
        }
        sample
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
    fn visit(
        &mut self,
        plan: &Plan,
        client_buffers: &Buffers,
        order_buffers: &Buffers,
    ) -> Result<()> {
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
        self.check()
    }

    /// Whether the partitions could keep all that they were to keep.
    fn check(&self) -> Result<()> {
        self.partitions.iter().try_for_each(Partition::check)
    }
}

/// Whether clients fill a good part of a range.
fn is_dense(reach: &Reach, clients: usize) -> bool {
    reach.numbers() <= (NUMBERS_A_CLIENT * clients as u128).max(FEW_NUMBERS)
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
        self.visit(plan, &client_buffers, order_buffers)?;
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
                    let hash = if C::IS_NUMBER {
                        C::hash_row(morsel.client[i], &buffers)
                    } else {
                        morsel.hash[i]
                    };
                    let partition = &mut self.partitions[C::partition(morsel.client[i], hash)];
                    let client = partition.client(morsel.client[i], tag_of(hash), plan, &buffers);
                    partition.mark_in_base(client);
                } else {
                    missing += 1;
                }
            }
        }
        self.check()?;
        Ok(missing)
    }

    fn in_texts(mut self: Box<Self>, rules: &Rules, plan: &Plan) -> Result<Box<dyn Engine>> {
        self.visit(plan, &[], &[])?;
        self.keep_by_hash(plan);
        self.check()?;
        let worker = |before: &Worker<C, O, W>| Worker {
            account: before.account.clone(),
            plain_ids: before.plain_ids,
            ..Worker::new()
        };
        Ok(Box::new(Pass::<Text, O, W> {
            workers: self.workers.iter().map(worker).collect(),
            partitions: C::in_texts(self.partitions, &rules.shapes),
            waiting: 0,
            kept: Kept::ByHashForGood,
        }))
    }

    fn account(&self) -> Account {
        self.workers.iter().fold(Account::default(), |sum, worker| sum + &worker.account)
    }

    fn finish(mut self: Box<Self>, finish: Finish) -> Result<Outcome> {
        self.visit(finish.plan, &[], &[])?;
        let plain_ids = self.workers.iter().all(|worker| worker.plain_ids);
        self.workers.clear(); // their inboxes are the largest buffers of the run
        let partitions: Vec<(Settled, Account)> = self
            .partitions
            .par_iter_mut()
            .with_min_len(FEWEST_PARTITIONS)
            .map_init(Table::default, |table, partition| {
                let settled = partition.settle(finish.plan, table);
                let account = Account::of_partition(partition, &settled, finish.base)?;
                Ok((settled, account))
            })
            .collect::<Result<_>>()?;
        let (settled, accounts): (Vec<Settled>, Vec<Account>) = partitions.into_iter().unzip();
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
        let (ids, status, facts) = C::columns(&mut self.partitions, &asked, output)?;
        self.check()?;
        Ok(Outcome { ids, status, facts, account })
    }
}
