//! A line as it waits for its partition's turn.

use super::key::Key;
use crate::prefetch::prefetch_range;

/// A line as it waits for its partition's turn.
pub(super) struct Line<C: Key, O: Key, W> {
    pub client: C::Row,
    pub order: O::Row,
    pub amount: i64,
    pub when: W,
    /// The low bits of the client's hash, the lowest two replaced by flags.
    pub tag: u32,
}

/// The flag of a line that names no order.
pub(super) const NO_ORDER: u32 = 1;
/// The flag of a return.
pub(super) const IS_RETURN: u32 = 2;

/// What a line remembers of its date.
pub(super) trait When: Copy + Send + Sync + 'static {
    fn new(day: i32, instant: i64) -> Self;
    fn day(self) -> i32;
    /// The instant, or the day where instants were not asked for.
    fn instant(self) -> i64;
}

/// The day alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Day(i32);

impl When for Day {
    fn new(day: i32, _: i64) -> Self {
        Self(day)
    }
    fn day(self) -> i32 {
        self.0
    }
    fn instant(self) -> i64 {
        i64::from(self.0)
    }
}

/// The day and the instant.
#[derive(Debug, Clone, Copy)]
#[repr(C, packed(4))] // without four bytes that would be written and read for nothing
pub(super) struct Instant {
    instant: i64,
    day: i32,
}

impl When for Instant {
    fn new(day: i32, instant: i64) -> Self {
        Self { instant, day }
    }
    fn day(self) -> i32 {
        self.day
    }
    fn instant(self) -> i64 {
        self.instant
    }
}

/// The tag of a hash: its low bits, the lowest free for flags.
#[inline]
pub(super) fn tag_of(hash: u64) -> u32 {
    hash as u32 & !(NO_ORDER | IS_RETURN)
}

/// Lines that are looked up together, while the memory of the next ones is on its way.
pub(super) const GROUP: usize = 32;

/// Prefetch a group of lines.
#[inline]
pub(super) fn prefetch_lines<T>(lines: &[T], first: usize) {
    prefetch_range(lines, first..first + GROUP);
}
