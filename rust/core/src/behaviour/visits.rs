//! Visits: runs of web events, their time and clicks, and whether they pass.

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
    /// The time that counts for density.
    pub dwell: i64,
    /// The clicks that do.
    pub clicks: u64,
    pub bypass: bool,
    pub passed: bool,
    /// Whether a program made it.
    pub bot: bool,
    events: u32,
}

impl Visit {
    fn beginning_at(first: usize, end: i64) -> Self {
        Self { first, end, dwell: 0, clicks: 0, bypass: false, passed: true, bot: false, events: 0 }
    }
}

/// The visits of one client, reused from client to client.
#[derive(Debug, Default)]
pub(super) struct Visits {
    pub all: Vec<Visit>,
    /// The visit of each event, or [`NO_VISIT`].
    pub of_event: Vec<u32>,
    /// How many visits pass.
    pub dense: u32,
    /// Whether a visit has so many events that a program may have made it.
    pub crowded: bool,
}

/// The last web event, as long as the time on its page is open.
#[derive(Clone, Copy)]
struct Open {
    instant: i64,
    on_theme: bool,
}

impl Visits {
    /// Cut the events of a client, in their order, into visits.
    pub fn cut(&mut self, events: &[Event], book: &Book) {
        self.all.clear();
        self.crowded = false;
        self.dense = 0;
        self.of_event.clear();
        self.of_event.resize(events.len(), NO_VISIT);
        let mut open: Option<Open> = None;
        // The visit at hand; the one before the first ended long ago.
        let mut visit = Visit::beginning_at(0, i64::MIN);
        let mut number = NO_VISIT; // the next is 0
        for (place, event) in events.iter().enumerate() {
            let kind = book.kinds[event.kind as usize];
            if !kind.web || event.flags.has(Flags::MACHINE) {
                continue;
            }
            let begins =
                number == NO_VISIT || event.instant.saturating_sub(visit.end) >= book.timeout;
            if let Some(last) = open.take()
                && last.on_theme
            {
                let dwell = if begins {
                    book.last_dwell
                } else {
                    event.instant.saturating_sub(last.instant)
                };
                visit.dwell = visit.dwell.saturating_add(dwell);
            }
            if begins {
                if number != NO_VISIT {
                    self.close(visit, book);
                }
                visit = Visit::beginning_at(place, event.instant);
                number = number.wrapping_add(1);
            }
            self.of_event[place] = number;
            let on_theme = book.is_on_theme(event.page);
            let dwell = event.measures.dwell();
            visit.events += 1;
            visit.bypass |= kind.bypass;
            visit.end = visit.end.max(event.instant.saturating_add(dwell.unwrap_or(0)));
            if on_theme {
                visit.dwell = visit.dwell.saturating_add(dwell.unwrap_or(0));
                visit.clicks += event.measures.clicks();
            }
            if dwell.is_none() {
                open = Some(Open { instant: event.instant, on_theme });
            }
        }
        if open.is_some_and(|last| last.on_theme) {
            visit.dwell = visit.dwell.saturating_add(book.last_dwell);
        }
        if number != NO_VISIT {
            self.close(visit, book);
        }
        if let (true, Some(most)) = (self.crowded, book.bot_events) {
            self.judge(events, most);
        }
    }

    /// Take a visit that is over in, and say whether it passes.
    #[inline]
    fn close(&mut self, mut visit: Visit, book: &Book) {
        let dense = book.gate.is_none_or(|gate| gate.passes(visit.dwell, visit.clicks));
        visit.passed = visit.bypass | dense;
        self.dense += u32::from(visit.passed);
        self.crowded |= book.bot_events.is_some_and(|most| visit.events > most);
        self.all.push(visit);
    }

    /// Say which visits a program made.
    #[cold]
    fn judge(&mut self, events: &[Event], most: u32) {
        for number in 0..self.all.len() {
            self.all[number].bot = self.all[number].events > most
                && hurries(&self.instants(number, events, 0), most as usize);
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
        (0..self.all.len()).filter(|&number| self.all[number].bot && !known(number)).count()
    }

    /// The instants of the events of a visit that have some flags.
    fn instants(&self, number: usize, events: &[Event], flags: u16) -> Vec<i64> {
        let end = self.all.get(number + 1).map_or(events.len(), |next| next.first);
        (self.all[number].first..end)
            .filter(|&place| self.of_event[place] == number as u32)
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
