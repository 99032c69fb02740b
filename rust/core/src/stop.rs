//! Calls that can be stopped before they are done.
//!
//! Calls share the threads of pools, so what a thread does at a time says for which call it does it:
//! parallel loops hand that on to their tasks. A call that is asked to stop begins no more tasks, and
//! unwinds, so that nobody takes what it has done so far for a result.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rayon::ThreadPool;

use crate::threads::lock;

/// Whether a call is asked to stop. Threads look often, so it shares no cache line with anything.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Flag(AtomicBool);

/// Flags that no call uses. They live for ever, so that tasks copy a reference and count none; there are
/// as many as calls ran at a time.
static UNUSED: Mutex<Vec<&'static Flag>> = Mutex::new(Vec::new());

/// A flag for as long as a call runs.
struct OwnFlag(&'static Flag);

impl OwnFlag {
    fn new() -> Self {
        Self(lock(&UNUSED).pop().unwrap_or_else(|| Box::leak(Box::default())))
    }

    fn raise(&self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Drop for OwnFlag {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
        lock(&UNUSED).push(self.0);
    }
}

thread_local! {
    /// The call for which this thread works; none for one that cannot be stopped.
    static CURRENT: Cell<Call> = const { Cell::new(Call(None)) };
}

/// A call, as its tasks know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call(Option<&'static Flag>);

impl Call {
    /// The call for which this thread works.
    pub fn current() -> Self {
        CURRENT.get()
    }

    /// Whether it is asked to stop.
    #[inline]
    pub fn is_asked_to_stop(self) -> bool {
        self.0.is_some_and(|flag| flag.0.load(Ordering::Relaxed))
    }

    /// Do work for it.
    #[inline]
    pub fn work<T>(self, work: impl FnOnce() -> T) -> T {
        struct Before(Call);
        impl Drop for Before {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }
        let _before = Before(CURRENT.replace(self));
        work()
    }

    /// Unwind if it is asked to stop.
    #[inline]
    pub fn check(self) {
        if self.is_asked_to_stop() {
            unwind();
        }
    }
}

/// What a call unwinds with that is asked to stop.
struct Stopped;

#[cold]
fn unwind() -> ! {
    resume_unwind(Box::new(Stopped)) // without the message of a panic
}

/// Unwind if the call for which this thread works is asked to stop: to be called a few times a second
/// by work that takes long, in a task or outside of parallel loops.
pub(crate) fn stop_if_asked() {
    Call::current().check();
}

/// Run a call on a pool, while this thread looks from time to time for a reason to stop it.
///
/// # Errors
/// If there was a reason; it is given back once the call has ended, and what the call had been working
/// on cannot be used any more.
///
/// # Panics
/// If the call does.
pub fn run_unless<T: Send, R>(
    pool: &ThreadPool,
    looked_for_every: Duration,
    reason: impl Fn() -> Option<R>,
    call: impl FnOnce() -> T + Send,
) -> Result<T, R> {
    if pool.current_thread_index().is_some() {
        return Ok(call()); // a pool of one thread could not run it while that thread waits
    }
    let flag = OwnFlag::new();
    let own = Call(Some(flag.0));
    let (mut outcome, mut found) = (None, None);
    let is_done = AtomicBool::new(false);
    let caller = thread::current();
    pool.in_place_scope(|scope| {
        scope.spawn(|_| {
            outcome = Some(catch_unwind(AssertUnwindSafe(|| own.work(call))));
            is_done.store(true, Ordering::Release);
            caller.unpark();
        });
        let mut next = Instant::now() + looked_for_every;
        while !is_done.load(Ordering::Acquire) {
            thread::park_timeout(next.saturating_duration_since(Instant::now()));
            if Instant::now() >= next {
                next += looked_for_every;
                if found.is_none() {
                    found = reason();
                    if found.is_some() {
                        flag.raise();
                    }
                }
            }
        }
    });
    match (found, outcome.expect("the scope ends after the call")) {
        (Some(reason), _) => Err(reason),
        (None, Ok(result)) => Ok(result),
        (None, Err(panic)) => resume_unwind(panic),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::threads::{map_each, pool};

    const OFTEN: Duration = Duration::from_millis(1);

    #[test]
    fn a_call_stops_between_tasks_and_another_on_the_same_threads_goes_on() {
        for threads in [1, 2] {
            let pool = pool(Some(threads)).unwrap();
            let tasks = |count: usize, done: &AtomicUsize| {
                map_each(0..count, |_, number| {
                    thread::sleep(Duration::from_micros(500));
                    done.fetch_add(1, Ordering::Relaxed);
                    number
                })
            };
            let (stopped, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
            thread::scope(|scope| {
                let other = scope
                    .spawn(|| run_unless(&pool, OFTEN, || None::<()>, || tasks(400, &finished)));
                let reason = || (stopped.load(Ordering::Relaxed) > 3).then_some("a reason");
                let outcome = run_unless(&pool, OFTEN, reason, || tasks(100_000, &stopped));
                assert_eq!(outcome, Err("a reason"));
                assert_eq!(other.join().unwrap(), Ok((0..400).collect()));
            });
            assert!(stopped.into_inner() < 10_000);
            assert_eq!(finished.into_inner(), 400);
        }
    }

    #[test]
    fn a_task_that_takes_long_stops_where_it_asks() {
        let pool = pool(Some(2)).unwrap();
        let begun = Instant::now();
        let endless = || {
            map_each(0..8, |_, _| {
                loop {
                    thread::sleep(OFTEN);
                    stop_if_asked();
                    assert!(begun.elapsed() < Duration::from_secs(60), "it was not stopped");
                }
            })
        };
        let reason = || (begun.elapsed() > 20 * OFTEN).then_some(());
        assert_eq!(run_unless(&pool, OFTEN, reason, endless), Err::<Vec<()>, _>(()));
    }

    #[test]
    fn a_call_within_a_call_runs_on_the_thread_at_hand() {
        let pool = pool(Some(1)).unwrap();
        let inner = || run_unless(&pool, OFTEN, || None::<()>, || map_each(0..9, |_, i| i).len());
        assert_eq!(run_unless(&pool, OFTEN, || None::<()>, inner), Ok(Ok(9)));
    }

    #[test]
    #[should_panic(expected = "a fault")]
    fn a_panic_is_carried_to_the_caller() {
        let fault = || {
            map_each(0..9, |_, number| assert_ne!(number, 5, "a fault"));
        };
        let _ = run_unless(&pool(Some(2)).unwrap(), OFTEN, || None::<()>, fault);
    }

    #[test]
    fn a_flag_is_used_again_and_down() {
        let pool = pool(Some(1)).unwrap();
        for _ in 0..100 {
            let sleep = || map_each(0..1000, |_, _| thread::sleep(OFTEN)).len();
            assert_eq!(run_unless(&pool, OFTEN, || Some(()), sleep), Err(()));
            assert_eq!(run_unless(&pool, OFTEN, || None::<()>, || 1), Ok(1));
        }
        assert!(lock(&UNUSED).len() < 50);
    }
}
