//! The pass over the timeline of one client: what its events earn, and the client's phase.

use std::ops::Range;

use super::compiled_rules::{CompiledRule, CompiledRules};
use super::drop_reason::EventDropReason;
use super::event::{Event, Flags};
use super::event_tally::EventTally;
use super::ledger::{EventOutcome, LedgerEntry, LedgerSink};
use super::phase::{Phase, PhaseSignal, PhaseTracker};
use super::repeat_limiter::{
    EventPosition, LocalDays, NO_VISIT, RepeatLimiter, remembered_code, still_counts,
};
use super::rules::Category;
use super::saved_state::StateEntry;
use super::timeline::Timeline;
use super::visits::{Visit, Visits};
use crate::calendar::DAY;
use crate::dictionary::MISSING;

/// The result of one client.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ClientScore {
    pub points: f64,
    pub phase: Phase,
    /// `i64::MIN` for none.
    pub last_event: i64,
    pub visits: u32,
    pub dense_visits: u32,
    /// Hot, warm and eliminatory.
    pub hits: [u32; 3],
}

/// Scores one client after another.
pub(super) struct Scorer<'a> {
    rules: &'a CompiledRules,
    as_of: i64,
    limiter: RepeatLimiter,
    visits: Visits,
    /// By group.
    pub sums: Vec<f64>,
    phase: PhaseTracker,
    last_event: i64,
    /// The visits of earlier runs, and those that passed.
    earlier: (u32, u32),
    /// Awards and signals so far, where a state is to be saved.
    state: Option<Vec<StateEntry>>,
    pub drops: ScoringDrops,
    tally: &'a mut EventTally,
}

/// Events dropped while they were scored: whether a program made a visit shows only then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ScoringDrops {
    pub machine_opens: u64,
    pub bot_events: u64,
    pub bot_visits: u64,
}

impl ScoringDrops {
    pub fn of(self, reason: EventDropReason) -> u64 {
        match reason {
            EventDropReason::MachineOpen => self.machine_opens,
            EventDropReason::Bot => self.bot_events,
            _ => 0,
        }
    }
}

impl<'a> Scorer<'a> {
    pub fn new(
        rules: &'a CompiledRules,
        as_of: i64,
        days: LocalDays,
        saves_state: bool,
        tally: &'a mut EventTally,
    ) -> Self {
        Self {
            rules,
            as_of,
            limiter: RepeatLimiter::new(rules.rules.len(), days),
            visits: Visits::default(),
            sums: vec![0.0; rules.groups.len()],
            phase: PhaseTracker::default(),
            last_event: i64::MIN,
            earlier: (0, 0),
            state: saves_state.then(Vec::new),
            drops: ScoringDrops::default(),
            tally,
        }
    }

    /// Score a client. If a state is to be saved, `save` is given its entries, and the index from
    /// which on events are saved as they are: those of a visit that may go on.
    pub fn score(
        &mut self,
        saved: &[StateEntry],
        timeline: &Timeline,
        ledger: &mut impl LedgerSink,
        save: impl FnOnce(&[StateEntry], usize),
    ) -> ClientScore {
        let events = timeline.events.as_slice();
        self.begin(saved, ledger);
        self.visits.sessionise(events, self.rules);
        self.drops.bot_visits += self.visits.new_bots(events, self.rules) as u64;
        let mut first_open = 0;
        if self.state.is_some() {
            first_open = self.first_open_event(events.len());
            self.award_events(timeline, 0..first_open, ledger);
            let entries = self.state_entries(first_open);
            save(&entries, first_open);
        }
        self.award_events(timeline, first_open..events.len(), ledger);
        self.finish()
    }

    /// Begin a client with what earlier runs have saved.
    fn begin(&mut self, saved: &[StateEntry], ledger: &mut impl LedgerSink) {
        self.limiter.next_client();
        self.sums.fill(0.0);
        self.phase = PhaseTracker::default();
        self.last_event = i64::MIN;
        self.earlier = (0, 0);
        if let Some(state) = &mut self.state {
            state.clear();
            state.extend(saved.iter().filter(|entry| {
                matches!(entry, StateEntry::Award { .. } | StateEntry::Signal { .. })
            }));
        }
        for &entry in saved {
            match entry {
                StateEntry::Counts { last_event, visits, dense } => {
                    self.last_event = last_event;
                    self.earlier = (visits, dense);
                    if last_event != i64::MIN && self.in_window(last_event) {
                        self.phase.add_event();
                    }
                }
                StateEntry::Sum { group, sum } => {
                    let group = group as usize;
                    self.sums[group] = sum;
                    ledger.push(LedgerEntry {
                        index: None,
                        instant: None,
                        rule: None,
                        group: Some(group),
                        outcome: EventOutcome::Carried,
                        weight: 1.0,
                        contribution: sum,
                    });
                }
                StateEntry::Award { instant, rule, in_visit, code } => {
                    let CompiledRule { points, group, limit, .. } = self.rules.rules[rule as usize];
                    self.limiter.note_saved(rule, &limit, instant, in_visit, code);
                    if !self.rules.never_decays {
                        let weight = self.weight(instant);
                        let contribution = points * weight;
                        self.sums[group] += contribution;
                        ledger.push(LedgerEntry {
                            index: None,
                            instant: Some(instant),
                            rule: Some(rule),
                            group: Some(group),
                            outcome: EventOutcome::Carried,
                            weight,
                            contribution,
                        });
                    }
                }
                StateEntry::Signal { instant, signal } => {
                    if self.in_window(instant) {
                        self.phase.add(signal);
                    }
                }
            }
        }
    }

    /// The time from an instant to `as_of`; 0 where it comes later.
    #[inline]
    fn since(&self, instant: i64) -> u64 {
        if instant > self.as_of { 0 } else { self.as_of.wrapping_sub(instant).cast_unsigned() }
    }

    fn in_window(&self, instant: i64) -> bool {
        self.since(instant) < self.rules.phase_window.cast_unsigned()
    }

    /// The weight of an award at an instant.
    fn weight(&self, instant: i64) -> f64 {
        self.rules.weights.of(self.since(instant) / DAY.cast_unsigned())
    }

    /// The visit of an event, and its number, from 1, after the visits of earlier runs.
    pub fn numbered_visit(&self, index: usize) -> Option<(u32, Visit)> {
        let visit = self.visits.contexts[index].visit;
        (visit != NO_VISIT).then(|| (self.earlier.0 + visit, self.visits.all[visit as usize]))
    }

    /// The index of the first event that later events may still change: that of the last visit, if
    /// an event after `as_of` could still belong to it.
    fn first_open_event(&self, events: usize) -> usize {
        match self.visits.own().last() {
            Some(visit) if self.as_of.saturating_sub(visit.end) < self.rules.timeout => visit.first,
            _ => events,
        }
    }

    fn award_events(
        &mut self,
        timeline: &Timeline,
        range: Range<usize>,
        ledger: &mut impl LedgerSink,
    ) {
        let (events, messages) = (timeline.events.as_slice(), timeline.messages());
        let visits = std::mem::take(&mut self.visits); // lent, so that the rest may change
        let (mut phase, mut last_event) = (self.phase, self.last_event); // in registers
        let rows = events[range.clone()].iter().zip(&visits.contexts[range.clone()]);
        for (index, (event, &context)) in range.zip(rows) {
            let visit = &visits.all[context.visit as usize];
            if event.flags.has(Flags::MACHINE) | visit.is_bot {
                self.drop_event(index, event, ledger);
                continue;
            }
            last_event = event.instant;
            let class = self.rules.class(context.class);
            if self.in_window(event.instant) {
                let signal = PhaseSignal { counted: visit.passed, ..class.signal };
                phase.add(signal);
                if let Some(state) = &mut self.state
                    && signal.is_significant()
                {
                    state.push(StateEntry::Signal { instant: event.instant, signal });
                }
            }
            let winners = self.rules.winners(class);
            // The run that read the row of a saved event has counted it.
            let is_own = !event.flags.has(Flags::SAVED);
            if winners.is_empty() {
                ledger.push(LedgerEntry::without_award(index, event, EventOutcome::NoRule));
                if is_own {
                    self.tally.add_unwon(event.page, event.kind);
                }
                continue;
            }
            let at = EventPosition {
                instant: event.instant,
                index: index as u32,
                visit: context.visit,
                page: event.page,
                message: messages.get(index).copied().unwrap_or(MISSING),
            };
            self.award(winners, at, visit.passed, is_own, ledger);
        }
        (self.visits, self.phase, self.last_event) = (visits, phase, last_event);
    }

    /// Drop an event: a machine opened the e-mail, or a program made the visit.
    #[cold]
    fn drop_event(&mut self, index: usize, event: &Event, ledger: &mut impl LedgerSink) {
        let machine = event.flags.has(Flags::MACHINE);
        let outcome = if machine { EventOutcome::MachineOpen } else { EventOutcome::Bot };
        ledger.push(LedgerEntry::without_award(index, event, outcome));
        // The run that read the row of a saved event has counted it.
        if !event.flags.has(Flags::SAVED) {
            self.drops.machine_opens += u64::from(machine);
            self.drops.bot_events += u64::from(!machine);
        }
    }

    /// Award the winning rules of an event; `passed` says whether its visit, if any, passed the
    /// density gate, and `is_own` whether it counts for what the rules did in this run.
    #[inline]
    fn award(
        &mut self,
        winners: &[u32],
        at: EventPosition,
        passed: bool,
        is_own: bool,
        ledger: &mut impl LedgerSink,
    ) {
        let rules = self.rules;
        let weight = self.weight(at.instant);
        for &number in winners {
            let rule = &rules.rules[number as usize];
            let outcome = if !(rule.is_ungated | passed) {
                EventOutcome::Density
            } else if !self.limiter.try_award(number, &rule.limit, at) {
                EventOutcome::Repeat
            } else {
                EventOutcome::Awarded
            };
            let tally = &mut self.tally.rules[number as usize];
            tally.won += u64::from(is_own);
            tally.awarded += u64::from(is_own && outcome == EventOutcome::Awarded);
            let mut contribution = 0.0;
            if outcome == EventOutcome::Awarded {
                contribution = rule.points * weight;
                self.sums[rule.group] += contribution;
                if let Some(state) = &mut self.state {
                    let in_visit = at.visit != NO_VISIT;
                    let code = remembered_code(rule.limit.repeat, at);
                    let award =
                        StateEntry::Award { instant: at.instant, rule: number, in_visit, code };
                    state.push(award);
                }
            }
            ledger.push(LedgerEntry {
                index: Some(at.index as usize),
                instant: Some(at.instant),
                rule: Some(number),
                group: Some(rule.group),
                outcome,
                weight,
                contribution,
            });
        }
    }

    /// What a later run must know of everything before an event.
    fn state_entries(&self, before: usize) -> Vec<StateEntry> {
        let (visits, dense) = self.counts(before);
        let mut entries = vec![StateEntry::Counts { last_event: self.last_event, visits, dense }];
        if self.rules.never_decays {
            let sums = (0..).zip(&self.sums);
            entries.extend(sums.map(|(group, &sum)| StateEntry::Sum { group, sum }));
        }
        let still_matters = |entry: &&StateEntry| match **entry {
            StateEntry::Award { instant, rule, code, .. } => {
                let repeat = self.rules.rules[rule as usize].limit.repeat;
                let weight = self.weight(instant);
                !self.rules.never_decays && weight > 0.0
                    || still_counts(repeat, self.as_of.saturating_sub(instant), code)
            }
            StateEntry::Signal { instant, .. } => self.in_window(instant),
            StateEntry::Counts { .. } | StateEntry::Sum { .. } => false,
        };
        entries.extend(self.state.iter().flatten().filter(still_matters));
        entries
    }

    /// The visits that begin before an event, with those of earlier runs, and how many passed.
    fn counts(&self, before: usize) -> (u32, u32) {
        let (mut visits, mut dense) = self.earlier;
        for visit in self.visits.own().iter().filter(|visit| visit.first < before && !visit.is_bot)
        {
            visits += 1;
            dense += u32::from(visit.passed);
        }
        (visits, dense)
    }

    /// All visits, with those of earlier runs, and how many passed.
    fn visit_counts(&self) -> (u32, u32) {
        if self.visits.may_hold_bots {
            return self.counts(usize::MAX); // visits of programs do not count
        }
        (self.earlier.0 + self.visits.own().len() as u32, self.earlier.1 + self.visits.dense)
    }

    fn finish(&mut self) -> ClientScore {
        let mut score = 0.0;
        for (sum, group) in self.sums.iter_mut().zip(&self.rules.groups) {
            *sum = clamp(*sum, group.floor, group.cap);
            score += *sum;
        }
        let (visits, dense_visits) = self.visit_counts();
        ClientScore {
            points: clamp(score, self.rules.bounds.floor, self.rules.bounds.cap),
            phase: self.phase.phase(),
            last_event: self.last_event,
            visits,
            dense_visits,
            hits: [Category::Hot, Category::Warm, Category::Eliminatory]
                .map(|category| self.phase.hits[category as usize]),
        }
    }
}

/// A sum within its bounds; never a negative zero.
fn clamp(sum: f64, floor: Option<f64>, cap: Option<f64>) -> f64 {
    let sum = floor.map_or(sum, |floor| sum.max(floor));
    cap.map_or(sum, |cap| sum.min(cap)) + 0.0
}
