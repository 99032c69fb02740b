//! The allocator: memory that is given back is kept for a moment, and used again.
//!
//! A run over millions of clients touches hundreds of megabytes, and to take fresh pages from the
//! system costs a tenth of its time and more.

use std::ffi::{c_int, c_long};

use libmimalloc_sys::{mi_option_get, mi_option_set};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// An option by its number in the header of mimalloc 3, and what it is if nobody says otherwise, in
/// the environment (`MIMALLOC_…`) or here.
struct Setting {
    option: c_int,
    by_default: c_long,
    here: c_long,
}

const SETTINGS: [Setting; 2] = [
    // `purge_delay`: for how many milliseconds freed memory is kept, about as long as a step of a
    // run takes. Longer brings nothing, and adds to the memory held.
    Setting { option: 15, by_default: 1000, here: 10 },
    // `minimal_purge_size`, in KiB: a large page is given back whole or not at all. One that is
    // given back in part is split, and what is left of it taken again as many small ones.
    Setting { option: 44, by_default: 0, here: 2048 },
];

/// Set the allocator's options. Should others have their numbers one day, they are left as they are.
pub fn prepare() {
    for Setting { option, by_default, here } in SETTINGS {
        // SAFETY: both are defined for numbers of options, and may be called at any time.
        unsafe {
            if mi_option_get(option) == by_default {
                mi_option_set(option, here);
            }
        }
    }
}
