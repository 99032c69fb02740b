//! The rules compiled for the kinds and pages that occur: which rules win for which events.

use super::decay_weights::DecayWeights;
use super::page_patterns::{PageMatcher, PagePattern, Specificity};
use super::phase::PhaseSignal;
use super::repeat_limiter::RepeatLimit;
use super::rules::{Bounds, Category, Decay, Density, Rule, RuleSet};
use crate::dictionary::TextDictionary;
use crate::error::Result;

/// One rule, as far as it concerns events that it has won.
#[derive(Debug, Clone, Copy)]
pub(super) struct CompiledRule {
    pub points: f64,
    pub group: usize,
    pub limit: RepeatLimit,
    /// Whether it is awarded in visits that fail the density gate, too.
    pub is_ungated: bool,
}

/// The rules, looked up by codes.
#[derive(Debug)]
pub(super) struct CompiledRules {
    pub rules: Vec<CompiledRule>,
    pub groups: Vec<Bounds>,
    pub bounds: Bounds,
    pub weights: DecayWeights,
    pub timeout: i64,
    pub last_dwell: u64,
    pub bot_events: Option<u32>,
    pub gate: DensityGate,
    pub phase_window: i64,
    /// Whether awards keep their weight for ever.
    pub never_decays: bool,
    /// By page code: the first event class of the page's class.
    first_class_of_page: Vec<u32>,
    /// By page class, then by kind.
    classes: Vec<EventClass>,
    /// The winning rules of all classes, one class after another.
    winners: Vec<u32>,
}

/// Events of one kind on pages of one class: the rules treat them alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventClass {
    /// The range of its winning rules.
    start: u32,
    end: u32,
    /// What such an event means for the phase, if it counts.
    pub signal: PhaseSignal,
    /// Whether it is part of a visit.
    pub is_web: bool,
    /// Whether its time and clicks count for density.
    pub on_theme: bool,
}

/// The time and clicks that a visit needs to earn points.
#[derive(Debug, Clone, Copy)]
pub(super) struct DensityGate {
    min_dwell: u64,
    min_clicks: u64,
    any: bool,
}

impl DensityGate {
    /// A threshold that is not given is met by every visit, and is ignored where either will do.
    fn new(density: Option<&Density>) -> Self {
        let Some(density) = density else {
            return Self { min_dwell: 0, min_clicks: 0, any: false };
        };
        Self {
            min_dwell: density.min_dwell.unwrap_or(0).cast_unsigned(),
            min_clicks: density.min_clicks.unwrap_or(0),
            any: density.any && density.min_dwell.is_some() && density.min_clicks.is_some(),
        }
    }

    /// Whether a visit passes. Both thresholds are compared: a branch on the first would be mispredicted.
    #[inline]
    pub fn passes(&self, dwell: u64, clicks: u64) -> bool {
        let (dwell, clicks) = (dwell >= self.min_dwell, clicks >= self.min_clicks);
        if self.any { dwell | clicks } else { dwell & clicks }
    }
}

impl CompiledRules {
    /// Compile rules for the kinds and pages that occur, and ages up to `oldest` days.
    ///
    /// # Errors
    /// If a pattern cannot be read.
    pub fn new(
        rule_set: &RuleSet,
        kinds: &TextDictionary,
        pages: &TextDictionary,
        oldest: u32,
    ) -> Result<Self> {
        let rules = &rule_set.rules;
        let theme = rule_set.density.as_ref().and_then(|density| density.theme.as_deref());
        let of_rules = rules.iter().filter_map(|rule| rule.page.as_deref());
        let patterns: Vec<&str> =
            of_rules.chain(theme.unwrap_or_default().iter().map(String::as_str)).collect();
        let page_classes = PageMatcher::new(&patterns, rule_set.ignore_page_case)?.classes(pages);
        let precedence = RulePrecedence::new(rules);
        let first_theme = precedence.place_of_pattern.len() as u32;
        let kinds: Vec<Kind> =
            (0..kinds.codes() as u32).map(|code| Kind::new(kinds.get(code), rule_set)).collect();
        let (mut classes, mut winners) = (Vec::new(), Vec::new());
        for patterns in &page_classes.patterns {
            let candidates = precedence.candidates(patterns);
            let on_theme = theme.is_none() || patterns.last() >= Some(&first_theme);
            for kind in &kinds {
                let start = winners.len();
                if let Some(name) = kind.name {
                    push_winners(rules, &candidates, name, &mut winners);
                }
                let mut signal = kind.signal;
                let winning = winners[start..].iter().map(|&winner| &rules[winner as usize]);
                winning.filter_map(|rule| rule.category).for_each(|hit| signal.add_hit(hit));
                let (start, end) = (start as u32, winners.len() as u32);
                classes.push(EventClass { start, end, signal, is_web: kind.is_web, on_theme });
            }
        }
        let kinds = kinds.len() as u32;
        Ok(Self {
            rules: rules.iter().map(compile).collect(),
            groups: rule_set.groups.clone(),
            bounds: rule_set.bounds,
            weights: DecayWeights::new(rule_set.decay, oldest),
            timeout: rule_set.timeout,
            last_dwell: rule_set.last_dwell.cast_unsigned(),
            bot_events: rule_set.bot_events,
            gate: DensityGate::new(rule_set.density.as_ref()),
            phase_window: rule_set.phase_window,
            never_decays: rule_set.decay == Decay::None,
            first_class_of_page: page_classes.of_page.iter().map(|&class| class * kinds).collect(),
            classes,
            winners,
        })
    }

    /// The number of the class of events of a kind on a page.
    #[inline]
    pub fn class_of(&self, kind: u16, page: u32) -> u32 {
        self.first_class_of_page[page as usize] + u32::from(kind)
    }

    /// The class of a number.
    #[inline]
    pub fn class(&self, number: u32) -> &EventClass {
        &self.classes[number as usize]
    }

    /// The winning rules of a class, at most one a group.
    #[inline]
    pub fn winners(&self, class: &EventClass) -> &[u32] {
        &self.winners[class.start as usize..class.end as usize]
    }
}

/// A kind of events, whatever their page.
struct Kind<'a> {
    /// None for events without one, which no rule wins.
    name: Option<&'a [u8]>,
    is_web: bool,
    signal: PhaseSignal,
}

impl<'a> Kind<'a> {
    fn new(name: Option<&'a [u8]>, rule_set: &RuleSet) -> Self {
        let text = name.unwrap_or_default();
        let is_in = |list: &[String]| list.iter().any(|other| other.as_bytes() == text);
        let bypass = is_in(&rule_set.bypass_kinds);
        let signal = PhaseSignal { purchase: text == b"purchase", bypass, ..Default::default() };
        Self { name, is_web: is_in(&rule_set.web_kinds), signal }
    }
}

fn compile(rule: &Rule) -> CompiledRule {
    CompiledRule {
        points: rule.points,
        group: rule.group,
        limit: RepeatLimit::new(rule.repeat),
        is_ungated: rule.points <= 0.0 || rule.category == Some(Category::Eliminatory),
    }
}

/// The rules in the order in which they win, the most specific first.
struct RulePrecedence {
    /// The rules, the most specific first.
    rules: Vec<usize>,
    /// The places in it of the rules without a pattern, ascending.
    of_any_page: Vec<usize>,
    /// The place in it of the rule of each pattern.
    place_of_pattern: Vec<usize>,
}

impl RulePrecedence {
    fn new(rules: &[Rule]) -> Self {
        let mut patterns = 0;
        let mut sorted: Vec<(Specificity, usize, Option<u32>)> = Vec::with_capacity(rules.len());
        for (number, rule) in rules.iter().enumerate() {
            let pattern = rule.page.as_ref().map(|text| {
                patterns += 1;
                (PagePattern::read(text).specificity(), patterns as u32 - 1)
            });
            let specificity = pattern.map_or(Specificity::Anything, |(specificity, _)| specificity);
            sorted.push((specificity, number, pattern.map(|(_, number)| number)));
        }
        sorted.sort();
        let mut place_of_pattern = vec![0; patterns];
        let mut of_any_page = Vec::new();
        for (place, (_, _, pattern)) in sorted.iter().enumerate() {
            match pattern {
                Some(pattern) => place_of_pattern[*pattern as usize] = place,
                None => of_any_page.push(place),
            }
        }
        let rules = sorted.into_iter().map(|(_, rule, _)| rule).collect();
        Self { rules, of_any_page, place_of_pattern }
    }

    /// The rules that pages which match these patterns can match.
    fn candidates(&self, matched: &[u32]) -> Vec<usize> {
        // Patterns of the theme come after those of rules.
        let of_rules = matched.iter().filter_map(|&p| self.place_of_pattern.get(p as usize));
        let mut places: Vec<usize> = of_rules.chain(&self.of_any_page).copied().collect();
        places.sort_unstable();
        places.into_iter().map(|place| self.rules[place]).collect()
    }
}

/// Add the first candidate of each group for a kind, in the order of the groups.
fn push_winners(rules: &[Rule], candidates: &[usize], kind: &[u8], winners: &mut Vec<u32>) {
    let start = winners.len();
    for &number in candidates {
        let rule = &rules[number];
        let about = rule.kinds.is_empty() || rule.kinds.iter().any(|k| k.as_bytes() == kind);
        let taken = winners[start..].iter().any(|&w| rules[w as usize].group == rule.group);
        if about && !taken {
            winners.push(number as u32);
        }
    }
    winners[start..].sort_by_key(|&winner| rules[winner as usize].group);
}
