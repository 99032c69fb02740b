//! How often the rules have been awarded to the client at hand.

use std::collections::VecDeque;

use super::scheme::Repeat;
use crate::calendar::{Clock, DAY, day_of_instant};

/// The number of no visit; visits count from 1.
pub(super) const NO_VISIT: u32 = 0;

/// Where an event stands: its instant, its place among the client's, and its visit or [`NO_VISIT`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub instant: i64,
    pub place: u32,
    pub visit: u32,
}

/// The place of no event.
const NOWHERE: u32 = u32::MAX;

/// How often a rule may be awarded, made ready.
///
/// Most limits give a rule one award a turn: an event, a visit, or all there is. Turns are numbers
/// that are compared without asking which they are, as which comes next cannot be foretold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub repeat: Repeat,
    /// The bits of the place and of the visit of an event that make up the number of its turn.
    place: u32,
    visit: u32,
    /// What time says instead, within visits and outside.
    timed: [Option<Timed>; 2],
}

/// A limit that time has a say in.
#[derive(Debug, Clone, Copy)]
enum Timed {
    /// Once a day.
    Day,
    /// As [`Repeat::Every`].
    Every(i64),
    /// As [`Repeat::Per`].
    Per { count: u32, span: i64 },
}

impl Limit {
    pub fn new(repeat: Repeat) -> Self {
        let (place, visit, timed) = match repeat {
            Repeat::Always => (u32::MAX, 0, [None, None]),
            Repeat::Once => (0, 0, [None, None]),
            Repeat::OncePerSession => (0, u32::MAX, [None, Some(Timed::Day)]),
            Repeat::Every(span) => (0, 0, [Some(Timed::Every(span)); 2]),
            Repeat::Per { count, span } => (0, 0, [Some(Timed::Per { count, span }); 2]),
        };
        Self { repeat, place, visit, timed }
    }

    #[inline]
    fn timed(&self, at: Moment) -> Option<Timed> {
        self.timed[usize::from(at.visit == NO_VISIT)]
    }

    #[inline]
    fn turn(&self, at: Moment) -> u32 {
        at.place & self.place | at.visit & self.visit
    }
}

/// The days of instants, for limits that count by the day.
#[derive(Debug, Clone)]
pub(super) struct Days {
    /// The clock of instants of UTC; none where instants are wall times already.
    pub clock: Option<Clock>,
}

impl Days {
    fn of(&self, instant: i64) -> i32 {
        day_of_instant(self.clock.as_ref().map_or(instant, |clock| clock.wall(instant)))
    }
}

/// What is remembered of one rule where time has a say.
#[derive(Debug, Clone, Default)]
struct Memory {
    /// The number of the client it is about; 0 for none.
    client: u64,
    /// The day of the last award outside visits.
    day: Option<i32>,
    /// The instant of the last award.
    last: i64,
    /// The instants of the last awards, where a limit counts several.
    several: VecDeque<i64>,
}

/// The awards of all rules to one client, reused from client to client.
#[derive(Debug)]
pub(super) struct Limits {
    /// By rule: the last turn with an award, below the number of the client.
    turns: Vec<u64>,
    memories: Vec<Memory>,
    /// The number of the client at hand: what is remembered of others is forgotten where it is met.
    client: u64,
    days: Days,
}

impl Limits {
    pub fn new(rules: usize, days: Days) -> Self {
        Self { turns: vec![0; rules], memories: vec![Memory::default(); rules], client: 1, days }
    }

    /// Forget everything: another client comes.
    pub fn clear(&mut self) {
        self.client += 1;
    }

    /// Award a rule if it may be awarded, and say whether it was.
    #[inline]
    pub fn award(&mut self, rule: u32, limit: &Limit, at: Moment) -> bool {
        if let Some(timed) = limit.timed(at) {
            return self.award_timed(rule, timed, at);
        }
        let turn = self.client << u32::BITS | u64::from(limit.turn(at));
        std::mem::replace(&mut self.turns[rule as usize], turn) != turn
    }

    fn award_timed(&mut self, rule: u32, timed: Timed, at: Moment) -> bool {
        let memory = &mut self.memories[rule as usize];
        let first = memory.client != self.client;
        if first {
            memory.client = self.client;
            memory.day = None;
            memory.several.clear();
        }
        let spent = |since: i64, span: i64| at.instant.saturating_sub(since) >= span;
        match timed {
            Timed::Day => {
                let day = Some(self.days.of(at.instant));
                std::mem::replace(&mut memory.day, day) != day
            }
            Timed::Every(span) => {
                let allowed = first || spent(memory.last, span);
                if allowed {
                    memory.last = at.instant;
                }
                allowed
            }
            Timed::Per { count, span } => {
                if memory.several.len() == count as usize {
                    if memory.several.front().is_some_and(|&first| !spent(first, span)) {
                        return false;
                    }
                    memory.several.pop_front();
                }
                memory.several.push_back(at.instant);
                true
            }
        }
    }

    /// Take note of an award of an earlier run, whose visit, if any, is over.
    pub fn note_carried(&mut self, rule: u32, limit: &Limit, instant: i64, in_visit: bool) {
        if !(in_visit && limit.repeat == Repeat::OncePerSession) {
            self.award(rule, limit, Moment { instant, place: NOWHERE, visit: NO_VISIT });
        }
    }
}

/// Whether an award that is this old, in microseconds, can still stand in the way of another.
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
        let mut limits = Limits::new(1, Days { clock: None });
        let award = |(place, &(instant, visit))| {
            limits.award(0, &Limit::new(repeat), Moment { instant, place, visit })
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
        let limits = [
            Repeat::Once,
            Repeat::OncePerSession,
            Repeat::Every(10),
            Repeat::Per { count: 1, span: 10 },
        ];
        for repeat in limits {
            for visit in [NO_VISIT, 1] {
                let limit = Limit::new(repeat);
                let mut limits = Limits::new(1, Days { clock: None });
                let at = |place| Moment { instant: 5, place, visit };
                for _ in 0..2 {
                    assert!(limits.award(0, &limit, at(0)), "{repeat:?}");
                    assert!(!limits.award(0, &limit, at(1)), "{repeat:?}");
                    limits.clear();
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
            let limit = Limit::new(repeat);
            let mut limits = Limits::new(1, Days { clock: None });
            limits.note_carried(0, &limit, 0, in_visit);
            let found = limits.award(0, &limit, Moment { instant: 5, place: 0, visit });
            assert_eq!(found, expected, "{repeat:?}, in a visit: {in_visit}, then {visit}");
        }
    }
}
