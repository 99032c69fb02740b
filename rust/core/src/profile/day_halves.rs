//! Events of one client on one axis, shared out by days.

use super::client_counts::Halves;
use crate::calendar::day_of_instant;
use crate::clients::sort;

/// Events with their days. Days and not events are shared out, as what is done in one go is no proof of a
/// habit.
#[derive(Debug, Default)]
pub(super) struct DayHalves {
    /// Days, and whether the event is a hit.
    events: Vec<(i32, bool)>,
}

impl DayHalves {
    #[inline]
    pub fn push(&mut self, instant: i64, is_hit: bool) {
        self.events.push((day_of_instant(instant), is_hit));
    }

    /// Count the events, and those on the first, third … of their days; none are left.
    pub fn take(&mut self) -> Halves {
        if !self.events.is_sorted() {
            sort(&mut self.events);
        }
        let (mut halves, mut is_odd, mut last) = (Halves::default(), false, None);
        for &(day, is_hit) in &self.events {
            is_odd ^= last != Some(day);
            last = Some(day);
            halves.add(is_hit, is_odd);
        }
        self.events.clear();
        halves
    }
}
