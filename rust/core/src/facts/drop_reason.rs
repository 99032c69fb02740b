//! Why lines are not used.

/// Why a line is not used, in the order in which reasons win.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LineDropReason {
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

impl LineDropReason {
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

/// In place of a reason: the line is used.
pub(super) const USED: u8 = 0;

/// Give a reason to the lines that have none yet and are dropped for it.
#[inline]
pub(super) fn mark(drops: &mut [u8], reason: LineDropReason, is_dropped: impl Fn(usize) -> bool) {
    for (i, drop) in drops.iter_mut().enumerate() {
        if *drop == USED && is_dropped(i) {
            *drop = reason as u8;
        }
    }
}
