//! The pass over the events of one client: what they earn, and where they leave the client.

use std::ops::Range;

use super::book::Book;
use super::event::{Event, Flags};
use super::limits::{Days, Limits, Moment, NO_VISIT, still_counts};
use super::phase::{Phase, Sign, Standing};
use super::reason::Reason;
use super::scheme::Category;
use super::visits::Visits;
use crate::calendar::DAY;

/// What became of one event under one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// It earned its points.
    Awarded = 0,
    /// No rule is about it.
    NoRule,
    /// Its visit did not pass.
    Density,
    /// The rule had been awarded too often or too lately.
    Repeat,
    /// A machine opened the e-mail.
    MachineOpen,
    /// A program made the visit.
    Bot,
    /// An earlier run awarded it.
    Carried,
}

impl Outcome {
    /// The names, by number.
    pub const NAMES: [&'static str; 7] =
        ["awarded", "no_rule", "density", "repeat", "machine_open", "bot", "carried"];
}

/// A line of a ledger.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// The place of the event; none for what an earlier run awarded.
    pub place: Option<usize>,
    /// When; none for a sum of earlier awards.
    pub instant: Option<i64>,
    pub rule: Option<u32>,
    pub group: Option<usize>,
    pub outcome: Outcome,
    pub weight: f64,
    pub contribution: f64,
}

impl Entry {
    /// An event that earns nothing.
    fn nothing(place: usize, event: &Event, outcome: Outcome) -> Self {
        Self {
            place: Some(place),
            instant: Some(event.instant),
            rule: None,
            group: None,
            outcome,
            weight: 0.0,
            contribution: 0.0,
        }
    }
}

/// Who looks on while events are read.
pub(super) trait Witness {
    fn see(&mut self, entry: Entry);
}

/// Nobody does: scoring alone.
pub(super) struct Nobody;

impl Witness for Nobody {
    #[inline]
    fn see(&mut self, _: Entry) {}
}

/// What an earlier run knew of a client.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Carried {
    /// The last event (`i64::MIN` for none), the visits and those that passed.
    Counts { last_event: i64, visits: u32, dense: u32 },
    /// The sum of a group, where awards do not age.
    Sum { group: u32, sum: f64 },
    /// An award that still weighs, or stands in the way of another.
    Award { instant: i64, rule: u32, in_visit: bool },
    /// An event of the phase window.
    Sign { instant: i64, sign: Sign },
}

/// The result of one client.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Score {
    pub points: f64,
    pub phase: Phase,
    /// `i64::MIN` for none.
    pub last_event: i64,
    pub visits: u32,
    pub dense_visits: u32,
    /// Hot, warm and eliminatory.
    pub hits: [u32; 3],
}

/// Reads the events of one client after another.
pub(super) struct Player<'a> {
    book: &'a Book,
    as_of: i64,
    limits: Limits,
    pub visits: Visits,
    /// By group.
    pub sums: Vec<f64>,
    standing: Standing,
    last_event: i64,
    /// The visits of earlier runs, and those that passed.
    earlier: (u32, u32),
    /// Awards and signs so far, where a state is to be saved.
    kept: Option<Vec<Carried>>,
    pub set_aside: SetAside,
}

/// Events that count for nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SetAside {
    pub machine_opens: u64,
    pub bot_events: u64,
    pub bot_visits: u64,
}

impl SetAside {
    pub fn of(self, reason: Reason) -> u64 {
        match reason {
            Reason::MachineOpen => self.machine_opens,
            Reason::Bot => self.bot_events,
            _ => 0,
        }
    }
}

impl<'a> Player<'a> {
    pub fn new(book: &'a Book, as_of: i64, days: Days, keeps_state: bool) -> Self {
        Self {
            book,
            as_of,
            limits: Limits::new(book.prizes.len(), days),
            visits: Visits::default(),
            sums: vec![0.0; book.groups.len()],
            standing: Standing::default(),
            last_event: i64::MIN,
            earlier: (0, 0),
            kept: keeps_state.then(Vec::new),
            set_aside: SetAside::default(),
        }
    }

    /// Score a client. `save` is given the state, if one is to be saved, and the place of the first
    /// event that belongs to it as it is: those of a visit that may go on.
    pub fn play(
        &mut self,
        carried: &[Carried],
        events: &[Event],
        witness: &mut impl Witness,
        save: impl FnOnce(&[Carried], usize),
    ) -> Score {
        self.begin(carried, witness);
        self.visits.cut(events, self.book);
        self.set_aside.bot_visits += self.visits.new_bots(events, self.book) as u64;
        let mut begin = 0;
        if self.kept.is_some() {
            begin = self.settled(events.len());
            self.read(events, 0..begin, witness);
            let state = self.state(begin);
            save(&state, begin);
        }
        self.read(events, begin..events.len(), witness);
        self.score()
    }

    fn begin(&mut self, carried: &[Carried], witness: &mut impl Witness) {
        self.limits.clear();
        self.sums.fill(0.0);
        self.standing = Standing::default();
        self.last_event = i64::MIN;
        self.earlier = (0, 0);
        if let Some(kept) = &mut self.kept {
            kept.clear();
            kept.extend(
                carried
                    .iter()
                    .filter(|row| matches!(row, Carried::Award { .. } | Carried::Sign { .. })),
            );
        }
        for &row in carried {
            match row {
                Carried::Counts { last_event, visits, dense } => {
                    self.last_event = last_event;
                    self.earlier = (visits, dense);
                    if last_event != i64::MIN && self.in_window(last_event) {
                        self.standing.see_any();
                    }
                }
                Carried::Sum { group, sum } => {
                    let group = group as usize;
                    self.sums[group] = sum;
                    witness.see(Entry {
                        place: None,
                        instant: None,
                        rule: None,
                        group: Some(group),
                        outcome: Outcome::Carried,
                        weight: 1.0,
                        contribution: sum,
                    });
                }
                Carried::Award { instant, rule, in_visit } => {
                    let prize = self.book.prizes[rule as usize];
                    self.limits.note_carried(rule, &prize.limit, instant, in_visit);
                    if !self.book.undecaying {
                        let weight = self.weight(instant);
                        let contribution = prize.points * weight;
                        self.sums[prize.group] += contribution;
                        witness.see(Entry {
                            place: None,
                            instant: Some(instant),
                            rule: Some(rule),
                            group: Some(prize.group),
                            outcome: Outcome::Carried,
                            weight,
                            contribution,
                        });
                    }
                }
                Carried::Sign { instant, sign } => {
                    if self.in_window(instant) {
                        self.standing.see(sign);
                    }
                }
            }
        }
    }

    /// The time from an instant to `as_of`; none where it comes later.
    #[inline]
    fn since(&self, instant: i64) -> u64 {
        if instant > self.as_of { 0 } else { self.as_of.wrapping_sub(instant).cast_unsigned() }
    }

    fn in_window(&self, instant: i64) -> bool {
        self.since(instant) < self.book.phase_window.cast_unsigned()
    }

    /// The weight of an award of an instant.
    fn weight(&self, instant: i64) -> f64 {
        self.book.weights.of(self.since(instant) / DAY.cast_unsigned())
    }

    /// The number of a visit of this run, from 1; the visits of earlier runs go before.
    pub fn visit_number(&self, visit: u32) -> u32 {
        self.earlier.0 + visit
    }

    /// The place of the first event that a later run may see in another light: that of the last
    /// visit, if an event after `as_of` could still belong to it.
    fn settled(&self, events: usize) -> usize {
        match self.visits.own().last() {
            Some(visit) if self.as_of.saturating_sub(visit.end) < self.book.timeout => visit.first,
            _ => events,
        }
    }

    fn read(&mut self, events: &[Event], places: Range<usize>, witness: &mut impl Witness) {
        let visits = std::mem::take(&mut self.visits); // lent, so that the rest may change
        let (mut standing, mut last_event) = (self.standing, self.last_event); // in registers
        let rows = events[places.clone()].iter().zip(&visits.marks[places.clone()]);
        for (place, (event, &mark)) in places.zip(rows) {
            let visit = &visits.all[mark.visit as usize];
            if event.flags.has(Flags::MACHINE) | visit.bot {
                self.put_aside(place, event, witness);
                continue;
            }
            last_event = event.instant;
            let pair = self.book.pair(mark.pair);
            if self.in_window(event.instant) {
                let sign = Sign { counted: visit.passed, ..pair.sign };
                standing.see(sign);
                if let Some(kept) = &mut self.kept
                    && sign.is_telling()
                {
                    kept.push(Carried::Sign { instant: event.instant, sign });
                }
            }
            let winners = self.book.winners(pair);
            if winners.is_empty() {
                witness.see(Entry::nothing(place, event, Outcome::NoRule));
            }
            let at = Moment { instant: event.instant, place: place as u32, visit: mark.visit };
            self.award(winners, at, visit.passed, witness);
        }
        (self.visits, self.standing, self.last_event) = (visits, standing, last_event);
    }

    /// An event that counts for nothing: a machine opened the e-mail, or a program made the visit.
    #[cold]
    fn put_aside(&mut self, place: usize, event: &Event, witness: &mut impl Witness) {
        let machine = event.flags.has(Flags::MACHINE);
        let outcome = if machine { Outcome::MachineOpen } else { Outcome::Bot };
        witness.see(Entry::nothing(place, event, outcome));
        if !event.flags.has(Flags::CARRIED) {
            // or the run that read its row has counted it
            self.set_aside.machine_opens += u64::from(machine);
            self.set_aside.bot_events += u64::from(!machine);
        }
    }

    /// Award what the winning rules of an event give; `passed` says whether its visit does, if it
    /// is part of one.
    #[inline]
    fn award(&mut self, winners: &[u32], at: Moment, passed: bool, witness: &mut impl Witness) {
        let book = self.book;
        let weight = self.weight(at.instant);
        for &rule in winners {
            let prize = &book.prizes[rule as usize];
            let outcome = if !(prize.ungated | passed) {
                Outcome::Density
            } else if !self.limits.award(rule, &prize.limit, at) {
                Outcome::Repeat
            } else {
                Outcome::Awarded
            };
            let mut contribution = 0.0;
            if outcome == Outcome::Awarded {
                contribution = prize.points * weight;
                self.sums[prize.group] += contribution;
                if let Some(kept) = &mut self.kept {
                    let in_visit = at.visit != NO_VISIT;
                    kept.push(Carried::Award { instant: at.instant, rule, in_visit });
                }
            }
            witness.see(Entry {
                place: Some(at.place as usize),
                instant: Some(at.instant),
                rule: Some(rule),
                group: Some(prize.group),
                outcome,
                weight,
                contribution,
            });
        }
    }

    /// What a later run has to know of everything before a place.
    fn state(&self, begin: usize) -> Vec<Carried> {
        let (visits, dense) = self.counts(begin);
        let mut state = vec![Carried::Counts { last_event: self.last_event, visits, dense }];
        if self.book.undecaying {
            state.extend((0..).zip(&self.sums).map(|(group, &sum)| Carried::Sum { group, sum }));
        }
        let lives = |row: &&Carried| match **row {
            Carried::Award { instant, rule, .. } => {
                let repeat = self.book.prizes[rule as usize].limit.repeat;
                let weight = self.weight(instant);
                !self.book.undecaying && weight > 0.0
                    || still_counts(repeat, self.as_of.saturating_sub(instant))
            }
            Carried::Sign { instant, .. } => self.in_window(instant),
            Carried::Counts { .. } | Carried::Sum { .. } => false,
        };
        state.extend(self.kept.iter().flatten().filter(lives));
        state
    }

    /// The visits that begin before a place, with those of earlier runs, and how many passed.
    fn counts(&self, before: usize) -> (u32, u32) {
        let (mut visits, mut dense) = self.earlier;
        for visit in self.visits.own().iter().filter(|visit| visit.first < before && !visit.bot) {
            visits += 1;
            dense += u32::from(visit.passed);
        }
        (visits, dense)
    }

    /// All visits, with those of earlier runs, and how many passed.
    fn visit_counts(&self) -> (u32, u32) {
        if self.visits.crowded {
            return self.counts(usize::MAX); // visits of programs are none
        }
        (self.earlier.0 + self.visits.own().len() as u32, self.earlier.1 + self.visits.dense)
    }

    fn score(&mut self) -> Score {
        let mut score = 0.0;
        for (sum, group) in self.sums.iter_mut().zip(&self.book.groups) {
            *sum = clamp(*sum, group.floor, group.cap);
            score += *sum;
        }
        let (visits, dense_visits) = self.visit_counts();
        Score {
            points: clamp(score, self.book.bounds.floor, self.book.bounds.cap),
            phase: self.standing.phase(),
            last_event: self.last_event,
            visits,
            dense_visits,
            hits: [Category::Hot, Category::Warm, Category::Eliminatory]
                .map(|category| self.standing.hits[category as usize]),
        }
    }
}

/// A sum within its bounds; never a negative zero.
fn clamp(sum: f64, floor: Option<f64>, cap: Option<f64>) -> f64 {
    let sum = floor.map_or(sum, |floor| sum.max(floor));
    cap.map_or(sum, |cap| sum.min(cap)) + 0.0
}
