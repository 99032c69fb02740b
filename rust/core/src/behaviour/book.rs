//! A scheme made ready for events: which rules win for each kind on each class of pages.

use super::decay::Weights;
use super::dictionary::Words;
use super::limits::Limit;
use super::pages::{Matcher, Pattern, Specificity};
use super::phase::Sign;
use super::scheme::{Category, Decay, Density, Group, Rule, Scheme};
use crate::error::Result;

/// What an award of a rule does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prize {
    pub points: f64,
    pub group: usize,
    pub limit: Limit,
    /// Whether it counts in visits that do not pass too.
    pub ungated: bool,
}

/// The rules, looked up by codes.
#[derive(Debug)]
pub(super) struct Book {
    pub prizes: Vec<Prize>,
    pub groups: Vec<Group>,
    pub bounds: Group,
    pub weights: Weights,
    pub timeout: i64,
    pub last_dwell: u64,
    pub bot_events: Option<u32>,
    pub gate: Gate,
    pub phase_window: i64,
    /// Whether awards keep their weight for ever.
    pub undecaying: bool,
    /// By page: where the pairs of its class begin.
    pairs_of_page: Vec<u32>,
    /// By class and kind.
    pairs: Vec<Pair>,
    winners: Vec<u32>,
}

/// What the rules make of events of one kind on the pages of one class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    /// Where the winners stand.
    start: u32,
    end: u32,
    /// What such an event says for the phase, if it counts.
    pub sign: Sign,
    /// Whether it is part of a visit.
    pub web: bool,
    /// Whether its time and clicks count for density.
    pub on_theme: bool,
}

/// The demands of density.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gate {
    min_dwell: u64,
    min_clicks: u64,
    any: bool,
}

impl Gate {
    /// A demand that is not made is met by all, and helps nobody where one of two will do.
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

    /// Whether a visit meets what is demanded: both are looked at, as neither can be foretold.
    #[inline]
    pub fn passes(&self, dwell: u64, clicks: u64) -> bool {
        let (dwell, clicks) = (dwell >= self.min_dwell, clicks >= self.min_clicks);
        if self.any { dwell | clicks } else { dwell & clicks }
    }
}

impl Book {
    /// Make a scheme ready for the kinds and pages that were seen.
    ///
    /// # Errors
    /// If a pattern cannot be read.
    pub fn new(scheme: &Scheme, kinds: &Words, pages: &Words, oldest: u32) -> Result<Self> {
        let theme = scheme.density.as_ref().and_then(|density| density.theme.as_deref());
        let of_rules = scheme.rules.iter().filter_map(|rule| rule.page.as_deref());
        let patterns: Vec<&str> =
            of_rules.chain(theme.unwrap_or_default().iter().map(String::as_str)).collect();
        let classes = Matcher::new(&patterns)?.classes(pages);
        let ranks = Ranks::new(&scheme.rules);
        let first_theme = ranks.patterns as u32;
        let names: Vec<&[u8]> =
            (0..kinds.codes() as u32).map(|code| kinds.get(code).unwrap_or_default()).collect();
        let among = |list: &[String], name: &[u8]| list.iter().any(|kind| kind.as_bytes() == name);
        let kinds: Vec<(bool, bool)> = names
            .iter()
            .map(|name| (among(&scheme.web_kinds, name), among(&scheme.bypass_kinds, name)))
            .collect();
        let (mut pairs, mut winners) = (Vec::new(), Vec::new());
        for members in &classes.members {
            let candidates = ranks.candidates(members);
            let on_theme = theme.is_none() || members.last() >= Some(&first_theme);
            for (code, (name, &(web, bypass))) in names.iter().zip(&kinds).enumerate() {
                let start = winners.len();
                if code > 0 {
                    win(&scheme.rules, &candidates, name, &mut winners);
                }
                let mut sign = Sign { purchase: *name == b"purchase", bypass, ..Sign::default() };
                let of_winners =
                    winners[start..].iter().map(|&winner| &scheme.rules[winner as usize]);
                of_winners.filter_map(|rule| rule.category).for_each(|category| sign.hit(category));
                let (start, end) = (start as u32, winners.len() as u32);
                pairs.push(Pair { start, end, sign, web, on_theme });
            }
        }
        let row = kinds.len() as u32;
        let pairs_of_page = classes.of_page.iter().map(|&class| class * row).collect();
        Ok(Self {
            prizes: scheme.rules.iter().map(prize).collect(),
            groups: scheme.groups.clone(),
            bounds: scheme.bounds,
            weights: Weights::new(scheme.decay, oldest),
            timeout: scheme.timeout,
            last_dwell: scheme.last_dwell.cast_unsigned(),
            bot_events: scheme.bot_events,
            gate: Gate::new(scheme.density.as_ref()),
            phase_window: scheme.phase_window,
            undecaying: scheme.decay == Decay::None,
            pairs_of_page,
            pairs,
            winners,
        })
    }

    /// The number of the pair of a kind and a page.
    #[inline]
    pub fn pair_of(&self, kind: u16, page: u32) -> u32 {
        self.pairs_of_page[page as usize] + u32::from(kind)
    }

    /// What the rules make of the kind and the page of a pair.
    #[inline]
    pub fn pair(&self, number: u32) -> &Pair {
        &self.pairs[number as usize]
    }

    /// The winning rule of each group.
    #[inline]
    pub fn winners(&self, pair: &Pair) -> &[u32] {
        &self.winners[pair.start as usize..pair.end as usize]
    }
}

fn prize(rule: &Rule) -> Prize {
    Prize {
        points: rule.points,
        group: rule.group,
        limit: Limit::new(rule.repeat),
        ungated: rule.points <= 0.0 || rule.category == Some(Category::Eliminatory),
    }
}

/// The rules in the order in which they win.
struct Ranks {
    /// By rank: the rule, and the number of its pattern.
    rules: Vec<(usize, Option<u32>)>,
    /// How many patterns rules have.
    patterns: usize,
}

impl Ranks {
    fn new(rules: &[Rule]) -> Self {
        let mut patterns = 0;
        let mut ranked: Vec<(Specificity, usize, Option<u32>)> = Vec::with_capacity(rules.len());
        for (number, rule) in rules.iter().enumerate() {
            let pattern = rule.page.as_ref().map(|text| {
                patterns += 1;
                (Pattern::read(text).specificity(), patterns as u32 - 1)
            });
            let specificity = pattern.map_or(Specificity::Anything, |(specificity, _)| specificity);
            ranked.push((specificity, number, pattern.map(|(_, number)| number)));
        }
        ranked.sort();
        let rules = ranked.into_iter().map(|(_, rule, pattern)| (rule, pattern)).collect();
        Self { rules, patterns }
    }

    /// The rules that pages with these patterns can match, the most specific first.
    fn candidates(&self, members: &[u32]) -> Vec<usize> {
        self.rules
            .iter()
            .filter(|(_, pattern)| pattern.is_none_or(|p| members.binary_search(&p).is_ok()))
            .map(|(rule, _)| *rule)
            .collect()
    }
}

/// Add the first candidate of each group for a kind, in the order of the groups.
fn win(rules: &[Rule], candidates: &[usize], kind: &[u8], winners: &mut Vec<u32>) {
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
