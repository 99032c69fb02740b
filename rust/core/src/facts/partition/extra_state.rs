//! Baskets, first days and returns: what is kept of a client only when it is asked for.

use crate::facts::store::ClientState;
use crate::money::Sum;

/// The rarer facts of one client in one scope.
#[derive(Debug, Clone, Copy)]
pub struct ExtraState {
    /// Instant of the last purchase.
    pub last_instant: i64,
    /// Money at that instant, or of the last order.
    pub last_basket: i128,
    /// The largest basket; meaningless without a purchase.
    pub max_basket: i128,
    /// Money on the day of the first purchase.
    pub first_day: Sum,
    /// Money of the returns.
    pub returns: Sum,
}

/// A line as the rarer facts see it.
#[derive(Debug, Clone, Copy)]
pub struct ExtraLine {
    pub day: i32,
    pub instant: i64,
    pub amount: i64,
    pub is_return: bool,
    pub basket: BasketKey,
}

/// Which lines are a basket together with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BasketKey {
    /// Those of its instant: orders are not told apart.
    Instant,
    /// Those of the order that it names.
    Order,
    /// None: it names no order where others do, and is an order of its own.
    Alone,
}

/// A return that a purchase yet to be read may turn out to belong to.
///
/// Lines come in any order. A return later than every purchase read so far lowers the last basket
/// if a purchase of its instant follows; one before every purchase lowers the first day likewise.
#[derive(Debug, Clone, Copy)]
pub struct PendingReturn {
    pub client: u32,
    pub day: i32,
    pub instant: i64,
    pub amount: i64,
    pub for_last: bool,
    pub for_first: bool,
}

impl ExtraState {
    pub const NONE: Self = Self {
        last_instant: i64::MIN,
        last_basket: 0,
        max_basket: i128::MIN,
        first_day: Sum::ZERO,
        returns: Sum::ZERO,
    };

    /// Take a line in; `state` is its client's before the line.
    pub fn line(&mut self, state: &ClientState, line: ExtraLine) {
        let amount = i128::from(line.amount);
        if line.is_return {
            self.returns.add(line.amount);
            if line.day == state.first {
                self.first_day.add(line.amount);
            }
            if line.basket == BasketKey::Instant && line.instant == self.last_instant {
                self.last_basket += amount;
            }
            return;
        }
        if line.day < state.first {
            self.first_day = Sum::from(line.amount);
        } else if line.day == state.first {
            self.first_day.add(line.amount);
        }
        match line.basket {
            BasketKey::Instant if line.instant == self.last_instant => self.last_basket += amount,
            BasketKey::Instant if line.instant > self.last_instant => {
                self.last_instant = line.instant;
                self.last_basket = amount;
            }
            BasketKey::Alone => self.order(line.instant, amount),
            BasketKey::Instant | BasketKey::Order => {}
        }
        if line.basket == BasketKey::Instant {
            self.max_basket = self.max_basket.max(amount);
        }
    }

    /// Take a whole order in: of several at the last instant the larger is the last.
    pub fn order(&mut self, instant: i64, basket: i128) {
        let first = self.max_basket == i128::MIN;
        self.max_basket = self.max_basket.max(basket);
        if first || (instant, basket) > (self.last_instant, self.last_basket) {
            self.last_instant = instant;
            self.last_basket = basket;
        }
    }

    /// The return as it has to wait, if a later line can still make it count.
    pub fn pending(
        &self,
        state: &ClientState,
        client: u32,
        line: ExtraLine,
    ) -> Option<PendingReturn> {
        let for_last = line.basket == BasketKey::Instant && line.instant > self.last_instant;
        let for_first = line.day < state.first;
        (for_last || for_first).then_some(PendingReturn {
            client,
            day: line.day,
            instant: line.instant,
            amount: line.amount,
            for_last,
            for_first,
        })
    }
}
