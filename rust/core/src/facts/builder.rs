//! The pass as its users see it: options, batches in, facts and an account out.

use std::ops::Add;
use std::sync::Arc;

use rayon::ThreadPool;

use super::batch::{Batch, Column, IdValues, Integers};
use super::engine::{Engine, Finish, Pass};
use super::ids::SortKey;
use super::keys::{Absent, Integer, Key, Text};
use super::line::{Day, Instant};
use super::morsel::Rules;
use super::numbered::NumberedText;
use super::output::{FactColumn, Ids};
use super::partition::Partition;
use super::plan::{Plan, Scope};
use super::read_ids::{ReadKey, Signedness};
use super::reason::{Reason, USED};
use super::settle::Settled;
use super::shapes::Shapes;
use super::{Fact, Request, Returns};
use crate::calendar::{Clock, Duration};
use crate::error::{Error, Result};
use crate::money::{POWERS, Unit};
use crate::threads::pool;

/// What is asked of a pass.
#[derive(Debug, Clone)]
pub struct Options {
    /// The facts.
    pub facts: Vec<Request>,
    /// The day that recency and windows count from; none for the day after the last line used.
    pub as_of: Option<i32>,
    /// What a negative amount is.
    pub returns: Returns,
    /// Whether lines name their order.
    pub order: bool,
    /// Decimal places that float amounts are rounded to.
    pub money_scale: u8,
    /// The zone that zoned instants are shown in.
    pub timezone: String,
    /// Whether text ids that are all plain integers come out as integers.
    pub plain_integer_ids: bool,
    /// The number of threads; none for one a core.
    pub threads: Option<usize>,
}

/// What became of every line that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Lines read.
    pub rows_read: u64,
    /// Lines used.
    pub rows_used: u64,
    /// Lines dropped and their money, in the order of [`Reason::ALL`].
    pub dropped: [(u64, i128); 6],
    /// Money of the lines used.
    pub money_used: i128,
    /// Returns among the lines used, and their money.
    pub returns: (u64, i128),
    /// Clients who bought, who have only returns, and who have no line.
    pub clients: [u64; 3],
    /// Clients with lines whom the base does not hold, where there is one.
    pub clients_outside_base: u64,
    /// Orders of one client with purchases on more than one day.
    pub orders_on_two_dates: u64,
    /// Purchase lines that name no order.
    pub rows_without_order: u64,
    /// Rows of the base without a client.
    pub base_rows_dropped: u64,
    /// The first and last day of the lines used.
    pub days: Option<(i32, i32)>,
    /// The first day of lines that are whole, whether used or too late.
    pub first_day_read: Option<i32>,
    /// The day that recency counts from.
    pub as_of: Option<i32>,
    /// Decimal places of the money above.
    pub money_places: i8,
}

impl Account {
    fn see_range(&mut self, first: i32, last: i32) {
        self.days = Some(self.days.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
        self.see_first(first);
    }

    fn see_first(&mut self, first: i32) {
        self.first_day_read = Some(self.first_day_read.map_or(first, |day| day.min(first)));
    }

    /// Count in the days of lines that are all used.
    pub(super) fn see_days(&mut self, days: &[i32]) {
        let range = days.iter().fold((i32::MAX, i32::MIN), |(a, b), &day| (a.min(day), b.max(day)));
        self.see_range(range.0, range.1);
    }

    /// Count in lines of which some are dropped.
    pub(super) fn see_fates(&mut self, fates: &[u8], days: &[i32], amounts: &[i64]) {
        for ((&fate, &day), &amount) in fates.iter().zip(days).zip(amounts) {
            if fate == USED {
                self.rows_used += 1;
                self.see_range(day, day);
            } else {
                let dropped = &mut self.dropped[fate as usize - 1];
                dropped.0 += 1;
                dropped.1 += i128::from(amount);
            }
            if fate == Reason::Future as u8 {
                self.see_first(day);
            }
        }
    }

    /// The account of a partition's clients.
    ///
    /// # Errors
    /// If a client has more purchase lines than can be counted.
    pub(super) fn of_partition<C: Key, O: Key>(
        partition: &Partition<C, O>,
        settled: &Settled,
        base: bool,
    ) -> Result<Self> {
        let mut purchases = 0;
        let mut account = Self {
            returns: partition.returns,
            rows_without_order: partition.rows_without_order,
            orders_on_two_dates: settled.orders_on_two_dates,
            clients_outside_base: if base { partition.outside_base() as u64 } else { 0 },
            ..Self::default()
        };
        partition.each_core(|_, core| {
            account.money_used += core.total.value();
            account.clients[core.status() as usize] += 1;
            purchases += u64::from(core.lines);
        });
        if purchases != partition.lines - partition.returns.0 {
            return Err(Error::Data(format!(
                "a client has more than {} purchase lines, which is more than can be counted: leave that client out",
                u32::MAX
            )));
        }
        Ok(account)
    }
}

impl Add<&Self> for Account {
    type Output = Self;

    /// The account of two workers, or partitions, together; what they do not count stays.
    fn add(mut self, other: &Self) -> Self {
        self.rows_read += other.rows_read;
        self.rows_used += other.rows_used;
        self.money_used += other.money_used;
        self.returns.0 += other.returns.0;
        self.returns.1 += other.returns.1;
        self.clients_outside_base += other.clients_outside_base;
        self.orders_on_two_dates += other.orders_on_two_dates;
        self.rows_without_order += other.rows_without_order;
        for (sum, more) in self.clients.iter_mut().zip(other.clients) {
            *sum += more;
        }
        for (sum, more) in self.dropped.iter_mut().zip(other.dropped) {
            sum.0 += more.0;
            sum.1 += more.1;
        }
        if let Some((first, last)) = other.days {
            self.see_range(first, last);
        }
        if let Some(first) = other.first_day_read {
            self.see_first(first);
        }
        self
    }
}

/// The facts of every client, and the account.
#[derive(Debug)]
pub struct Outcome {
    /// The clients, ascending.
    pub ids: Ids,
    /// What is known of each, where the base was given: [`super::Status`] as a number.
    pub status: Option<Vec<u8>>,
    /// The facts in the order asked.
    pub facts: Vec<FactColumn>,
    /// What became of every line.
    pub account: Account,
}

/// A pass over sales lines in progress.
pub struct Builder {
    options: Options,
    plan: Plan,
    requests: Vec<(Request, usize)>,
    clock: Clock,
    pool: Arc<ThreadPool>,
    running: Option<Running>,
    base_rows_dropped: u64,
}

/// What is known once the first batch has shown the types of its columns.
struct Running {
    rules: Rules,
    engine: Box<dyn Engine>,
    /// Whether text ids are read as words.
    numbered: bool,
    /// Lines pushed since it was looked into whether they suit that.
    unjudged: usize,
}

/// Lines after which it is looked into again whether text ids suit being read as words.
const LINES_A_JUDGEMENT: usize = if cfg!(test) { 100 } else { 1 << 17 };

impl Running {
    /// Before batches are pushed: go over to texts where their ids do not suit being words.
    fn judge(mut self, batches: &[Batch], plan: &Plan) -> Result<Self> {
        self.unjudged += batches.iter().map(|batch| batch.rows).sum::<usize>();
        if !self.numbered || self.unjudged < LINES_A_JUDGEMENT {
            return Ok(self);
        }
        let suits = self.rules.shapes.suit(batches.iter().map(|batch| &batch.client));
        self.unjudged = if suits.is_some() { 0 } else { LINES_A_JUDGEMENT };
        if suits == Some(false) {
            self.engine = self.engine.in_texts(&self.rules, plan)?;
            (self.numbered, self.rules.by_shape) = (false, true);
        }
        Ok(self)
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Builder {
    /// Prepare a pass.
    ///
    /// # Errors
    /// If a window is no duration of whole days, the zone is unknown, the money scale is above 18,
    /// or a window is asked for without `as_of`.
    pub fn new(options: Options) -> Result<Self> {
        if usize::from(options.money_scale) >= POWERS.len() {
            return Err(Error::Option(format!(
                "money_scale is {}: 64 bits hold at most 18 decimal places",
                options.money_scale
            )));
        }
        let (plan, requests) = plan(&options)?;
        let pool = pool(options.threads)?;
        Ok(Self {
            clock: Clock::new(&options.timezone)?,
            plan,
            requests,
            pool,
            running: None,
            base_rows_dropped: 0,
            options,
        })
    }

    /// Take batches of lines in.
    ///
    /// # Errors
    /// If a type or a value cannot be used, or there is no room for a client; the pass is then to be
    /// given up.
    pub fn push(&mut self, mut batches: Vec<Batch>) -> Result<()> {
        if !self.plan.orders {
            batches.iter_mut().for_each(|batch| batch.order.clear());
        }
        let Some(first) = batches.first() else {
            return Ok(());
        };
        let unit = first.amount.values.unit(self.options.money_scale);
        let plan = &self.plan;
        let mut running = match self.running.take() {
            Some(running) => self.pool.install(|| running.judge(&batches, plan))?,
            None => self.start(&batches, unit)?,
        };
        let scale = self.options.money_scale;
        if batches.iter().any(|batch| batch.amount.values.unit(scale) != running.rules.unit) {
            return Err(Error::Column(
                "amounts are of one type in one place and of another elsewhere (floats, integers or decimals of one scale): cast the column to one type".to_owned(),
            ));
        }
        let result = self.pool.install(|| running.engine.push(&batches, &running.rules, plan));
        self.running = Some(running);
        result
    }

    /// Enter the clients of the whole base, after the first batch of lines.
    ///
    /// # Errors
    /// If the ids are of another kind than those of the lines, or there is no room for a client.
    pub fn add_clients(&mut self, columns: &[Column<IdValues>]) -> Result<()> {
        let running = self.running.as_mut().ok_or_else(|| {
            Error::Data("the base of clients comes after the first batch of sales: push one, which may be empty".to_owned())
        })?;
        self.base_rows_dropped += self
            .pool
            .install(|| running.engine.add_clients(columns, &running.rules, &self.plan))?;
        Ok(())
    }

    /// Lines read so far.
    pub fn rows_read(&self) -> u64 {
        self.running.as_ref().map_or(0, |running| running.engine.account().rows_read)
    }

    /// End the pass. Clients with returns only are left out unless asked for; with `base`, every
    /// client entered has a row, and a status.
    ///
    /// # Errors
    /// If no batch was ever pushed, or the last lines cannot be taken in.
    pub fn finish(self, returns_only: bool, base: bool) -> Result<Outcome> {
        let Some(Running { rules, engine, .. }) = self.running else {
            return Err(Error::Data(
                "no sales were given: push at least one batch, which may be empty".to_owned(),
            ));
        };
        let mut account = engine.account();
        account.as_of =
            self.options.as_of.or_else(|| account.days.map(|(_, last)| last.saturating_add(1)));
        account.base_rows_dropped = self.base_rows_dropped;
        account.money_places = rules.unit.places();
        let finish = Finish {
            plan: &self.plan,
            rules: &rules,
            requests: &self.requests,
            as_of: account.as_of.unwrap_or(0),
            returns_only,
            base,
            account,
        };
        self.pool.install(|| engine.finish(finish))
    }

    /// Choose the engine for the types of the first batch, and for what text ids are like.
    fn start(&self, batches: &[Batch], unit: Unit) -> Result<Running> {
        let first = &batches[0];
        if let Unit::Decimal(scale) = unit
            && !(0..POWERS.len() as i8).contains(&scale)
        {
            return Err(Error::Column(format!(
                "the amount column is a Decimal of scale {scale}: cast it to a scale from 0 to 18"
            )));
        }
        let signedness = match &first.client.values {
            IdValues::Integers(Integers::U64(_)) => Signedness::Unsigned,
            _ => Signedness::Signed,
        };
        let shapes = Shapes::default();
        let suits = shapes.suit(batches.iter().map(|batch| &batch.client));
        let numbered = suits != Some(false);
        let engine = match &first.client.values {
            IdValues::Integers(_) | IdValues::Floats(_) => self.engine::<Integer>(first),
            IdValues::Texts(_) if numbered => self.engine::<NumberedText>(first),
            IdValues::Texts(_) => self.engine::<Text>(first),
        };
        let rules = Rules {
            clock: self.clock.clone(),
            unit,
            signedness,
            instants: self.needs_instants(),
            last_day: self.options.as_of.unwrap_or(i32::MAX),
            returns: self.options.returns,
            plain_integer_ids: self.options.plain_integer_ids,
            shapes: Arc::new(shapes),
            by_shape: false,
        };
        // Where no id has been seen yet, the next push is looked into.
        let unjudged = if suits.is_some() { 0 } else { LINES_A_JUDGEMENT };
        Ok(Running { rules, engine, numbered, unjudged })
    }

    fn engine<C: ReadKey + SortKey>(&self, first: &Batch) -> Box<dyn Engine> {
        match first.order.as_slice() {
            [] => self.engine_with_order::<C, Absent>(),
            [Column { values: IdValues::Integers(_) | IdValues::Floats(_), .. }] => {
                self.engine_with_order::<C, Integer>()
            }
            _ => self.engine_with_order::<C, Text>(),
        }
    }

    fn needs_instants(&self) -> bool {
        self.requests.iter().any(|(request, _)| request.fact == Fact::LastBasket)
    }

    fn engine_with_order<C: ReadKey + SortKey, O: ReadKey>(&self) -> Box<dyn Engine> {
        let threads = self.pool.current_num_threads();
        if self.needs_instants() {
            Box::new(Pass::<C, O, Instant>::new(&self.plan, threads))
        } else {
            Box::new(Pass::<C, O, Day>::new(&self.plan, threads))
        }
    }
}

/// What to keep for the facts asked for, and the scope of each.
fn plan(options: &Options) -> Result<(Plan, Vec<(Request, usize)>)> {
    let all_time = Scope { after: i32::MIN, extra: false, orders: false, baskets: false };
    let mut scopes = vec![all_time];
    let mut requests = Vec::with_capacity(options.facts.len());
    for request in &options.facts {
        let after = match (&request.window, options.as_of) {
            (None, _) => i32::MIN,
            (Some(window), Some(as_of)) => Duration::parse(window)?.before(as_of)?,
            (Some(window), None) => {
                return Err(Error::Option(format!(
                    "the window \"{window}\" needs as_of: say from which day it counts back"
                )));
            }
        };
        let index = scopes.iter().position(|scope| scope.after == after).unwrap_or_else(|| {
            scopes.push(Scope { after, ..all_time });
            scopes.len() - 1
        });
        let scope = &mut scopes[index];
        scope.extra |= request.fact.needs_extra();
        scope.orders |= options.order && request.fact.counts_orders();
        scope.baskets |= options.order && request.fact.needs_baskets();
        requests.push((request.clone(), index));
    }
    let plan = Plan {
        orders: options.order,
        days: options.facts.iter().any(|request| request.fact.needs_days()),
        scopes,
    };
    Ok((plan, requests))
}
