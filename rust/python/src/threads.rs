//! The one door through which kernels run: without the interpreter, on as many threads as asked.

use grc_core::Result;
use grc_core::threads::pool;
use pyo3::prelude::*;

use crate::errors::exception;

/// Run a kernel on a number of threads, all cores by default.
pub fn on_threads<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    kernel: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    py.detach(|| pool(threads)?.install(kernel)).map_err(|error| exception(&error))
}
