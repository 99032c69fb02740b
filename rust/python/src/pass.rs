//! A pass of the core that Python takes step by step.

use grc_core::threads::alone;
use grc_core::{Error, Result};
use pyo3::prelude::*;

use crate::errors::exception;
use crate::threads::on_threads;

/// Passes of up to so many rows take about a millisecond, so the thread that calls does their work, and
/// looks for no signals meanwhile.
const FEW_ROWS: usize = 16 * 1024;

/// A pass in progress, until it is finished, or a step fails or is stopped while it works on it.
pub struct Pass<T> {
    running: Option<T>,
    /// What Python calls it.
    name: &'static str,
    threads: Option<usize>,
    /// Rows that it was given so far; none where they do not tell how long it takes.
    rows: Option<usize>,
}

impl<T: Send> Pass<T> {
    pub fn new(pass: T, name: &'static str, threads: Option<usize>) -> Self {
        Self { running: Some(pass), name, threads, rows: None }
    }

    /// The pass; none once it has ended.
    pub fn get(&self) -> Option<&T> {
        self.running.as_ref()
    }

    /// Count in rows that the next step takes: a pass of few is the work of the thread that calls.
    pub fn count(&mut self, rows: usize) {
        self.rows = Some(self.rows.unwrap_or(0).saturating_add(rows));
    }

    /// Take a step; where that fails or is stopped, the pass has ended.
    pub fn step(
        &mut self,
        py: Python<'_>,
        work: impl FnOnce(&mut T) -> Result<()> + Send,
    ) -> PyResult<()> {
        let pass = self.end(py, |mut pass| {
            work(&mut pass)?;
            Ok(pass)
        })?;
        self.running = Some(pass);
        Ok(())
    }

    /// End the pass with what is made of it.
    pub fn end<R: Send>(
        &mut self,
        py: Python<'_>,
        work: impl FnOnce(T) -> Result<R> + Send,
    ) -> PyResult<R> {
        let pass = self.running.take().ok_or_else(|| {
            exception(&Error::Data(format!("this {} has ended: make a new builder", self.name)))
        })?;
        if self.rows.is_some_and(|rows| rows <= FEW_ROWS) {
            return py.detach(|| alone(|| work(pass))).map_err(|error| exception(&error));
        }
        on_threads(py, self.threads, || work(pass))
    }
}
