//! The pass as its users see it: options, batches in, facts and an account out.

use std::sync::Arc;

use super::batch::Batch;
use super::engine::{Aggregation, Engine, EngineKey, Finish};
use super::fact::{Fact, Request};
use super::key::{NoId, Text, Word};
use super::line::{Day, Instant};
use super::options::FactsOptions;
use super::output::FactsTable;
use super::read::{ReadOptions, ReadOrders, Signedness, WordIds};
use super::spec::AggregateSpec;
use super::states::{ClientStates, StateBatch};
use super::text_ids::TemplateTable;
use crate::calendar::Clock;
use crate::columns::{Column, IdValues, Integers};
use crate::error::{Error, Result};
use crate::money::{POWERS, Unit};
use crate::threads::{number_of_threads, on_threads};

/// A pass over sales lines in progress.
pub struct FactsPass {
    options: FactsOptions,
    spec: AggregateSpec,
    requests: Vec<(Request, usize)>,
    clock: Clock,
    running: Option<Running>,
    base_rows_dropped: u64,
}

/// What is known once the first batch has shown the types of its columns.
struct Running {
    read_options: ReadOptions,
    engine: Box<dyn Engine>,
    /// Whether text ids, if that is what ids are, are read as words.
    encoded: bool,
    /// Lines pushed since it was looked into whether they fit templates.
    unchecked: usize,
}

/// Lines after which it is looked into again whether text ids fit few templates.
const LINES_A_CHECK: usize = if cfg!(test) { 100 } else { 1 << 17 };

impl Running {
    /// Before clients are taken in: go over to texts where their ids do not fit few templates.
    fn check_templates<'a>(
        mut self,
        clients: impl Iterator<Item = &'a Column<'a, IdValues<'a>>> + Clone,
        spec: &AggregateSpec,
    ) -> Result<Self> {
        self.unchecked += clients.clone().map(|column| column.values.rows()).sum::<usize>();
        if !self.encoded || self.unchecked < LINES_A_CHECK {
            return Ok(self);
        }
        let fits = self.read_options.templates.fit(clients);
        self.unchecked = if fits.is_some() { 0 } else { LINES_A_CHECK };
        if fits == Some(false) {
            self.engine = self.engine.into_texts(&self.read_options, spec)?;
            (self.encoded, self.read_options.by_template) = (false, true);
        }
        Ok(self)
    }
}

impl std::fmt::Debug for FactsPass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FactsPass").field("options", &self.options).finish_non_exhaustive()
    }
}

impl FactsPass {
    /// Prepare a pass.
    ///
    /// # Errors
    /// If a window is no duration of whole days, the zone is unknown, the money scale is above 18,
    /// or a window is asked for without `as_of`.
    pub fn new(options: FactsOptions) -> Result<Self> {
        if usize::from(options.money_scale) >= POWERS.len() {
            return Err(Error::Option(format!(
                "money_scale is {}: 64 bits hold at most 18 decimal places",
                options.money_scale
            )));
        }
        let (spec, requests) = AggregateSpec::of(&options)?;
        Ok(Self {
            clock: Clock::new(&options.timezone)?,
            spec,
            requests,
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
        if !self.spec.orders {
            batches.iter_mut().for_each(|batch| batch.order.clear());
        }
        on_threads(self.options.threads, || self.take_in(&batches))
    }

    fn take_in(&mut self, batches: &[Batch]) -> Result<()> {
        let Some(first) = batches.first() else {
            return Ok(());
        };
        let unit = first.amount.values.unit(self.options.money_scale);
        let spec = &self.spec;
        let mut running = match self.running.take() {
            Some(running) => {
                running.check_templates(batches.iter().map(|batch| &batch.client), spec)?
            }
            None => self.start(batches, unit)?,
        };
        let scale = self.options.money_scale;
        if batches.iter().any(|batch| batch.amount.values.unit(scale) != running.read_options.unit)
        {
            return Err(Error::Column(
                "amounts are of one type in one place and of another elsewhere (floats, integers or decimals of one scale): cast the column to one type".to_owned(),
            ));
        }
        let result = running.engine.push(batches, &running.read_options, spec);
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
        self.base_rows_dropped += on_threads(self.options.threads, || {
            running.engine.add_clients(columns, &running.read_options, &self.spec)
        })?;
        Ok(())
    }

    /// Take in what other passes with the same options know of clients, after the first batch of
    /// lines, which may be empty.
    ///
    /// # Errors
    /// If clients have no states that can be merged for what is asked for, the states are not such,
    /// or there is no room for a client.
    pub fn add_states(&mut self, states: &[StateBatch]) -> Result<()> {
        self.check_mergeable()?;
        states.iter().try_for_each(|batch| self.spec.check_states(batch))?;
        let running = self.running.take().ok_or_else(|| {
            Error::Data(
                "states come after the first batch of sales: push one, which may be empty"
                    .to_owned(),
            )
        })?;
        let spec = &self.spec;
        let running = on_threads(self.options.threads, || {
            let mut running =
                running.check_templates(states.iter().map(|batch| &batch.client), spec)?;
            running.engine.add_states(states, &running.read_options, spec)?;
            Ok::<_, Error>(running)
        })?;
        self.running = Some(running);
        Ok(())
    }

    /// Clients so far, but for those whose lines still wait to be taken in.
    pub fn clients(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.engine.clients())
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
    pub fn finish(self, returns_only: bool, base: bool) -> Result<FactsTable> {
        let requests = self.requests.clone();
        self.finish_with(&requests, returns_only, base, false)
    }

    /// End the pass with the states of its clients, to be merged with those of passes over other
    /// lines by [`Self::add_states`].
    ///
    /// # Errors
    /// As [`Self::finish`], or if clients have no states that can be merged for what is asked for.
    pub fn finish_states(self) -> Result<ClientStates> {
        self.check_mergeable()?;
        let spec = self.spec.clone();
        let table = self.finish_with(&spec.state_requests(), true, false, true)?;
        Ok(ClientStates::of(table, &spec))
    }

    fn check_mergeable(&self) -> Result<()> {
        if self.options.is_mergeable() {
            return Ok(());
        }
        Err(Error::Option(
            "distinct orders and days, last baskets and first days have no states that can be merged: bring all lines of a client into one pass".to_owned(),
        ))
    }

    /// End the pass with some facts; where other lines of the same clients are elsewhere, money is
    /// written in the exact units that sums are kept in.
    fn finish_with(
        self,
        requests: &[(Request, usize)],
        returns_only: bool,
        base: bool,
        partial: bool,
    ) -> Result<FactsTable> {
        let Some(Running { read_options, engine, .. }) = self.running else {
            return Err(Error::Data(
                "no sales were given: push at least one batch, which may be empty".to_owned(),
            ));
        };
        let mut account = engine.account();
        account.as_of =
            self.options.as_of.or_else(|| account.days.map(|(_, last)| last.saturating_add(1)));
        account.base_rows_dropped = self.base_rows_dropped;
        let unit = read_options.unit;
        account.money_places = unit.places();
        let finish = Finish {
            spec: &self.spec,
            options: &read_options,
            requests,
            unit: if partial { Unit::Decimal(unit.places()) } else { unit },
            partial,
            as_of: account.as_of.unwrap_or(0),
            returns_only,
            base,
            account,
        };
        on_threads(self.options.threads, || engine.finish(finish))
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
        let templates = TemplateTable::default();
        let fits = templates.fit(batches.iter().map(|batch| &batch.client));
        let encoded = fits != Some(false);
        let words = match &first.client.values {
            IdValues::Texts(_) => WordIds::EncodedTexts,
            IdValues::Integers(Integers::U64(_)) => WordIds::Integers(Signedness::Unsigned),
            _ => WordIds::Integers(Signedness::Signed),
        };
        let engine = match &first.client.values {
            IdValues::Texts(_) if !encoded => self.engine::<Text>(first),
            _ => self.engine::<Word>(first),
        };
        let read_options = ReadOptions {
            clock: self.clock.clone(),
            unit,
            words,
            templates: Arc::new(templates),
            by_template: false,
            instants: self.needs_instants(),
            last_day: self.options.as_of.unwrap_or(i32::MAX),
            returns: self.options.returns,
            plain_integer_ids: self.options.plain_integer_ids,
        };
        // Where no id has been seen yet, the next push is looked into.
        let unchecked = if fits.is_some() { 0 } else { LINES_A_CHECK };
        Ok(Running { read_options, engine, encoded, unchecked })
    }

    fn engine<C: EngineKey>(&self, first: &Batch) -> Box<dyn Engine> {
        match first.order.as_slice() {
            [] => self.engine_with_order::<C, NoId>(),
            [Column { values: IdValues::Integers(_) | IdValues::Floats(_), .. }] => {
                self.engine_with_order::<C, Word>()
            }
            _ => self.engine_with_order::<C, Text>(),
        }
    }

    fn needs_instants(&self) -> bool {
        self.requests.iter().any(|(request, _)| request.fact == Fact::LastBasket)
    }

    fn engine_with_order<C: EngineKey, O: ReadOrders>(&self) -> Box<dyn Engine> {
        let threads = number_of_threads(self.options.threads);
        if self.needs_instants() {
            Box::new(Aggregation::<C, O, Instant>::new(&self.spec, threads))
        } else {
            Box::new(Aggregation::<C, O, Day>::new(&self.spec, threads))
        }
    }
}
