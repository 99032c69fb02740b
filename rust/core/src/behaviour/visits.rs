//! Visits: runs of web events, their time and clicks, and whether they pass.

use std::ops::Range;

use super::book::Book;
use super::event::{Event, Flags};
use super::limits::NO_VISIT;

/// A minute, in microseconds: what the events of a program are counted in.
const MINUTE: i64 = 60_000_000;

/// The number of the first visit.
const FIRST: usize = NO_VISIT as usize + 1;

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
        &self.all[FIRST..]
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
            // The end may lie ahead; else the difference fits into a word without a sign.
            let quiet = event.instant.wrapping_sub(last.end).cast_unsigned();
            let goes_on = event.instant < last.end || quiet < book.timeout.cast_unsigned();
            let begins = number == NO_VISIT as usize || !goes_on;
            if let Some(opened) = open.take() {
                let stayed = event.instant.wrapping_sub(opened).cast_unsigned(); // instants ascend
                last.dwell =
                    last.dwell.saturating_add(if begins { book.last_dwell } else { stayed });
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
        let own = &mut self.all[FIRST..];
        for visit in own.iter_mut() {
            visit.passed = visit.bypass | book.gate.passes(visit.dwell, visit.clicks);
            self.dense += u32::from(visit.passed);
        }
        let most = book.bot_events.map(|most| most as usize);
        let most = most.filter(|&most| events.len() > most);
        self.crowded = most.is_some();
        if let Some(most) = most {
            for number in FIRST..self.all.len() {
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
        (FIRST..self.all.len()).filter(|&number| self.all[number].bot && !known(number)).count()
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
    use super::super::dictionary::Dictionary;
    use super::super::event::Measures;
    use super::super::scheme::{Decay, Group, Scheme};
    use super::*;

    /// A book in which every event is part of a visit, and the visits of instants of unknown dwell.
    fn cut(instants: &[i64], timeout: i64, last_dwell: i64) -> Visits {
        let (kinds, pages) = (Dictionary::new("kind", 10), Dictionary::new("page", 10));
        let kind = kinds.code(b"page_view").unwrap() as u16;
        let scheme = Scheme {
            web_kinds: vec!["page_view".to_owned()],
            timeout,
            last_dwell,
            bot_events: None,
            density: None,
            bypass_kinds: Vec::new(),
            decay: Decay::None,
            bounds: Group::default(),
            groups: Vec::new(),
            phase_window: 1,
            rules: Vec::new(),
        };
        let book = Book::new(&scheme, &kinds.words(), &pages.words(), 0).unwrap();
        let event = |&instant: &i64| Event {
            instant,
            kind,
            measures: Measures::new(None, 1),
            ..Event::default()
        };
        let events: Vec<Event> = instants.iter().map(event).collect();
        let mut visits = Visits::default();
        visits.cut(&events, &book);
        visits
    }

    #[test]
    fn time_may_be_as_long_as_instants_allow() {
        for (instants, timeout, expected) in [
            // Each on its own: the pause is longer than a word with a sign holds.
            (vec![i64::MIN, 0, i64::MAX], i64::MAX, vec![3, 3, 3]),
            (vec![i64::MIN, i64::MAX], i64::MAX, vec![3, 3]),
            // Together: a microsecond less than the timeout.
            (vec![0, i64::MAX - 1], i64::MAX, vec![i64::MAX.cast_unsigned() + 2]),
            (vec![i64::MAX, i64::MAX], 1, vec![3]),
            (vec![], 1, vec![]),
        ] {
            let visits = cut(&instants, timeout, 3);
            let found: Vec<u64> = visits.own().iter().map(|visit| visit.dwell).collect();
            assert_eq!(found, expected, "{instants:?}");
            assert_eq!(visits.dense as usize, expected.len());
        }
    }

    #[test]
    fn a_minute_is_less_than_sixty_seconds() {
        assert!(hurries(&[0, 1, MINUTE - 1], 2));
        assert!(!hurries(&[0, 1, MINUTE], 2));
        assert!(!hurries(&[0, 1], 2));
        assert!(hurries(&[0, MINUTE, MINUTE + 1, MINUTE + 2], 2));
    }
}
