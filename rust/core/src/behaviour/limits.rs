//! How often the rules have been awarded to the client at hand.

use std::collections::VecDeque;

use super::scheme::Repeat;
use crate::calendar::{Clock, DAY, day_of_instant};

/// The number of no visit.
pub(super) const NO_VISIT: u32 = u32::MAX;

/// Where an event stands: its instant, and its visit or [`NO_VISIT`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub instant: i64,
    pub visit: u32,
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

/// What is remembered of one rule.
#[derive(Debug, Clone, Default)]
struct Memory {
    awarded: bool,
    /// The visit and the day of the last award within and outside visits.
    visit: Option<u32>,
    day: Option<i32>,
    /// The instant of the last award.
    last: i64,
    /// The instants of the last awards, where a limit counts several.
    several: VecDeque<i64>,
}

/// The awards of all rules to one client, reused from client to client.
#[derive(Debug)]
pub(super) struct Limits {
    memories: Vec<Memory>,
    /// The rules with an award.
    touched: Vec<u32>,
    days: Days,
}

impl Limits {
    pub fn new(rules: usize, days: Days) -> Self {
        Self { memories: vec![Memory::default(); rules], touched: Vec::new(), days }
    }

    /// Forget everything: another client comes.
    pub fn clear(&mut self) {
        for rule in self.touched.drain(..) {
            let memory = &mut self.memories[rule as usize];
            memory.awarded = false;
            memory.visit = None;
            memory.day = None;
            memory.several.clear();
        }
    }

    /// Whether a rule may be awarded.
    #[inline]
    pub fn allow(&self, rule: u32, repeat: Repeat, at: Moment) -> bool {
        let memory = &self.memories[rule as usize];
        if !memory.awarded {
            return true;
        }
        match repeat {
            Repeat::Always => true,
            Repeat::Once => false,
            Repeat::OncePerSession if at.visit == NO_VISIT => {
                memory.day != Some(self.days.of(at.instant))
            }
            Repeat::OncePerSession => memory.visit != Some(at.visit),
            Repeat::Every(span) => at.instant.saturating_sub(memory.last) >= span,
            Repeat::Per { count, span } => {
                memory.several.len() < count as usize
                    || at.instant.saturating_sub(memory.several[0]) >= span
            }
        }
    }

    /// Take note of an award.
    #[inline]
    pub fn note(&mut self, rule: u32, repeat: Repeat, at: Moment) {
        if repeat == Repeat::Always {
            return;
        }
        let memory = &mut self.memories[rule as usize];
        if !memory.awarded {
            memory.awarded = true;
            self.touched.push(rule);
        }
        match repeat {
            Repeat::Always | Repeat::Once => {}
            Repeat::OncePerSession if at.visit == NO_VISIT => {
                memory.day = Some(self.days.of(at.instant));
            }
            Repeat::OncePerSession => memory.visit = Some(at.visit),
            Repeat::Every(_) => memory.last = at.instant,
            Repeat::Per { count, .. } => {
                if memory.several.len() == count as usize {
                    memory.several.pop_front();
                }
                memory.several.push_back(at.instant);
            }
        }
    }

    /// Take note of an award of an earlier run, whose visit, if any, is over.
    pub fn note_carried(&mut self, rule: u32, repeat: Repeat, instant: i64, in_visit: bool) {
        if !(in_visit && repeat == Repeat::OncePerSession) {
            self.note(rule, repeat, Moment { instant, visit: NO_VISIT });
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
        moments
            .iter()
            .map(|&(instant, visit)| {
                let at = Moment { instant, visit };
                let allowed = limits.allow(0, repeat, at);
                if allowed {
                    limits.note(0, repeat, at);
                }
                allowed
            })
            .collect()
    }

    #[test]
    fn each_limit_at_its_boundary() {
        let out = NO_VISIT;
        assert_eq!(awards(Repeat::Always, &[(0, out), (0, out)]), [true, true]);
        assert_eq!(awards(Repeat::Once, &[(0, out), (DAY * 900, 3)]), [true, false]);
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
                &[(0, out), (1, 0), (2, 0), (3, 1), (DAY - 1, out), (DAY, out)]
            ),
            [true, true, false, true, false, true]
        );
    }

    #[test]
    fn a_client_does_not_inherit() {
        let mut limits = Limits::new(1, Days { clock: None });
        let at = Moment { instant: 0, visit: NO_VISIT };
        limits.note(0, Repeat::Once, at);
        assert!(!limits.allow(0, Repeat::Once, at));
        limits.clear();
        assert!(limits.allow(0, Repeat::Once, at));
    }
}
