//! How often the rules have been awarded to the client at hand, and whether they may be again.

use std::collections::{HashSet, VecDeque};

use super::rules::Repeat;
use crate::calendar::{Clock, DAY, day_of_instant};
use crate::dictionary::MISSING;

/// The number of no visit; visits count from 1.
pub(super) const NO_VISIT: u32 = 0;

/// An event among those of its client.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventPosition {
    pub instant: i64,
    pub index: u32,
    /// The number of its visit, or [`NO_VISIT`].
    pub visit: u32,
    /// The codes of its page and its e-mail.
    pub page: u32,
    pub message: u32,
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
    /// The limit that applies instead, within visits and outside.
    by_awards: [Option<AwardLimit>; 2],
}

/// A limit that depends on more of earlier awards than the last key.
#[derive(Debug, Clone, Copy)]
enum AwardLimit {
    /// Once a day.
    Day,
    /// Once a page.
    Page,
    /// Once an e-mail.
    Message,
    /// As [`Repeat::Every`].
    Every(i64),
    /// As [`Repeat::Per`].
    Per { count: u32, span: i64 },
}

impl RepeatLimit {
    pub fn new(repeat: Repeat) -> Self {
        let (index_mask, visit_mask, by_awards) = match repeat {
            Repeat::Always => (u32::MAX, 0, [None, None]),
            Repeat::Once => (0, 0, [None, None]),
            Repeat::OncePerSession => (0, u32::MAX, [None, Some(AwardLimit::Day)]),
            Repeat::OncePerPage => (0, 0, [Some(AwardLimit::Page); 2]),
            Repeat::OncePerMessage => (0, 0, [Some(AwardLimit::Message); 2]),
            Repeat::Every(span) => (0, 0, [Some(AwardLimit::Every(span)); 2]),
            Repeat::Per { count, span } => (0, 0, [Some(AwardLimit::Per { count, span }); 2]),
        };
        Self { repeat, index_mask, visit_mask, by_awards }
    }

    #[inline]
    fn by_awards(&self, at: EventPosition) -> Option<AwardLimit> {
        self.by_awards[usize::from(at.visit == NO_VISIT)]
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

/// Earlier awards of one rule that is limited by them.
#[derive(Debug, Clone, Default)]
struct EarlierAwards {
    /// The number of the client they were given to; 0 for none.
    client: u64,
    /// The day of the last award outside visits.
    day: Option<i32>,
    /// The instant of the last award.
    last: i64,
    /// The instants of the last awards, where a limit counts several.
    recent: VecDeque<i64>,
    /// The codes of the pages or e-mails of all awards, where a limit is once for each.
    codes: HashSet<u32>,
}

/// The awards of all rules to one client, reused from client to client.
#[derive(Debug)]
pub(super) struct RepeatLimiter {
    /// By rule: the number of the client, and below it the deduplication key of the last award.
    last_keys: Vec<u64>,
    earlier: Vec<EarlierAwards>,
    /// The number of the client at hand: entries of earlier clients are void.
    client: u64,
    days: LocalDays,
}

impl RepeatLimiter {
    pub fn new(rules: usize, days: LocalDays) -> Self {
        let earlier = vec![EarlierAwards::default(); rules];
        Self { last_keys: vec![0; rules], earlier, client: 1, days }
    }

    /// Begin another client, who has no awards yet.
    pub fn next_client(&mut self) {
        self.client += 1;
    }

    /// Award a rule if its limit allows it; whether it was awarded.
    #[inline]
    pub fn try_award(&mut self, rule: u32, limit: &RepeatLimit, at: EventPosition) -> bool {
        if let Some(by_awards) = limit.by_awards(at) {
            return self.try_award_after(rule, by_awards, at);
        }
        let key = self.client << u32::BITS | u64::from(limit.dedup_key(at));
        std::mem::replace(&mut self.last_keys[rule as usize], key) != key
    }

    fn try_award_after(&mut self, rule: u32, limit: AwardLimit, at: EventPosition) -> bool {
        let awards = &mut self.earlier[rule as usize];
        let is_first = awards.client != self.client;
        if is_first {
            awards.client = self.client;
            awards.day = None;
            awards.recent.clear();
            awards.codes.clear();
        }
        let is_past = |award: i64, span: i64| at.instant.saturating_sub(award) >= span;
        match limit {
            AwardLimit::Day => {
                let day = Some(self.days.of(at.instant));
                std::mem::replace(&mut awards.day, day) != day
            }
            AwardLimit::Page => awards.codes.insert(at.page),
            AwardLimit::Message => at.message == MISSING || awards.codes.insert(at.message),
            AwardLimit::Every(span) => {
                let allowed = is_first || is_past(awards.last, span);
                if allowed {
                    awards.last = at.instant;
                }
                allowed
            }
            AwardLimit::Per { count, span } => {
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

    /// Count an award of an earlier run, whose visit, if any, is over; `code` is that of the page or
    /// of the e-mail, if the limit is once for each.
    pub fn note_saved(
        &mut self,
        rule: u32,
        limit: &RepeatLimit,
        instant: i64,
        in_visit: bool,
        code: u32,
    ) {
        if !(in_visit && limit.repeat == Repeat::OncePerSession) {
            let at = EventPosition {
                instant,
                index: NO_EVENT,
                visit: NO_VISIT,
                page: code,
                message: code,
            };
            self.try_award(rule, limit, at);
        }
    }
}

/// The code that an award at an event is remembered by: of its page or its e-mail, if the limit is
/// once for each.
pub(super) fn remembered_code(repeat: Repeat, at: EventPosition) -> u32 {
    match repeat {
        Repeat::OncePerPage => at.page,
        Repeat::OncePerMessage => at.message,
        _ => MISSING,
    }
}

/// Whether an award that is this old, in microseconds, and of this page or e-mail can still count
/// against another.
pub(super) fn still_counts(repeat: Repeat, age: i64, code: u32) -> bool {
    match repeat {
        Repeat::Always => false,
        Repeat::Once | Repeat::OncePerPage => true,
        Repeat::OncePerMessage => code != MISSING,
        // A day of wall time is never longer than two of UTC.
        Repeat::OncePerSession => age < 2 * DAY,
        Repeat::Every(span) | Repeat::Per { span, .. } => age < span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(instant: i64, index: u32, visit: u32, code: u32) -> EventPosition {
        EventPosition { instant, index, visit, page: code, message: code }
    }

    /// Which of a run of instants are awarded.
    fn awards(repeat: Repeat, moments: &[(i64, u32)]) -> Vec<bool> {
        let mut limiter = RepeatLimiter::new(1, LocalDays { clock: None });
        let award = |(index, &(instant, visit))| {
            limiter.try_award(0, &RepeatLimit::new(repeat), at(instant, index, visit, 0))
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
    fn pages_and_messages_count_once_each() {
        for (repeat, none_again) in [(Repeat::OncePerPage, false), (Repeat::OncePerMessage, true)] {
            let limit = RepeatLimit::new(repeat);
            let mut limiter = RepeatLimiter::new(1, LocalDays { clock: None });
            let codes = [1, 2, 1, 2, MISSING, MISSING, 3];
            let found: Vec<bool> = (0..)
                .zip(codes)
                .map(|(index, code)| limiter.try_award(0, &limit, at(index.into(), index, 1, code)))
                .collect();
            assert_eq!(found, [true, true, false, false, true, none_again, true], "{repeat:?}");
        }
    }

    #[test]
    fn a_client_does_not_inherit() {
        let repeats = [
            Repeat::Once,
            Repeat::OncePerSession,
            Repeat::OncePerPage,
            Repeat::OncePerMessage,
            Repeat::Every(10),
            Repeat::Per { count: 1, span: 10 },
        ];
        for repeat in repeats {
            for visit in [NO_VISIT, 1] {
                let limit = RepeatLimit::new(repeat);
                let mut limiter = RepeatLimiter::new(1, LocalDays { clock: None });
                for _ in 0..2 {
                    assert!(limiter.try_award(0, &limit, at(5, 0, visit, 1)), "{repeat:?}");
                    assert!(!limiter.try_award(0, &limit, at(5, 1, visit, 1)), "{repeat:?}");
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
            (Repeat::OncePerPage, true, 1, false),
            (Repeat::OncePerMessage, false, NO_VISIT, false),
            (Repeat::Every(6), true, 1, false),
            (Repeat::Every(5), true, 1, true),
            (Repeat::Per { count: 1, span: 6 }, false, 1, false),
            (Repeat::Per { count: 2, span: 6 }, false, 1, true),
        ] {
            let limit = RepeatLimit::new(repeat);
            let mut limiter = RepeatLimiter::new(1, LocalDays { clock: None });
            limiter.note_saved(0, &limit, 0, in_visit, 3);
            let found = limiter.try_award(0, &limit, at(5, 0, visit, 3));
            assert_eq!(found, expected, "{repeat:?}, in a visit: {in_visit}, then {visit}");
        }
    }
}
