//! Ranges of words, in whole stripes.

use std::ops::Range;

use super::partitioning::{BLOCK_BITS, STRIPE_BITS};

/// A range of words, in whole stripes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeRange(Range<u64>);

impl StripeRange {
    /// The stripes that two words and those between them lie in.
    pub fn of(least: u64, most: u64) -> Self {
        Self(least >> STRIPE_BITS..(most >> STRIPE_BITS) + 1)
    }

    /// Whether another range is part of this one.
    pub fn covers(&self, other: &Self) -> bool {
        self.0.start <= other.0.start && other.0.end <= self.0.end
    }

    /// The range and an eighth more at its end: new clients get the next numbers.
    pub fn with_headroom(&self) -> Self {
        let most = u64::MAX >> STRIPE_BITS;
        let end = self.0.end + (self.0.end - self.0.start).div_ceil(8);
        Self(self.0.start..end.min(most + 1))
    }

    /// How many words that is.
    pub fn words(&self) -> u128 {
        u128::from(self.0.end - self.0.start) << STRIPE_BITS
    }

    /// The first stripe.
    pub fn first(&self) -> u64 {
        self.0.start
    }

    /// How many of the words are those of one partition.
    pub fn slots(&self) -> usize {
        ((self.0.end - self.0.start) << BLOCK_BITS) as usize
    }
}
