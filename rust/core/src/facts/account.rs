//! What became of the lines of a pass.

use std::ops::Add;

use super::drop_reason::{LineDropReason, USED};

/// What became of every line that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactsAccount {
    /// Lines read.
    pub rows_read: u64,
    /// Lines used.
    pub rows_used: u64,
    /// Lines dropped and their money, in the order of [`LineDropReason::ALL`].
    pub dropped: [(u64, i128); 6],
    /// Money of the lines used.
    pub money_used: i128,
    /// Returns among the lines used, and their money.
    pub returns: (u64, i128),
    /// Clients who bought, who have only returns, and who have no line.
    pub clients: [u64; 3],
    /// Clients with lines whom the base does not hold, where there is one.
    pub clients_outside_base: u64,
    /// Orders of one client with purchases on more than one day.
    pub orders_on_two_dates: u64,
    /// Purchase lines that name no order.
    pub rows_without_order: u64,
    /// Rows of the base without a client.
    pub base_rows_dropped: u64,
    /// The first and last day of the lines used.
    pub days: Option<(i32, i32)>,
    /// The first day of lines that are whole, whether used or too late.
    pub first_day_read: Option<i32>,
    /// The day that recency counts from.
    pub as_of: Option<i32>,
    /// Decimal places of the money above.
    pub money_places: i8,
}

impl FactsAccount {
    fn see_range(&mut self, first: i32, last: i32) {
        self.days = Some(self.days.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
        self.see_first(first);
    }

    fn see_first(&mut self, first: i32) {
        self.first_day_read = Some(self.first_day_read.map_or(first, |day| day.min(first)));
    }

    /// Count in the days of lines that are all used.
    pub(super) fn see_days(&mut self, days: &[i32]) {
        let range = days.iter().fold((i32::MAX, i32::MIN), |(a, b), &day| (a.min(day), b.max(day)));
        self.see_range(range.0, range.1);
    }

    /// Count in lines of which some are dropped.
    pub(super) fn see_drops(&mut self, drops: &[u8], days: &[i32], amounts: &[i64]) {
        for ((&drop, &day), &amount) in drops.iter().zip(days).zip(amounts) {
            if drop == USED {
                self.rows_used += 1;
                self.see_range(day, day);
            } else {
                let dropped = &mut self.dropped[drop as usize - 1];
                dropped.0 += 1;
                dropped.1 += i128::from(amount);
            }
            if drop == LineDropReason::Future as u8 {
                self.see_first(day);
            }
        }
    }
}

impl Add<&Self> for FactsAccount {
    type Output = Self;

    /// The account of two workers, or partitions, together; what they do not count stays.
    fn add(mut self, other: &Self) -> Self {
        self.rows_read += other.rows_read;
        self.rows_used += other.rows_used;
        self.money_used += other.money_used;
        self.returns.0 += other.returns.0;
        self.returns.1 += other.returns.1;
        self.clients_outside_base += other.clients_outside_base;
        self.orders_on_two_dates += other.orders_on_two_dates;
        self.rows_without_order += other.rows_without_order;
        for (sum, more) in self.clients.iter_mut().zip(other.clients) {
            *sum += more;
        }
        for (sum, more) in self.dropped.iter_mut().zip(other.dropped) {
            sum.0 += more.0;
            sum.1 += more.1;
        }
        if let Some((first, last)) = other.days {
            self.see_range(first, last);
        }
        if let Some(first) = other.first_day_read {
            self.see_first(first);
        }
        self
    }
}
