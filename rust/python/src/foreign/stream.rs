//! Some columns of a table as a stream of the C interface of Arrow.
//!
//! The arrays are those of the other library, so that nothing is copied: each batch that goes out
//! holds the batch that came in.

use std::ffi::{CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::{Field, Schema};

use super::batches::{Batches, Column};
use super::checks;

// What functions of the interface return if they fail: invalid argument.
const INVALID: c_int = 22;

/// Batches of some columns, checked as they come.
pub struct CheckedBatches {
    batches: Batches,
    /// How many columns each batch must have.
    width: usize,
    columns: Vec<(usize, Field)>,
    progress: Arc<Progress>,
    last_error: CString,
}

/// How far a stream has been read.
#[derive(Default)]
pub struct Progress {
    rows: AtomicU64,
    has_ended: AtomicBool,
}

impl Progress {
    /// The rows of all batches, None before the stream has ended.
    pub fn all_rows(&self) -> Option<u64> {
        self.has_ended.load(Ordering::Acquire).then(|| self.rows.load(Ordering::Acquire))
    }
}

impl CheckedBatches {
    /// Select columns, by their positions among all.
    pub fn new(batches: Batches, all: &[Column], columns: Vec<(usize, Field)>) -> Self {
        let width = all.len();
        Self { batches, width, columns, progress: Arc::default(), last_error: CString::default() }
    }

    /// How far they have been read, to be seen while somebody reads them.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// The stream of the C interface.
    pub fn into_ffi(self) -> FFI_ArrowArrayStream {
        FFI_ArrowArrayStream {
            get_schema: Some(get_schema),
            get_next: Some(get_next),
            get_last_error: Some(get_last_error),
            release: Some(release_stream),
            private_data: Box::into_raw(Box::new(self)).cast(),
        }
    }

    fn schema(&self) -> Result<FFI_ArrowSchema, String> {
        let fields: Vec<Field> = self.columns.iter().map(|(_, field)| field.clone()).collect();
        FFI_ArrowSchema::try_from(&Schema::new(fields)).map_err(|error| error.to_string())
    }

    fn next(&mut self) -> Result<FFI_ArrowArray, String> {
        let Some(batch) = self.batches.next()? else {
            self.progress.has_ended.store(true, Ordering::Release);
            return Ok(FFI_ArrowArray::empty());
        };
        // SAFETY: whoever hands a batch over answers for what cannot be checked.
        let children = unsafe { checks::columns(&batch, self.width) }
            .map_err(|fault| format!("a batch is broken, as {fault}"))?;
        let mut chosen = Vec::with_capacity(self.columns.len());
        for (position, field) in &self.columns {
            let child = children[*position];
            // SAFETY: as above; nobody else has the batch.
            unsafe { checks::check(&mut *child, field.data_type()) }
                .map_err(|fault| format!("its column '{}' is broken, as {fault}", field.name()))?;
            chosen.push(child);
        }
        self.progress.rows.fetch_add(batch.length as u64, Ordering::Release);
        Ok(Selection::of(batch, chosen))
    }

    /// Run a function for whoever reads; what goes wrong in it is kept as the last error.
    fn answer<T>(&mut self, out: *mut T, run: impl Fn(&mut Self) -> Result<T, String>) -> c_int {
        let panicked = |_| Err("its arrays do not hold what they promise".to_owned());
        match catch_unwind(AssertUnwindSafe(|| run(self))).unwrap_or_else(panicked) {
            Ok(value) => {
                // SAFETY: whoever reads has room for it there, and nothing that must be dropped.
                unsafe { out.write(value) };
                0
            }
            Err(reason) => {
                let text: Vec<u8> = reason.into_bytes().into_iter().filter(|&b| b != 0).collect();
                self.last_error = CString::new(text).unwrap_or_default();
                INVALID
            }
        }
    }
}

/// Some columns of a batch, and the batch that owns them.
struct Selection {
    batch: FFI_ArrowArray,
    columns: Vec<*mut FFI_ArrowArray>,
}

impl Selection {
    fn of(batch: FFI_ArrowArray, columns: Vec<*mut FFI_ArrowArray>) -> FFI_ArrowArray {
        let mut held = Box::new(Self { batch, columns });
        let mut array = FFI_ArrowArray::empty();
        array.length = held.batch.length;
        array.null_count = held.batch.null_count;
        array.offset = held.batch.offset;
        array.n_buffers = held.batch.n_buffers;
        array.buffers = held.batch.buffers;
        array.n_children = held.columns.len() as i64;
        array.children = held.columns.as_mut_ptr();
        array.release = Some(release_selection);
        array.private_data = Box::into_raw(held).cast();
        array
    }
}

unsafe extern "C" fn release_selection(array: *mut FFI_ArrowArray) {
    // SAFETY: this is the function of an array that was made above, and it is called once.
    unsafe {
        drop(Box::from_raw((*array).private_data.cast::<Selection>()));
        (*array).release = None;
        (*array).private_data = std::ptr::null_mut::<c_void>();
    }
}

/// The batches behind a stream that was made here.
///
/// # Safety
/// It was, and was not released.
unsafe fn behind<'a>(stream: *mut FFI_ArrowArrayStream) -> &'a mut CheckedBatches {
    // SAFETY: the private data of such a stream is this, and calls of one stream never overlap.
    unsafe { &mut *(*stream).private_data.cast() }
}

unsafe extern "C" fn get_schema(
    stream: *mut FFI_ArrowArrayStream,
    out: *mut FFI_ArrowSchema,
) -> c_int {
    // SAFETY: this is the function of a stream that was made here.
    unsafe { behind(stream) }.answer(out, |batches| batches.schema())
}

unsafe extern "C" fn get_next(
    stream: *mut FFI_ArrowArrayStream,
    out: *mut FFI_ArrowArray,
) -> c_int {
    // SAFETY: this is the function of a stream that was made here.
    unsafe { behind(stream) }.answer(out, CheckedBatches::next)
}

unsafe extern "C" fn get_last_error(stream: *mut FFI_ArrowArrayStream) -> *const c_char {
    // SAFETY: this is the function of a stream that was made here.
    unsafe { behind(stream) }.last_error.as_ptr()
}

unsafe extern "C" fn release_stream(stream: *mut FFI_ArrowArrayStream) {
    // SAFETY: this is the function of a stream that was made here, and it is called once.
    unsafe {
        drop(Box::from_raw((*stream).private_data.cast::<CheckedBatches>()));
        (*stream).release = None;
        (*stream).private_data = std::ptr::null_mut();
    }
}
