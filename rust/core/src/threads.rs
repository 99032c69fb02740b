//! Pools of threads, made once for each size and shared by all kernels.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// More threads than this a core only take memory; no result depends on their number.
const MAX_THREADS_PER_CORE: usize = 4;

/// Pools by size: starting threads costs more than many a kernel.
static POOLS: LazyLock<Mutex<HashMap<usize, Arc<ThreadPool>>>> = LazyLock::new(Mutex::default);

/// The pool of a number of threads, by default one a core.
///
/// # Errors
/// If the system starts no more threads.
pub fn pool(threads: Option<usize>) -> Result<Arc<ThreadPool>> {
    let cores = available_parallelism().map_or(1, usize::from);
    let threads = threads.map_or(cores, |threads| threads.clamp(1, MAX_THREADS_PER_CORE * cores));
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

/// Call `work` for each run of `length` items and the number of its first, in parallel.
///
/// Work is called through a reference, and so its code does not grow with that of the scheduler.
pub(crate) fn for_each_chunk<T: Send>(
    items: &mut [T],
    length: usize,
    work: &(dyn Fn(usize, &mut [T]) + Sync),
) {
    let chunks = items.par_chunks_mut(length).enumerate();
    chunks.for_each(|(number, chunk)| work(number * length, chunk));
}
