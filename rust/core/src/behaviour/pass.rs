//! A pass over events as its users see it: options, batches in, scores and an account out.

use super::active_pass::ActivePass;
use super::batch::EventBatch;
use super::options::BehaviourOptions;
use super::outcome::BehaviourOutcome;
use super::saved_state::StateBatch;
use crate::calendar::Clock;
use crate::error::{Error, Result};
use crate::threads::on_threads;

/// A pass over events in progress.
pub struct BehaviourPass {
    options: BehaviourOptions,
    clock: Clock,
    /// From the first batch on.
    active: Option<ActivePass>,
}

impl std::fmt::Debug for BehaviourPass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BehaviourPass").field("options", &self.options).finish_non_exhaustive()
    }
}

impl BehaviourPass {
    /// Prepare a pass.
    ///
    /// # Errors
    /// If the zone is unknown.
    pub fn new(options: BehaviourOptions) -> Result<Self> {
        let clock = Clock::new(&options.timezone)?;
        Ok(Self { options, clock, active: None })
    }

    /// Read batches of events.
    ///
    /// # Errors
    /// If a type or a value cannot be used; the pass must then be abandoned.
    pub fn push(&mut self, batches: &[EventBatch]) -> Result<()> {
        let Some(first) = batches.first() else {
            return Ok(());
        };
        let Self { options, clock, active } = self;
        let budget = options.memory;
        let directory = options.directory.as_deref();
        on_threads(options.threads, || {
            let active = match active {
                Some(active) => active,
                none => {
                    let threads = rayon::current_num_threads();
                    none.insert(ActivePass::new(options, clock, threads, first)?)
                }
            };
            for batch in batches {
                active.push(batch, options)?;
            }
            if budget.is_some_and(|most| active.bytes() > most) {
                active.spill(directory)?;
            }
            Ok(())
        })
    }

    /// Continue from a saved state, after the first batch.
    ///
    /// # Errors
    /// If it is not a state of these rules.
    pub fn resume(&mut self, state: &StateBatch) -> Result<()> {
        let active = self.active.as_mut().ok_or_else(|| {
            Error::Data(
                "a state comes after the first batch of events: push one, which may be empty"
                    .to_owned(),
            )
        })?;
        on_threads(self.options.threads, || active.resume(state, &self.options.rules))
    }

    /// Rows read so far.
    pub fn rows_read(&self) -> u64 {
        let readers = self.active.iter().flat_map(|active| &active.readers);
        readers.map(|reader| reader.rows_read).sum()
    }

    /// End the pass.
    ///
    /// # Errors
    /// If no batch was ever pushed, or a temporary file cannot be read.
    pub fn finish(self) -> Result<BehaviourOutcome> {
        let Some(active) = self.active else {
            return Err(Error::Data(
                "no events were given: push at least one batch, which may be empty".to_owned(),
            ));
        };
        on_threads(self.options.threads, || active.finish(&self.options))
    }
}
