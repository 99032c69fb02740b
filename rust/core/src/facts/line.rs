//! A line as it waits for its partition's turn.

use super::keys::Key;

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
pub(super) struct Instant {
    day: i32,
    instant: i64,
}

impl When for Instant {
    fn new(day: i32, instant: i64) -> Self {
        Self { day, instant }
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
