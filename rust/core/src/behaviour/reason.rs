//! Why events are not used.

/// Why an event is not used, in the order in which reasons win.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
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
    /// Not later than the saved state that the run goes on from.
    BeforeState,
    /// An event of the same client and id came before.
    Duplicate,
    /// An open by a machine.
    MachineOpen,
    /// Part of a visit by a program.
    Bot,
}

impl Reason {
    /// Every reason, in order.
    pub const ALL: [Self; 9] = [
        Self::Where,
        Self::Client,
        Self::Timestamp,
        Self::Kind,
        Self::Future,
        Self::BeforeState,
        Self::Duplicate,
        Self::MachineOpen,
        Self::Bot,
    ];

    /// The reason's name in the account.
    pub fn name(self) -> &'static str {
        match self {
            Self::Where => "where",
            Self::Client => "client",
            Self::Timestamp => "timestamp",
            Self::Kind => "kind",
            Self::Future => "future",
            Self::BeforeState => "before_state",
            Self::Duplicate => "duplicate",
            Self::MachineOpen => "machine_open",
            Self::Bot => "bot",
        }
    }
}

/// The fate of an event that is used.
pub(super) const USED: u8 = 0;
