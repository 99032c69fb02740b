//! What the partitions of a run keep.

/// What to keep for one window, or for all time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope {
    /// Lines of this day and before do not count; `i32::MIN` for all time.
    pub after: i32,
    /// Whether any of the facts of [`Extra`](super::basket::Extra) is asked for.
    pub extra: bool,
    /// Whether the number of orders is.
    pub orders: bool,
    /// Whether the sums of orders are.
    pub baskets: bool,
}

impl Scope {
    pub fn is_all_time(&self) -> bool {
        self.after == i32::MIN
    }
}

/// What the partitions of one run keep, and how they read lines.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// The first is all time.
    pub scopes: Vec<Scope>,
    pub orders: bool,
    pub days: bool,
}

impl Plan {
    /// Whether a line touches nothing but its client's [`Core`](super::client::Core) and the log of
    /// orders.
    pub fn is_plain(&self) -> bool {
        self.scopes.len() == 1 && !self.scopes[0].extra && !self.has_baskets() && !self.days
    }

    /// Whether the money of each order is kept.
    pub fn has_baskets(&self) -> bool {
        self.scopes.iter().any(|scope| scope.baskets)
    }
}
