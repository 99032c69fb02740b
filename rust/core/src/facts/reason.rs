//! Why lines are not used.

/// Why a line is not used, in the order in which reasons win.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// The `where` condition is false or missing.
    Where = 1,
    /// No client.
    Client,
    /// No date.
    Date,
    /// No amount, or one that is not finite.
    Amount,
    /// Later than `as_of`.
    Future,
    /// A return, where returns are dropped.
    Return,
}

impl Reason {
    /// Every reason, in order.
    pub const ALL: [Self; 6] =
        [Self::Where, Self::Client, Self::Date, Self::Amount, Self::Future, Self::Return];

    /// The reason's name in the account.
    pub fn name(self) -> &'static str {
        match self {
            Self::Where => "where",
            Self::Client => "client",
            Self::Date => "date",
            Self::Amount => "amount",
            Self::Future => "future",
            Self::Return => "returns",
        }
    }
}

/// The fate of a line that is used.
pub(super) const USED: u8 = 0;

/// Give a reason to the lines that have none yet.
#[inline]
pub(super) fn mark(fate: &mut [u8], reason: Reason, drops: impl Fn(usize) -> bool) {
    for (i, fate) in fate.iter_mut().enumerate() {
        if *fate == USED && drops(i) {
            *fate = reason as u8;
        }
    }
}
