//! What is asked of a pass.

use super::fact::Request;

/// What is asked of a pass.
#[derive(Debug, Clone)]
pub struct FactsOptions {
    /// The facts.
    pub facts: Vec<Request>,
    /// The day that recency and windows count from; none for the day after the last line used.
    pub as_of: Option<i32>,
    /// What a negative amount is.
    pub returns: Returns,
    /// Whether lines name their order.
    pub order: bool,
    /// Decimal places that float amounts are rounded to.
    pub money_scale: u8,
    /// The zone that zoned instants are shown in.
    pub timezone: String,
    /// Whether text ids that are all plain integers come out as integers.
    pub plain_integer_ids: bool,
    /// The number of threads; none for one a core.
    pub threads: Option<usize>,
}

/// What a negative amount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returns {
    /// A return: it lowers money, and is no purchase.
    Net,
    /// A line to drop.
    Drop,
    /// A line like any other.
    Keep,
}
