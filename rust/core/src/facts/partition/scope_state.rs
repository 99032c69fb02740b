//! What is kept for one scope beside what is always kept of clients.

use super::extra_state::{ExtraState, PendingReturn};
use crate::facts::spec::Scope;
use crate::facts::store::ClientState;

/// What is kept for one scope, slot by slot of the clients.
#[derive(Debug, Default)]
pub struct ScopeState {
    /// The state of clients in the window; empty for all time, whose state stands with the client.
    pub clients: Vec<ClientState>,
    pub extra: Vec<ExtraState>,
    /// Distinct orders, and purchase lines without one.
    pub orders: Vec<u32>,
    /// Distinct purchase days; counted after the last line.
    pub active_days: Vec<u32>,
    /// Sums of the logarithms of the days between them; computed after the last line.
    pub log_gaps: Vec<f64>,
    /// Returns that a purchase yet to be read may turn out to belong to.
    pub pending: Vec<PendingReturn>,
    /// How many of `pending` there were when outdated ones were last let go.
    retained: usize,
}

impl ScopeState {
    /// Have room for so many clients.
    #[inline]
    pub fn grow(&mut self, scope: &Scope, slots: usize) {
        if !scope.is_all_time() {
            grow(&mut self.clients, slots, ClientState::NONE);
        }
        if scope.extra {
            grow(&mut self.extra, slots, ExtraState::NONE);
        }
        if scope.orders {
            grow(&mut self.orders, slots, 0);
        }
    }

    /// Sum the logarithms of the days between purchase days, given the pairs of client and day in
    /// ascending order.
    pub fn sum_log_gaps(&mut self, scope: &Scope, slots: usize, pairs: &[(usize, i32)]) {
        self.log_gaps = vec![0.0; slots];
        for pair in pairs.windows(2) {
            let [(client, day), (next, until)] = [pair[0], pair[1]];
            if client == next && (scope.is_all_time() || day > scope.after) {
                self.log_gaps[client] += libm::log(f64::from(until) - f64::from(day));
            }
        }
    }

    /// Have the counts of orders moved to other slots, of which there are so many.
    pub fn move_orders(&mut self, slots: usize, slot_of: impl Fn(u32) -> usize) {
        let mut orders = vec![0; slots];
        // Slots that are nobody's count nothing, and lead nowhere.
        for (slot, &counted) in (0..).zip(&self.orders).filter(|(_, counted)| **counted > 0) {
            orders[slot_of(slot)] = counted;
        }
        self.orders = orders;
    }

    /// Let go of returns that purchases read since have left behind, whenever they have doubled;
    /// `all_time` are the states of clients over all time.
    pub fn forget_outdated(&mut self, scope: &Scope, all_time: impl Fn(usize) -> ClientState) {
        if self.pending.len() < 1024 + 2 * self.retained {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        pending.retain(|wait| {
            let client = wait.client as usize;
            (wait.for_last && wait.instant >= self.extra[client].last_instant)
                || (wait.for_first && wait.day <= self.first_day(scope, client, &all_time))
        });
        self.retained = pending.len();
        self.pending = pending;
    }

    /// After the last line: add each waiting return to the purchase that it belongs to.
    pub fn add_pending(&mut self, scope: &Scope, all_time: impl Fn(usize) -> ClientState) {
        for wait in std::mem::take(&mut self.pending) {
            let client = wait.client as usize;
            if wait.for_last && wait.instant == self.extra[client].last_instant {
                self.extra[client].last_basket += i128::from(wait.amount);
            }
            if wait.for_first && wait.day == self.first_day(scope, client, &all_time) {
                self.extra[client].first_day.add(wait.amount);
            }
        }
    }

    /// The day of a client's first purchase in this scope.
    fn first_day(
        &self,
        scope: &Scope,
        client: usize,
        all_time: impl Fn(usize) -> ClientState,
    ) -> i32 {
        if scope.is_all_time() { all_time(client).first } else { self.clients[client].first }
    }
}

#[inline]
fn grow<T: Clone>(column: &mut Vec<T>, length: usize, value: T) {
    if column.len() < length {
        column.resize(length, value);
    }
}
