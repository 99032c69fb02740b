//! The one door through which kernels run: without the interpreter, on as many threads as asked.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use grc_core::{Error, Result};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errors::exception;

/// Pools by their number of threads (0: one a core), made once: starting threads costs more than
/// many a kernel.
static POOLS: LazyLock<Mutex<HashMap<usize, Arc<ThreadPool>>>> = LazyLock::new(Mutex::default);

fn pool(threads: usize) -> Result<Arc<ThreadPool>> {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.get(&threads) {
        return Ok(pool.clone());
    }
    let built = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("grc-{number}"))
        .build()
        .map_err(|error| {
            Error::Option(format!("{threads} threads cannot be started ({error}): lower threads"))
        })?;
    Ok(pools.entry(threads).or_insert_with(|| Arc::new(built)).clone())
}

/// Run a kernel on a number of threads, all cores by default.
pub fn on_threads<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    kernel: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    py.detach(|| pool(threads.unwrap_or(0))?.install(kernel)).map_err(|error| exception(&error))
}
