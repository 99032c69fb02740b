//! The allocator: memory that is given back is kept for a moment, and used again.
//!
//! A run over millions of clients touches hundreds of megabytes, and to take fresh pages from the
//! system costs a tenth of its time and more.

use std::ffi::{c_int, c_long};

use libmimalloc_sys::{mi_option_get, mi_option_set};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The number of the option `mi_option_purge_delay` in the header of mimalloc 3: for how many
/// milliseconds freed memory is kept.
const PURGE_DELAY: c_int = 15;
/// What it is if nobody says otherwise, in the environment (`MIMALLOC_PURGE_DELAY`) or here.
const BY_DEFAULT: c_long = 1000;
/// About as long as a step of a run takes. Longer brings nothing, and adds to the memory held.
const KEPT_FOR: c_long = 10;

/// Set the allocator's option. Should another have its number one day, it is left as it is.
pub fn prepare() {
    // SAFETY: both are defined for numbers of options, and may be called at any time.
    unsafe {
        if mi_option_get(PURGE_DELAY) == BY_DEFAULT {
            mi_option_set(PURGE_DELAY, KEPT_FOR);
        }
    }
}
