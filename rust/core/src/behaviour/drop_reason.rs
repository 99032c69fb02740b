//! Why events are dropped.

/// Why an event is dropped; the first of several reasons counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EventDropReason {
    /// The `where` condition is false or missing.
    Where = 1,
    /// No client.
    Client,
    /// No timestamp.
    Timestamp,
    /// No kind.
    Kind,
    /// Later than `as_of`.
    Future,
    /// Not later than the saved state that the run continues.
    BeforeState,
    /// An open or a click that the client has not agreed to have tracked.
    Tracking,
    /// An event of the same client and id came before.
    Duplicate,
    /// An open by a machine.
    MachineOpen,
    /// Part of a visit by a program.
    Bot,
}

impl EventDropReason {
    /// The names in the account, in order.
    pub const NAMES: [&'static str; 10] = [
        "where",
        "client",
        "timestamp",
        "kind",
        "future",
        "before_state",
        "tracking",
        "duplicate",
        "machine_open",
        "bot",
    ];
}

/// In place of a reason: the event is kept.
pub(super) const KEPT: u8 = 0;
