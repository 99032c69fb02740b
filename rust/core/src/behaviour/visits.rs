//! Visits: runs of web events, their time and clicks, and whether they pass.

use std::ops::Range;

use super::book::Book;
use super::event::{Event, Flags};
use super::limits::NO_VISIT;

/// A minute, in microseconds: what the events of a program are counted in.
const MINUTE: i64 = 60_000_000;

/// A visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Visit {
    /// The place of its first event.
    pub first: usize,
    /// The last activity: the greatest instant plus known dwell.
    pub end: i64,
    /// The time that counts for density, in microseconds.
    pub dwell: u64,
    /// The clicks that do.
    pub clicks: u64,
    pub bypass: bool,
    pub passed: bool,
    /// Whether a program made it.
    pub bot: bool,
}

/// What the rules and its neighbours make of an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// The number of its visit.
    pub visit: u32,
    /// That of its kind and page in the book.
    pub pair: u32,
}

/// What is outside visits is taken for one that passes, and has their first number.
const OUTSIDE: Visit =
    Visit { first: 0, end: i64::MIN, dwell: 0, clicks: 0, bypass: false, passed: true, bot: false };

/// The visits of one client, reused from client to client.
#[derive(Debug, Default)]
pub(super) struct Visits {
    /// By number, [`NO_VISIT`] included.
    pub all: Vec<Visit>,
    /// By event.
    pub marks: Vec<Mark>,
    /// How many visits pass.
    pub dense: u32,
    /// Whether there are so many events that a program may have made a visit.
    pub crowded: bool,
}

impl Visits {
    /// The visits in their order.
    pub fn own(&self) -> &[Visit] {
        &self.all[NO_VISIT as usize + 1..]
    }

    /// Cut the events of a client, in their order, into visits.
    pub fn cut(&mut self, events: &[Event], book: &Book) {
        self.all.clear();
        self.all.push(OUTSIDE);
        self.marks.clear();
        self.marks.extend(
            events
                .iter()
                .map(|event| Mark { visit: NO_VISIT, pair: book.pair_of(event.kind, event.page) }),
        );
        // The last web event, as long as the time on its page is open and counts.
        let mut open: Option<i64> = None;
        let mut number = NO_VISIT as usize;
        for ((place, event), mark) in events.iter().enumerate().zip(&mut self.marks) {
            let pair = book.pair(mark.pair);
            if !pair.web | event.flags.has(Flags::MACHINE) {
                continue;
            }
            let last = &mut self.all[number];
            // Instants ascend, so that a difference fits into a word without a sign.
            let quiet = event.instant.wrapping_sub(last.end).cast_unsigned();
            let goes_on = event.instant < last.end || quiet < book.timeout.cast_unsigned();
            let begins = number == NO_VISIT as usize || !goes_on;
            if let Some(opened) = open.take() {
                let passed = event.instant.wrapping_sub(opened).cast_unsigned();
                last.dwell =
                    last.dwell.saturating_add(if begins { book.last_dwell } else { passed });
            }
            if begins {
                number += 1;
                self.all.push(Visit { first: place, end: event.instant, ..OUTSIDE });
            }
            mark.visit = number as u32;
            let visit = &mut self.all[number];
            let (dwell, known) = event.measures.dwell_if_known();
            visit.end = visit.end.max(event.instant.saturating_add_unsigned(dwell));
            visit.bypass |= pair.sign.bypass;
            if pair.on_theme {
                visit.dwell = visit.dwell.saturating_add(dwell);
                visit.clicks += event.measures.clicks();
                open = (!known).then_some(event.instant);
            }
        }
        if open.is_some() {
            self.all[number].dwell = self.all[number].dwell.saturating_add(book.last_dwell);
        }
        self.judge(events, book);
    }

    /// Say which visits pass, and which a program made.
    fn judge(&mut self, events: &[Event], book: &Book) {
        self.dense = 0;
        let own = &mut self.all[NO_VISIT as usize + 1..];
        for visit in own.iter_mut() {
            visit.passed = visit.bypass | book.gate.passes(visit.dwell, visit.clicks);
            self.dense += u32::from(visit.passed);
        }
        self.crowded = book.bot_events.is_some_and(|most| events.len() > most as usize);
        if let (true, Some(most)) = (self.crowded, book.bot_events) {
            for number in NO_VISIT as usize + 1..self.all.len() {
                let most = most as usize;
                self.all[number].bot = self.span(number, events).len() > most
                    && hurries(&self.instants(number, events, 0), most);
            }
        }
    }

    /// The visits of programs that no earlier run has counted: what such a run knew of a visit
    /// that was open, its events out of the saved state, did not show a program.
    pub fn new_bots(&self, events: &[Event], book: &Book) -> usize {
        if !self.crowded {
            return 0;
        }
        let known = |number: usize| {
            book.bot_events.is_some_and(|most| {
                hurries(&self.instants(number, events, Flags::CARRIED), most as usize)
            })
        };
        (1..self.all.len()).filter(|&number| self.all[number].bot && !known(number)).count()
    }

    /// The places from the first event of a visit up to the next visit.
    fn span(&self, number: usize, events: &[Event]) -> Range<usize> {
        let end = self.all.get(number + 1).map_or(events.len(), |next| next.first);
        self.all[number].first..end
    }

    /// The instants of the events of a visit that have some flags.
    fn instants(&self, number: usize, events: &[Event], flags: u16) -> Vec<i64> {
        self.span(number, events)
            .filter(|&place| self.marks[place].visit == number as u32)
            .map(|place| &events[place])
            .filter(|event| event.flags.0 & flags == flags)
            .map(|event| event.instant)
            .collect()
    }
}

/// Whether more than `most` of ascending instants lie within a minute.
fn hurries(instants: &[i64], most: usize) -> bool {
    instants.windows(most + 1).any(|run| run[most].saturating_sub(run[0]) < MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_less_than_sixty_seconds() {
        assert!(hurries(&[0, 1, MINUTE - 1], 2));
        assert!(!hurries(&[0, 1, MINUTE], 2));
        assert!(!hurries(&[0, 1], 2));
        assert!(hurries(&[0, MINUTE, MINUTE + 1, MINUTE + 2], 2));
    }
}
