//! What is always kept of a client.

use crate::money::Sum;

/// What is known of a client of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// There is a purchase.
    Bought = 0,
    /// There are returns, and no purchase.
    ReturnsOnly = 1,
    /// There is no line at all.
    NeverBought = 2,
}

/// What is always kept of a client: 24 bytes beside its id.
#[derive(Debug, Clone, Copy)]
pub struct ClientState {
    pub total: Sum,
    /// Purchase lines; what does not fit 32 bits is lost, which a sum over all clients tells.
    pub lines: u32,
    /// Day of the first purchase; above `last` where there is none.
    pub first: i32,
    pub last: i32,
}

impl ClientState {
    pub const NONE: Self = Self { total: Sum::ZERO, lines: 0, first: i32::MAX, last: i32::MIN };
    /// The last day of a client with returns only: below every day that there is.
    pub const RETURNS_ONLY: i32 = i32::MIN + 1;

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
    pub fn add_return(&mut self, amount: i64) {
        self.last = self.last.max(Self::RETURNS_ONLY);
        self.total.add(amount);
    }

    /// Take in what is known of the client from other lines; a client of whom something is known has
    /// lines.
    pub fn merge(&mut self, lines: i64, first: i32, last: i32, total: Sum) {
        self.last = self.last.max(Self::RETURNS_ONLY);
        if lines > 0 {
            self.first = self.first.min(first);
            self.last = self.last.max(last);
            self.lines = self.lines.wrapping_add(lines as u32);
        }
        self.total.merge(total);
    }

    #[inline]
    pub fn add_purchase(&mut self, day: i32, amount: i64) {
        self.first = self.first.min(day);
        self.last = self.last.max(day);
        self.lines = self.lines.wrapping_add(1);
        self.total.add(amount);
    }
}
