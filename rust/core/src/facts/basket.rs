//! Baskets, first days and returns: what is kept of a client only when it is asked for.

use super::client::{Client, Core, Scoped};
use super::plan::Scope;
use crate::money::Sum;

/// The rarer facts of one client in one scope.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extra {
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
pub(super) struct Seen {
    pub day: i32,
    pub instant: i64,
    pub amount: i64,
    pub is_return: bool,
    /// Whether orders are told apart at all, and whether this line names one.
    pub numbered: Numbered,
}

/// How a line belongs to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbered {
    /// Orders are not told apart: the lines of an instant are a basket.
    No,
    /// It names its order.
    Yes,
    /// It names none, and is an order of its own.
    Alone,
}

/// A return that a purchase yet to be read may turn out to belong to.
///
/// Lines come in any order. A return later than every purchase read so far lowers the last basket
/// if a purchase of its instant follows; one before every purchase lowers the first day likewise.
#[derive(Debug, Clone, Copy)]
pub(super) struct PendingReturn {
    client: u32,
    day: i32,
    instant: i64,
    amount: i64,
    for_last: bool,
    for_first: bool,
}

impl Extra {
    pub const NONE: Self = Self {
        last_instant: i64::MIN,
        last_basket: 0,
        max_basket: i128::MIN,
        first_day: Sum::ZERO,
        returns: Sum::ZERO,
    };

    /// Take a line in; `core` is its client's before the line.
    pub fn line(&mut self, core: &Core, seen: Seen) {
        let amount = i128::from(seen.amount);
        if seen.is_return {
            self.returns.add(seen.amount);
            if seen.day == core.first {
                self.first_day.add(seen.amount);
            }
            if seen.numbered == Numbered::No && seen.instant == self.last_instant {
                self.last_basket += amount;
            }
            return;
        }
        if seen.day < core.first {
            self.first_day = Sum::from(seen.amount);
        } else if seen.day == core.first {
            self.first_day.add(seen.amount);
        }
        match seen.numbered {
            Numbered::No if seen.instant == self.last_instant => self.last_basket += amount,
            Numbered::No if seen.instant > self.last_instant => {
                self.last_instant = seen.instant;
                self.last_basket = amount;
            }
            Numbered::Alone => self.order(seen.instant, amount),
            Numbered::No | Numbered::Yes => {}
        }
        if seen.numbered == Numbered::No {
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
    pub fn pending(&self, core: &Core, client: u32, seen: Seen) -> Option<PendingReturn> {
        let for_last = seen.numbered == Numbered::No && seen.instant > self.last_instant;
        let for_first = seen.day < core.first;
        (for_last || for_first).then_some(PendingReturn {
            client,
            day: seen.day,
            instant: seen.instant,
            amount: seen.amount,
            for_last,
            for_first,
        })
    }
}

impl Scoped {
    /// The core of a client in this scope.
    pub fn core_of<K>(&self, scope: &Scope, clients: &[Client<K>], client: usize) -> Core
    where
        K: Copy,
    {
        if scope.is_all_time() { clients[client].core } else { self.core[client] }
    }

    /// Let go of returns that purchases read since have left behind, whenever they have doubled.
    pub fn forget_outdated<K: Copy>(&mut self, scope: &Scope, clients: &[Client<K>]) {
        if self.pending.len() < 1024 + 2 * self.settled {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        pending.retain(|wait| {
            let client = wait.client as usize;
            (wait.for_last && wait.instant >= self.extra[client].last_instant)
                || (wait.for_first && wait.day <= self.core_of(scope, clients, client).first)
        });
        self.settled = pending.len();
        self.pending = pending;
    }

    /// After the last line: add each waiting return to the purchase that it belongs to.
    pub fn settle<K: Copy>(&mut self, scope: &Scope, clients: &[Client<K>]) {
        for wait in std::mem::take(&mut self.pending) {
            let client = wait.client as usize;
            if wait.for_last && wait.instant == self.extra[client].last_instant {
                self.extra[client].last_basket += i128::from(wait.amount);
            }
            if wait.for_first && wait.day == self.core_of(scope, clients, client).first {
                self.extra[client].first_day.add(wait.amount);
            }
        }
    }
}
