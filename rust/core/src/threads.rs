//! Pools of threads, made once for each size and shared by all kernels.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// Threads beyond this many a core only take memory: no result depends on their number.
const MOST_A_CORE: usize = 4;

/// Pools by size: starting threads costs more than many a kernel.
static POOLS: LazyLock<Mutex<HashMap<usize, Arc<ThreadPool>>>> = LazyLock::new(Mutex::default);

/// The pool of a number of threads, by default one a core.
///
/// # Errors
/// If the system starts no more threads.
pub fn pool(threads: Option<usize>) -> Result<Arc<ThreadPool>> {
    let cores = available_parallelism().map_or(1, usize::from);
    let threads = threads.map_or(cores, |threads| threads.clamp(1, MOST_A_CORE * cores));
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.get(&threads) {
        return Ok(pool.clone());
    }
    let built = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("grc-{number}"))
        .start_handler(move |number| settle(number, threads))
        .build()
        .map_err(|error| {
            Error::Option(format!("{threads} threads cannot be started ({error}): lower threads"))
        })?;
    Ok(pools.entry(threads).or_insert_with(|| Arc::new(built)).clone())
}

/// Keeps a thread on a processor of its own, where there are as many threads as processors.
///
/// Linux wakes a thread beside the one that wakes it. Where processors share no cache, as in many
/// virtual machines, it leaves them together on one processor for some milliseconds, in which a
/// kernel could have done all of its work on both.
#[cfg(target_os = "linux")]
fn settle(number: usize, threads: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    let processors: Vec<usize> =
        (0..CpuSet::MAX_CPU).filter(|processor| allowed.is_set(*processor)).collect();
    if processors.len() == threads {
        let mut own = CpuSet::new();
        own.set(processors[number]);
        // Refused, it costs time only.
        let _ = sched_setaffinity(None, &own);
    }
}

#[cfg(not(target_os = "linux"))]
fn settle(_number: usize, _threads: usize) {}
