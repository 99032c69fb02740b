//! The facts that can be asked for.

use crate::error::{Error, Result};

/// Something to know of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// Day of the first purchase.
    FirstPurchase,
    /// Day of the last purchase.
    LastPurchase,
    /// Days from the last purchase to `as_of`.
    Recency,
    /// Distinct orders.
    Orders,
    /// Purchase lines.
    Lines,
    /// Distinct days with a purchase.
    ActiveDays,
    /// Mean days between active days.
    MeanGap,
    /// Sum of the natural logarithms of the days between active days.
    LogGaps,
    /// Money.
    Total,
    /// Money an order.
    MeanBasket,
    /// Money of the last order, or at the last instant.
    LastBasket,
    /// Money of the largest order, or line.
    MaxBasket,
    /// Money on the day of the first purchase.
    FirstDayTotal,
    /// Money of the returns: zero or less.
    ReturnsTotal,
}

impl Fact {
    /// Every fact and its name.
    pub const NAMES: [(&'static str, Self); 14] = [
        ("first_purchase", Self::FirstPurchase),
        ("last_purchase", Self::LastPurchase),
        ("recency", Self::Recency),
        ("orders", Self::Orders),
        ("lines", Self::Lines),
        ("active_days", Self::ActiveDays),
        ("mean_gap", Self::MeanGap),
        ("log_gaps", Self::LogGaps),
        ("total", Self::Total),
        ("mean_basket", Self::MeanBasket),
        ("last_basket", Self::LastBasket),
        ("max_basket", Self::MaxBasket),
        ("first_day_total", Self::FirstDayTotal),
        ("returns_total", Self::ReturnsTotal),
    ];

    /// The fact of a name.
    ///
    /// # Errors
    /// If there is none: the sentence lists them.
    pub fn named(name: &str) -> Result<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, fact)| *fact).ok_or_else(
            || {
                let names: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
                Error::Option(format!(
                    "there is no fact \"{name}\": take one of {}",
                    names.join(", ")
                ))
            },
        )
    }

    /// Whether a client without a purchase (or with one active day) has none.
    pub(super) fn may_be_missing(self) -> bool {
        !matches!(
            self,
            Self::Orders
                | Self::Lines
                | Self::ActiveDays
                | Self::LogGaps
                | Self::Total
                | Self::FirstDayTotal
                | Self::ReturnsTotal
        )
    }

    /// Whether the sums of orders have to be kept for it, where orders are told apart.
    pub(super) fn needs_baskets(self) -> bool {
        matches!(self, Self::LastBasket | Self::MaxBasket)
    }

    /// Whether it counts orders.
    pub(super) fn counts_orders(self) -> bool {
        matches!(self, Self::Orders | Self::MeanBasket)
    }

    /// Whether what one pass knows of it and what another knows can be put together.
    pub(super) fn is_mergeable(self) -> bool {
        !self.needs_days() && !matches!(self, Self::LastBasket | Self::FirstDayTotal)
    }

    pub(super) fn needs_days(self) -> bool {
        matches!(self, Self::ActiveDays | Self::MeanGap | Self::LogGaps)
    }

    /// Whether more than the state of a client is kept for it even where each line is an order.
    pub(super) fn needs_extra(self) -> bool {
        matches!(
            self,
            Self::LastBasket | Self::MaxBasket | Self::FirstDayTotal | Self::ReturnsTotal
        )
    }
}

/// A fact, over all time or over the days of a window that ends on `as_of`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The fact.
    pub fact: Fact,
    /// The length of the window.
    pub window: Option<String>,
}
