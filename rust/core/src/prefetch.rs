//! Prefetching: asking for memory ahead of its use.

use std::ops::Range;

/// Bytes of a cache line.
const LINE: usize = 64;

/// Prefetch the cache lines of a range of items, as far as there are such items.
#[inline]
pub fn prefetch_range<T>(items: &[T], range: Range<usize>) {
    for i in range.step_by((LINE / size_of::<T>()).max(1)) {
        prefetch(items, i);
    }
}

/// Prefetch the cache lines of `items[i]`, if there is such an item: a hint that changes no result.
#[inline]
pub fn prefetch<T>(items: &[T], i: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = items.get(i) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let start: *const i8 = std::ptr::from_ref(item).cast();
        // SAFETY: every x86-64 processor has the instruction, which reads and writes nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start) };
        if !LINE.is_multiple_of(size_of::<T>()) {
            // It may span two lines.
            // SAFETY: as above.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(size_of::<T>() - 1)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, i);
}
