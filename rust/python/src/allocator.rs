//! The allocator: memory that is given back is kept for a moment, and used again.
//!
//! A run over millions of clients touches hundreds of megabytes, and to take fresh pages from the
//! system costs a tenth of its time and more.

use std::ffi::{c_int, c_long};

use libmimalloc_sys::{_mi_option_last, mi_option_set_default};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `mi_option_purge_delay`: for how many milliseconds freed memory is kept. About as long as a step
/// of a run takes: longer brings nothing, and adds to the memory held.
const PURGE_DELAY: (c_int, c_long) = (15, 10);

/// `mi_option_minimal_purge_size`, in KiB: large pages are given back whole, and stay until all of
/// one is free. Given back in part one is split, and taken again as hundreds of small ones.
const MINIMAL_PURGE_SIZE: (c_int, c_long) = (44, 2048);

// The numbers are those of the header of mimalloc 3 with so many options.
const _: () = assert!(_mi_option_last == 47, "look the numbers of the options up again");

/// Set the allocator's options, but for those that the environment (`MIMALLOC_…`) sets.
pub fn prepare() {
    for (option, value) in [PURGE_DELAY, MINIMAL_PURGE_SIZE] {
        // SAFETY: it is defined for numbers of options, and may be called at any time.
        unsafe { mi_option_set_default(option, value) };
    }
}
