//! Pools of threads, made once for each size and shared by all kernels.

use std::cell::Cell;
use std::cmp;
use std::collections::HashMap;
use std::mem::{forget, take};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};
use crate::stop::Call;

/// More threads than this a core only take memory; no result depends on their number.
const MAX_THREADS_PER_CORE: usize = 4;

/// Pools by size, and the process that has their threads.
#[derive(Default)]
struct Pools {
    process: u32,
    by_size: HashMap<usize, Arc<ThreadPool>>,
}

/// Pools are kept: starting threads costs more than many a kernel.
static POOLS: LazyLock<Mutex<Pools>> = LazyLock::new(Mutex::default);

/// The pool of a number of threads, by default one a core.
///
/// # Errors
/// If the system starts no more threads.
pub fn pool(threads: Option<usize>) -> Result<Arc<ThreadPool>> {
    let threads = number_of_threads(threads);
    let mut pools = lock(&POOLS);
    if pools.process != process::id() {
        // A forked process has none of the threads of its parent, and would wait for them for ever.
        forget(take(&mut pools.by_size));
        pools.process = process::id();
    }
    if let Some(pool) = pools.by_size.get(&threads) {
        return Ok(pool.clone());
    }
    let built = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("grc-{number}"))
        .build()
        .map_err(|error| {
            Error::Option(format!("{threads} threads cannot be started ({error}): lower threads"))
        })?;
    Ok(pools.by_size.entry(threads).or_insert_with(|| Arc::new(built)).clone())
}

/// How many threads do the work of a call that asks for so many, by default one a core.
pub(crate) fn number_of_threads(asked: Option<usize>) -> usize {
    static CORES: LazyLock<usize> =
        LazyLock::new(|| available_parallelism().map_or(1, usize::from));
    asked.map_or(*CORES, |asked| asked.clamp(1, MAX_THREADS_PER_CORE * *CORES))
}

thread_local! {
    /// Whether this thread does all work of its call itself.
    static IS_ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Do work on this thread alone, however many a call asks for: to wake others and wait for them takes
/// longer than a little work.
pub fn alone<T>(work: impl FnOnce() -> T) -> T {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            IS_ALONE.set(self.0);
        }
    }
    let _before = Before(IS_ALONE.replace(true));
    work()
}

/// Do work on a number of threads, all cores by default, for the call that this thread works for.
///
/// # Errors
/// If the system starts no more threads, or the work fails.
pub(crate) fn on_threads<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    if IS_ALONE.get() {
        return work();
    }
    let call = Call::current();
    pool(threads)?.install(|| call.work(work))
}

/// Rows that one task computes at a time where each takes little: enough to be worth a task.
pub(crate) const ROWS_A_TASK: usize = 1024;

/// Call `work` for each number below `count`, in parallel.
///
/// All parallel loops are this one: the scheduler is large, and was it generic over the work, it would
/// be compiled again for every loop. Its call is not inlined, so work is to be a task, not a row.
fn for_each_number(count: usize, work: &(dyn Fn(usize) + Sync)) {
    if IS_ALONE.get() {
        return (0..count).for_each(work);
    }
    let call = Call::current();
    (0..count).into_par_iter().for_each(|number| {
        call.work(|| {
            if !call.is_asked_to_stop() {
                work(number);
            }
        });
    });
    // Once, and not in each task that is left: to unwind takes as long as many of them.
    call.check();
}

/// Call `work` for each item and its number, in parallel.
pub(crate) fn for_each<T: Send>(
    items: impl IntoIterator<Item = T>,
    work: impl Fn(usize, T) + Sync,
) {
    let items: Vec<Mutex<Option<T>>> =
        items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    for_each_number(items.len(), &|number| {
        let item = lock(&items[number]).take();
        work(number, item.expect("an item is taken once"));
    });
}

/// What `map` makes of each item and its number, in the order of the items; computed in parallel.
pub(crate) fn map_each<T: Send, R: Send>(
    items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    map: impl Fn(usize, T) -> R + Sync,
) -> Vec<R> {
    let items = items.into_iter();
    let mut results: Vec<Option<R>> = Vec::new();
    results.resize_with(items.len(), || None);
    for_each(items.zip(&mut results), |number, (item, result)| *result = Some(map(number, item)));
    results.into_iter().flatten().collect()
}

/// Call `work` for each run of `length` items and the number of its first, in parallel.
pub(crate) fn for_each_chunk<T: Send>(
    items: &mut [T],
    length: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    for_each(items.chunks_mut(length), |number, chunk| work(number * length, chunk));
}

/// What `value` makes of each row, computed in parallel.
pub(crate) fn map_rows<R: Clone + Default + Send>(
    rows: usize,
    value: impl Fn(usize) -> R + Sync,
) -> Vec<R> {
    let mut values = vec![R::default(); rows];
    for_each_chunk(&mut values, ROWS_A_TASK, |first, values| {
        for (row, slot) in (first..).zip(values) {
            *slot = value(row);
        }
    });
    values
}

/// Whether `is` holds for all items, asked in parallel and of few more once it did not for one.
pub(crate) fn all<T: Send>(
    items: impl IntoIterator<Item = T>,
    is: impl Fn(usize, T) -> bool + Sync,
) -> bool {
    let so_far = AtomicBool::new(true);
    for_each(items, |number, item| {
        if so_far.load(Ordering::Relaxed) && !is(number, item) {
            so_far.store(false, Ordering::Relaxed);
        }
    });
    so_far.into_inner()
}

/// Sort in parallel, equal items in any order. To ask at each comparison whether to stop costs a tenth of
/// it; sorts of tens of millions take seconds.
pub(crate) fn sort_unstable_by<T: Send>(
    items: &mut [T],
    compare: impl Fn(&T, &T) -> cmp::Ordering + Sync,
) {
    if IS_ALONE.get() {
        return items.sort_unstable_by(compare);
    }
    let call = Call::current();
    items.par_sort_unstable_by(|a, b| {
        call.check();
        compare(a, b)
    });
}

/// Do two things, in parallel where there are threads for both.
pub(crate) fn join<A: Send, B: Send>(
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    if IS_ALONE.get() {
        return (a(), b());
    }
    let call = Call::current();
    rayon::join(|| call.work(a), || call.work(b))
}

/// What tasks leave for each other to use again: never more of them than run at a time. Fresh memory
/// often costs more than the work done in it.
#[derive(Default)]
pub(crate) struct Reused<S>(Mutex<Vec<S>>);

impl<S: Default> Reused<S> {
    /// Work with one that no other task uses, a new one if there is none.
    pub fn with<R>(&self, work: impl FnOnce(&mut S) -> R) -> R {
        let mut one = lock(&self.0).pop().unwrap_or_default();
        let result = work(&mut one);
        lock(&self.0).push(one);
        result
    }

    /// All of them, in no particular order.
    pub fn into_all(self) -> Vec<S> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a mutex guards; nothing is left half done by a panic where this is used.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// A loop, a sort and a fork all stay on the thread that is alone, and come to the same as elsewhere.
    #[test]
    fn a_thread_that_is_alone_does_all_work_itself() {
        let here = thread::current().id();
        let work = || {
            let mut squares =
                map_each(0..100_u32, |_, number| (number * number, thread::current().id()));
            sort_unstable_by(&mut squares, |a, b| b.0.cmp(&a.0));
            let ends = join(|| (1, thread::current().id()), || (2, thread::current().id()));
            Ok((squares, [ends.0, ends.1]))
        };
        let (squares, ends) = alone(|| on_threads(Some(4), work)).unwrap();
        assert!(squares.iter().chain(&ends).all(|&(_, thread)| thread == here));
        let (elsewhere, _) = on_threads(Some(4), work).unwrap();
        assert!(elsewhere.iter().all(|&(_, thread)| thread != here));
        assert!(squares.iter().zip(&elsewhere).all(|(a, b)| a.0 == b.0));
    }
}
