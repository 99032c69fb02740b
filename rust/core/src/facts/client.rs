//! What is kept of a client.

use super::basket::{Extra, PendingReturn};
use super::output::Status;
use crate::money::Sum;

/// What is always kept of a client: 24 bytes beside its id.
#[derive(Debug, Clone, Copy)]
pub(super) struct Core {
    pub total: Sum,
    /// Purchase lines; what does not fit 32 bits is lost, which a sum over all clients tells.
    pub lines: u32,
    /// Day of the first purchase; above `last` where there is none.
    pub first: i32,
    pub last: i32,
}

impl Core {
    pub const NONE: Self = Self { total: Sum::ZERO, lines: 0, first: i32::MAX, last: i32::MIN };
    /// The last day of a client that gave back, and never bought: below every day that there is.
    pub const GAVE_BACK: i32 = i32::MIN + 1;

    /// What is known of the client.
    pub fn status(&self) -> Status {
        match (self.lines, self.last) {
            (1.., _) => Status::Bought,
            (0, i32::MIN) => Status::NeverBought,
            (0, _) => Status::ReturnsOnly,
        }
    }

    /// Take a return in, which leaves a mark that the client exists.
    #[inline]
    pub fn give_back(&mut self, amount: i64) {
        self.last = self.last.max(Self::GAVE_BACK);
        self.total.add(amount);
    }

    #[inline]
    pub fn purchase(&mut self, day: i32, amount: i64) {
        self.first = self.first.min(day);
        self.last = self.last.max(day);
        self.lines = self.lines.wrapping_add(1);
        self.total.add(amount);
    }
}

/// A client's id and what is kept of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client<K> {
    pub id: K,
    pub core: Core,
}

/// What is kept for one scope beside the core of all time.
#[derive(Debug, Default)]
pub(super) struct Scoped {
    /// The core of the window; empty for all time, whose core stands with the client.
    pub core: Vec<Core>,
    pub extra: Vec<Extra>,
    /// Distinct orders, and purchase lines without one.
    pub orders: Vec<u32>,
    pub pending: Vec<PendingReturn>,
    /// How many of `pending` there were when outdated ones were last let go.
    pub settled: usize,
}
