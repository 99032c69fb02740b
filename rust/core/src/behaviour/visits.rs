//! Visits: runs of web events, their time and clicks, and whether they pass the density gate.

use std::ops::Range;

use super::compiled_rules::CompiledRules;
use super::event::{Event, Flags};
use super::repeat_limiter::NO_VISIT;

/// A minute, in microseconds: what the events of a program are counted in.
const MINUTE: i64 = 60_000_000;

/// The number of the first visit.
const FIRST: usize = NO_VISIT as usize + 1;

/// A visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Visit {
    /// The index of its first event.
    pub first: usize,
    /// The last activity: the greatest instant plus known dwell.
    pub end: i64,
    /// The time that counts for density, in microseconds.
    pub dwell: u64,
    /// The clicks that count for it.
    pub clicks: u64,
    /// Whether it passes whatever its density.
    pub bypass: bool,
    pub passed: bool,
    /// Whether a program made it.
    pub is_bot: bool,
}

/// What visits and rules need to know of an event, beside the event itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventContext {
    /// The number of its visit.
    pub visit: u32,
    /// The number of its class among the compiled rules.
    pub class: u32,
}

/// Events outside visits have the number [`NO_VISIT`], and with it a visit that passes.
const OUTSIDE: Visit = Visit {
    first: 0,
    end: i64::MIN,
    dwell: 0,
    clicks: 0,
    bypass: false,
    passed: true,
    is_bot: false,
};

/// The visits of one client, reused from client to client.
#[derive(Debug, Default)]
pub(super) struct Visits {
    /// By number, [`NO_VISIT`] included.
    pub all: Vec<Visit>,
    /// By event.
    pub contexts: Vec<EventContext>,
    /// How many visits pass.
    pub dense: u32,
    /// Whether there are enough events for a program to have made a visit.
    pub may_hold_bots: bool,
}

impl Visits {
    /// The visits in their order.
    pub fn own(&self) -> &[Visit] {
        &self.all[FIRST..]
    }

    /// Divide the events of a client, in their order, into visits.
    pub fn sessionise(&mut self, events: &[Event], rules: &CompiledRules) {
        self.all.clear();
        self.all.push(OUTSIDE);
        self.contexts.clear();
        self.contexts.extend(events.iter().map(|event| EventContext {
            visit: NO_VISIT,
            class: rules.class_of(event.kind, event.page),
        }));
        // The instant of the last web event, if its dwell counts and must be taken from the next one.
        let mut open: Option<i64> = None;
        let mut number = NO_VISIT as usize;
        for ((index, event), context) in events.iter().enumerate().zip(&mut self.contexts) {
            let class = rules.class(context.class);
            if !class.is_web | event.flags.has(Flags::MACHINE) {
                continue;
            }
            let last = &mut self.all[number];
            // The end may lie ahead; otherwise the difference fits an unsigned word.
            let pause = event.instant.wrapping_sub(last.end).cast_unsigned();
            let goes_on = event.instant < last.end || pause < rules.timeout.cast_unsigned();
            let begins = number == NO_VISIT as usize || !goes_on;
            if let Some(opened) = open.take() {
                let stayed = event.instant.wrapping_sub(opened).cast_unsigned(); // instants ascend
                last.dwell =
                    last.dwell.saturating_add(if begins { rules.last_dwell } else { stayed });
            }
            if begins {
                number += 1;
                self.all.push(Visit { first: index, end: event.instant, ..OUTSIDE });
            }
            context.visit = number as u32;
            let visit = &mut self.all[number];
            let (dwell, known) = event.measures.dwell_if_known();
            visit.end = visit.end.max(event.instant.saturating_add_unsigned(dwell));
            visit.bypass |= class.signal.bypass;
            if class.on_theme {
                visit.dwell = visit.dwell.saturating_add(dwell);
                visit.clicks += event.measures.clicks();
                open = (!known).then_some(event.instant);
            }
        }
        if open.is_some() {
            self.all[number].dwell = self.all[number].dwell.saturating_add(rules.last_dwell);
        }
        self.classify(events, rules);
    }

    /// Find which visits pass the density gate, and which a program made.
    fn classify(&mut self, events: &[Event], rules: &CompiledRules) {
        self.dense = 0;
        let own = &mut self.all[FIRST..];
        for visit in own.iter_mut() {
            visit.passed = visit.bypass | rules.gate.passes(visit.dwell, visit.clicks);
            self.dense += u32::from(visit.passed);
        }
        let most = rules.bot_events.map(|most| most as usize);
        let most = most.filter(|&most| events.len() > most);
        self.may_hold_bots = most.is_some();
        if let Some(most) = most {
            for number in FIRST..self.all.len() {
                self.all[number].is_bot = self.range(number, events).len() > most
                    && is_too_fast(&self.instants(number, events, 0), most);
            }
        }
    }

    /// The number of visits of programs that no earlier run has counted: those that were not yet
    /// too fast by the events of the saved state alone.
    pub fn new_bots(&self, events: &[Event], rules: &CompiledRules) -> usize {
        if !self.may_hold_bots {
            return 0;
        }
        let is_known = |number: usize| {
            rules.bot_events.is_some_and(|most| {
                is_too_fast(&self.instants(number, events, Flags::SAVED), most as usize)
            })
        };
        let own = FIRST..self.all.len();
        own.filter(|&number| self.all[number].is_bot && !is_known(number)).count()
    }

    /// The indices from the first event of a visit up to the next visit.
    fn range(&self, number: usize, events: &[Event]) -> Range<usize> {
        let end = self.all.get(number + 1).map_or(events.len(), |next| next.first);
        self.all[number].first..end
    }

    /// The instants of those events of a visit that have all of `flags`.
    fn instants(&self, number: usize, events: &[Event], flags: u16) -> Vec<i64> {
        self.range(number, events)
            .filter(|&index| self.contexts[index].visit == number as u32)
            .map(|index| &events[index])
            .filter(|event| event.flags.0 & flags == flags)
            .map(|event| event.instant)
            .collect()
    }
}

/// Whether more than `most` of ascending instants lie within a minute.
fn is_too_fast(instants: &[i64], most: usize) -> bool {
    instants.windows(most + 1).any(|run| run[most].saturating_sub(run[0]) < MINUTE)
}

#[cfg(test)]
mod tests {
    use super::super::event::Measures;
    use super::super::rules::{Bounds, Decay, RuleSet};
    use super::*;
    use crate::dictionary::SharedDictionary;

    /// The visits of web events of unknown dwell at these instants.
    fn visits_of(instants: &[i64], timeout: i64, last_dwell: i64) -> Visits {
        let (kinds, pages) = (SharedDictionary::new("kind", 10), SharedDictionary::new("page", 10));
        let kind = kinds.code(b"page_view").unwrap() as u16;
        let rule_set = RuleSet {
            kind_names: Vec::new(),
            ignore_page_case: false,
            web_kinds: vec!["page_view".to_owned()],
            timeout,
            last_dwell,
            bot_events: None,
            density: None,
            bypass_kinds: Vec::new(),
            decay: Decay::None,
            bounds: Bounds::default(),
            groups: Vec::new(),
            phase_window: 1,
            rules: Vec::new(),
        };
        let rules = CompiledRules::new(&rule_set, &kinds.read(), &pages.read(), 0).unwrap();
        let event = |&instant: &i64| Event {
            instant,
            kind,
            measures: Measures::new(None, 1),
            ..Event::default()
        };
        let events: Vec<Event> = instants.iter().map(event).collect();
        let mut visits = Visits::default();
        visits.sessionise(&events, &rules);
        visits
    }

    #[test]
    fn time_may_be_as_long_as_instants_allow() {
        for (instants, timeout, expected) in [
            // Each on its own: the pause is longer than a signed word holds.
            (vec![i64::MIN, 0, i64::MAX], i64::MAX, vec![3, 3, 3]),
            (vec![i64::MIN, i64::MAX], i64::MAX, vec![3, 3]),
            // Together: a microsecond less than the timeout.
            (vec![0, i64::MAX - 1], i64::MAX, vec![i64::MAX.cast_unsigned() + 2]),
            (vec![i64::MAX, i64::MAX], 1, vec![3]),
            (vec![], 1, vec![]),
        ] {
            let visits = visits_of(&instants, timeout, 3);
            let found: Vec<u64> = visits.own().iter().map(|visit| visit.dwell).collect();
            assert_eq!(found, expected, "{instants:?}");
            assert_eq!(visits.dense as usize, expected.len());
        }
    }

    #[test]
    fn a_minute_is_less_than_sixty_seconds() {
        assert!(is_too_fast(&[0, 1, MINUTE - 1], 2));
        assert!(!is_too_fast(&[0, 1, MINUTE], 2));
        assert!(!is_too_fast(&[0, 1], 2));
        assert!(is_too_fast(&[0, MINUTE, MINUTE + 1, MINUTE + 2], 2));
    }
}
