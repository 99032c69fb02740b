//! The one door through which kernels run: without the interpreter, on as many threads as asked, and
//! only until a signal's handler raises an exception.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use grc_core::stop::run_unless;
use grc_core::threads::pool;
use grc_core::{Error, Result};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;

use crate::errors::exception;

/// How often Python's handlers of signals get to run while a kernel does. Most kernels end before.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(50);

thread_local! {
    /// What stops the kernels that this thread calls, beside signals.
    static SWITCH: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Stops the kernels that other threads call while they are within it.
///
/// Python runs the handlers of signals on its main thread alone, so kernels of other threads know of none:
/// a thread that has started others, and is itself interrupted, stops theirs.
#[pyclass(module = "grc_fast._core", frozen)]
pub struct StopSwitch(Arc<AtomicBool>);

#[pymethods]
impl StopSwitch {
    #[new]
    fn new() -> Self {
        Self(Arc::default())
    }

    fn __enter__(&self) {
        SWITCH.set(Some(self.0.clone()));
    }

    #[expect(clippy::unused_self, reason = "the signature is Python's")]
    fn __exit__(
        &self,
        _type: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        SWITCH.set(None);
    }

    /// Stop the kernels, those to come too.
    fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Let Python run the handlers of signals; what they raise, or what the switch that this thread is within
/// says.
fn reason_to_stop() -> Option<PyErr> {
    let is_stopped =
        SWITCH.with_borrow(|switch| switch.as_ref().is_some_and(|on| on.load(Ordering::Relaxed)));
    if is_stopped {
        return Some(PyKeyboardInterrupt::new_err("another thread was interrupted"));
    }
    // None where the interpreter is ending: a thread that it does not wait for may still be here.
    Python::try_attach(|py| py.check_signals().err()).flatten()
}

/// Run a kernel on a number of threads, all cores by default.
pub fn on_threads<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    kernel: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    let outcome = py.detach(|| -> std::result::Result<PyResult<T>, Error> {
        Ok(match run_unless(&*pool(threads)?, BETWEEN_SIGNALS, reason_to_stop, kernel) {
            Ok(result) => Ok(result?),
            Err(raised) => Err(raised),
        })
    });
    outcome.map_err(|error| exception(&error))?
}
