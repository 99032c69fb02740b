//! How often the rules have been awarded to the client at hand, and whether they may be again.

use std::collections::VecDeque;

use super::rules::Repeat;
use crate::calendar::{Clock, DAY, day_of_instant};

/// The number of no visit; visits count from 1.
pub(super) const NO_VISIT: u32 = 0;

/// An event among those of its client.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventPosition {
    pub instant: i64,
    pub index: u32,
    /// The number of its visit, or [`NO_VISIT`].
    pub visit: u32,
}

/// The index of no event.
const NO_EVENT: u32 = u32::MAX;

/// How often a rule may be awarded, compiled.
///
/// Most limits allow one award for each event, visit or client. They are checked by a deduplication
/// key: the index of the event, the number of the visit, or a constant. Computing it takes two masks
/// and no branch on the kind of limit, which processors would mispredict.
#[derive(Debug, Clone, Copy)]
pub(super) struct RepeatLimit {
    pub repeat: Repeat,
    /// The bits of the index and of the visit of an event that make up its deduplication key.
    index_mask: u32,
    visit_mask: u32,
    /// The limit by time that applies instead, within visits and outside.
    by_time: [Option<TimeLimit>; 2],
}

/// A limit that depends on the time since earlier awards.
#[derive(Debug, Clone, Copy)]
enum TimeLimit {
    /// Once a day.
    Day,
    /// As [`Repeat::Every`].
    Every(i64),
    /// As [`Repeat::Per`].
    Per { count: u32, span: i64 },
}

impl RepeatLimit {
    pub fn new(repeat: Repeat) -> Self {
        let (index_mask, visit_mask, by_time) = match repeat {
            Repeat::Always => (u32::MAX, 0, [None, None]),
            Repeat::Once => (0, 0, [None, None]),
            Repeat::OncePerSession => (0, u32::MAX, [None, Some(TimeLimit::Day)]),
            Repeat::Every(span) => (0, 0, [Some(TimeLimit::Every(span)); 2]),
            Repeat::Per { count, span } => (0, 0, [Some(TimeLimit::Per { count, span }); 2]),
        };
        Self { repeat, index_mask, visit_mask, by_time }
    }

    #[inline]
    fn by_time(&self, at: EventPosition) -> Option<TimeLimit> {
        self.by_time[usize::from(at.visit == NO_VISIT)]
    }

    #[inline]
    fn dedup_key(&self, at: EventPosition) -> u32 {
        at.index & self.index_mask | at.visit & self.visit_mask
    }
}

/// The days of instants, for limits that count by the day.
#[derive(Debug, Clone)]
pub(super) struct LocalDays {
    /// The clock of instants of UTC; none where instants are wall times already.
    pub clock: Option<Clock>,
}

impl LocalDays {
    fn of(&self, instant: i64) -> i32 {
        day_of_instant(self.clock.as_ref().map_or(instant, |clock| clock.wall(instant)))
    }
}

/// Earlier awards of one rule that is limited by time.
#[derive(Debug, Clone, Default)]
struct TimedAwards {
    /// The number of the client they were given to; 0 for none.
    client: u64,
    /// The day of the last award outside visits.
    day: Option<i32>,
    /// The instant of the last award.
    last: i64,
    /// The instants of the last awards, where a limit counts several.
    recent: VecDeque<i64>,
}

/// The awards of all rules to one client, reused from client to client.
#[derive(Debug)]
pub(super) struct RepeatLimiter {
    /// By rule: the number of the client, and below it the deduplication key of the last award.
    last_keys: Vec<u64>,
    timed: Vec<TimedAwards>,
    /// The number of the client at hand: entries of earlier clients are void.
    client: u64,
    days: LocalDays,
}

impl RepeatLimiter {
    pub fn new(rules: usize, days: LocalDays) -> Self {
        let timed = vec![TimedAwards::default(); rules];
        Self { last_keys: vec![0; rules], timed, client: 1, days }
    }

    /// Begin another client, who has no awards yet.
    pub fn next_client(&mut self) {
        self.client += 1;
    }

    /// Award a rule if its limit allows it; whether it was awarded.
    #[inline]
    pub fn try_award(&mut self, rule: u32, limit: &RepeatLimit, at: EventPosition) -> bool {
        if let Some(by_time) = limit.by_time(at) {
            return self.try_award_by_time(rule, by_time, at);
        }
        let key = self.client << u32::BITS | u64::from(limit.dedup_key(at));
        std::mem::replace(&mut self.last_keys[rule as usize], key) != key
    }

    fn try_award_by_time(&mut self, rule: u32, limit: TimeLimit, at: EventPosition) -> bool {
        let awards = &mut self.timed[rule as usize];
        let is_first = awards.client != self.client;
        if is_first {
            awards.client = self.client;
            awards.day = None;
            awards.recent.clear();
        }
        let is_past = |award: i64, span: i64| at.instant.saturating_sub(award) >= span;
        match limit {
            TimeLimit::Day => {
                let day = Some(self.days.of(at.instant));
                std::mem::replace(&mut awards.day, day) != day
            }
            TimeLimit::Every(span) => {
                let allowed = is_first || is_past(awards.last, span);
                if allowed {
                    awards.last = at.instant;
                }
                allowed
            }
            TimeLimit::Per { count, span } => {
                if awards.recent.len() == count as usize {
                    if awards.recent.front().is_some_and(|&first| !is_past(first, span)) {
                        return false;
                    }
                    awards.recent.pop_front();
                }
                awards.recent.push_back(at.instant);
                true
            }
        }
    }

    /// Count an award of an earlier run, whose visit, if any, is over.
    pub fn note_saved(&mut self, rule: u32, limit: &RepeatLimit, instant: i64, in_visit: bool) {
        if !(in_visit && limit.repeat == Repeat::OncePerSession) {
            self.try_award(
                rule,
                limit,
                EventPosition { instant, index: NO_EVENT, visit: NO_VISIT },
            );
        }
    }
}

/// Whether an award that is this old, in microseconds, can still count against another.
pub(super) fn still_counts(repeat: Repeat, age: i64) -> bool {
    match repeat {
        Repeat::Always => false,
        Repeat::Once => true,
        // A day of wall time is never longer than two of UTC.
        Repeat::OncePerSession => age < 2 * DAY,
        Repeat::Every(span) | Repeat::Per { span, .. } => age < span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of a run of instants are awarded.
    fn awards(repeat: Repeat, moments: &[(i64, u32)]) -> Vec<bool> {
        let mut limiter = RepeatLimiter::new(1, LocalDays { clock: None });
        let award = |(index, &(instant, visit))| {
            limiter.try_award(0, &RepeatLimit::new(repeat), EventPosition { instant, index, visit })
        };
        (0..).zip(moments).map(award).collect()
    }

    #[test]
    fn each_limit_at_its_boundary() {
        let out = NO_VISIT;
        assert_eq!(awards(Repeat::Always, &[(0, out), (0, out)]), [true, true]);
        assert_eq!(awards(Repeat::Once, &[(0, out), (DAY * 900, 4)]), [true, false]);
        assert_eq!(
            awards(Repeat::Every(10), &[(0, out), (9, out), (10, out), (19, out)]),
            [true, false, true, false]
        );
        let twice = Repeat::Per { count: 2, span: 10 };
        assert_eq!(
            awards(twice, &[(0, out), (5, out), (9, out), (10, out), (14, out), (15, out)]),
            [true, true, false, true, false, true]
        );
        assert_eq!(
            awards(
                Repeat::OncePerSession,
                &[(0, out), (1, 1), (2, 1), (3, 2), (DAY - 1, out), (DAY, out)]
            ),
            [true, true, false, true, false, true]
        );
    }

    #[test]
    fn a_client_does_not_inherit() {
        let repeats = [
            Repeat::Once,
            Repeat::OncePerSession,
            Repeat::Every(10),
            Repeat::Per { count: 1, span: 10 },
        ];
        for repeat in repeats {
            for visit in [NO_VISIT, 1] {
                let limit = RepeatLimit::new(repeat);
                let mut limiter = RepeatLimiter::new(1, LocalDays { clock: None });
                let at = |index| EventPosition { instant: 5, index, visit };
                for _ in 0..2 {
                    assert!(limiter.try_award(0, &limit, at(0)), "{repeat:?}");
                    assert!(!limiter.try_award(0, &limit, at(1)), "{repeat:?}");
                    limiter.next_client();
                }
            }
        }
    }

    #[test]
    fn awards_of_earlier_runs_stand_in_the_way() {
        // An earlier award at 0 and, if it was in a visit, in one that is over; what comes at 5.
        for (repeat, in_visit, visit, expected) in [
            (Repeat::Always, false, NO_VISIT, true),
            (Repeat::Once, true, 1, false),
            (Repeat::Once, false, NO_VISIT, false),
            (Repeat::OncePerSession, true, 1, true),
            (Repeat::OncePerSession, true, NO_VISIT, true),
            (Repeat::OncePerSession, false, 1, true),
            (Repeat::OncePerSession, false, NO_VISIT, false),
            (Repeat::Every(6), true, 1, false),
            (Repeat::Every(5), true, 1, true),
            (Repeat::Per { count: 1, span: 6 }, false, 1, false),
            (Repeat::Per { count: 2, span: 6 }, false, 1, true),
        ] {
            let limit = RepeatLimit::new(repeat);
            let mut limiter = RepeatLimiter::new(1, LocalDays { clock: None });
            limiter.note_saved(0, &limit, 0, in_visit);
            let found = limiter.try_award(0, &limit, EventPosition { instant: 5, index: 0, visit });
            assert_eq!(found, expected, "{repeat:?}, in a visit: {in_visit}, then {visit}");
        }
    }
}
