//! Scoring as its users see it: options, batches in, scores and an account out.

use std::path::PathBuf;
use std::sync::Arc;

use rayon::ThreadPool;

use super::batch::EventBatch;
use super::columns::{LedgerColumns, ScoreColumns, StateColumns};
use super::reason::Reason;
use super::resume::StateBatch;
use super::running::Running;
use super::scheme::Scheme;
use crate::calendar::Clock;
use crate::error::{Error, Result};
use crate::threads::pool;

/// What is asked of a run.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "they are options, each on its own")]
pub struct Options {
    /// The rules.
    pub scheme: Scheme,
    /// The instant that ages count from, in microseconds: of UTC, or wall time; none for the
    /// midnight after the last event.
    pub as_of: Option<i64>,
    /// Whether `as_of` is an instant of UTC.
    pub as_of_is_utc: bool,
    /// The `as_of` of the saved state that the run goes on from, as timestamps are read.
    pub from: Option<i64>,
    /// Whether the timestamps of that state have a zone: those of a run without one are taken alike.
    pub from_zoned: bool,
    /// The zone whose days count, for timestamps with a zone.
    pub timezone: String,
    /// Whether text ids that are all plain integers come out as integers.
    pub plain_integer_ids: bool,
    /// The bytes that events may take in memory; beyond, they go to a temporary file.
    pub memory: Option<u64>,
    /// Where temporary files go; the system's own directory by default.
    pub directory: Option<PathBuf>,
    /// The number of threads; none for one a core.
    pub threads: Option<usize>,
    /// Whether ledgers are wanted.
    pub ledger: bool,
    /// Whether a state to go on from is.
    pub state: bool,
}

/// What became of every row that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Rows read.
    pub rows_read: u64,
    /// Rows dropped, in the order of [`Reason::ALL`].
    pub dropped: [u64; Reason::ALL.len()],
    /// Visits of programs.
    pub bot_visits: u64,
    /// Clients with a row.
    pub clients: u64,
    /// The kinds and how many events there are of each, ascending by name.
    pub kinds: Vec<(String, u64)>,
    /// Distinct pages.
    pub pages: u64,
    /// The first and last instant of the events used.
    pub range: Option<(i64, i64)>,
    /// The `as_of` of the run, as timestamps are read.
    pub as_of: i64,
    /// Whether timestamps are instants of UTC with a zone.
    pub zoned: bool,
    /// Bytes that went to temporary files.
    pub spilled: u64,
}

/// The result of a run.
#[derive(Debug)]
pub struct Outcome {
    /// One row a client.
    pub scores: ScoreColumns,
    /// A row for each event and rule, if asked for.
    pub ledger: Option<LedgerColumns>,
    /// What a later run goes on from, if asked for.
    pub state: Option<StateColumns>,
    /// What became of every row.
    pub account: Account,
}

/// A run in progress.
pub struct Builder {
    options: Options,
    clock: Clock,
    pool: Arc<ThreadPool>,
    running: Option<Running>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Builder {
    /// Prepare a run.
    ///
    /// # Errors
    /// If the zone is unknown.
    pub fn new(options: Options) -> Result<Self> {
        let clock = Clock::new(&options.timezone)?;
        let pool = pool(options.threads)?;
        Ok(Self { options, clock, pool, running: None })
    }

    /// Take batches of events in.
    ///
    /// # Errors
    /// If a type or a value cannot be used; the run is then to be given up.
    pub fn push(&mut self, batches: &[EventBatch]) -> Result<()> {
        let Some(first) = batches.first() else {
            return Ok(());
        };
        let running = self.running.get_or_insert_with(|| {
            Running::new(&self.options, &self.clock, self.pool.current_num_threads(), first)
        });
        let budget = self.options.memory;
        let directory = self.options.directory.as_deref();
        self.pool.install(|| {
            for batch in batches {
                running.push(batch, &self.options)?;
            }
            if budget.is_some_and(|most| running.bytes() > most) {
                running.spill(directory)?;
            }
            Ok(())
        })
    }

    /// Go on from a saved state, after the first batch.
    ///
    /// # Errors
    /// If it is not a state of these rules.
    pub fn resume(&mut self, state: &StateBatch) -> Result<()> {
        let running = self.running.as_mut().ok_or_else(|| {
            Error::Data(
                "a state comes after the first batch of events: push one, which may be empty"
                    .to_owned(),
            )
        })?;
        running.resume(state, &self.options.scheme)
    }

    /// Rows read so far.
    pub fn rows_read(&self) -> u64 {
        let workers = self.running.iter().flat_map(|running| &running.workers);
        workers.map(|worker| worker.rows_read).sum()
    }

    /// End the run.
    ///
    /// # Errors
    /// If no batch was ever pushed, or a temporary file cannot be read.
    pub fn finish(self) -> Result<Outcome> {
        let Some(running) = self.running else {
            return Err(Error::Data(
                "no events were given: push at least one batch, which may be empty".to_owned(),
            ));
        };
        self.pool.install(|| running.finish(&self.options))
    }
}
