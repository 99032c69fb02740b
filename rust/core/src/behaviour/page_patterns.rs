//! Patterns of pages. Each distinct page is matched once, against all patterns together: pages and
//! beginnings are looked up, so that rules may have as many of them as a shop has products.
//!
//! A pattern is compared with the part of the address that it speaks of: see `page_address`. What it
//! says of that part is read in the same way, so that a page without a star matches itself.

use std::collections::{BTreeMap, HashMap};

use globset::GlobBuilder;
use regex::bytes::{RegexSet, RegexSetBuilder};

use super::page_address::{AddressPart, fold_case};
use super::prefixes::Prefixes;
use crate::dictionary::TextDictionary;
use crate::error::{Error, Result};
use crate::threads::map_each;

/// The prefix of a regular expression.
const REGEX: &str = "re:";
/// Expressions that are searched for together: each set then keeps to the few states that its pages
/// lead to, where one set of thousands forgets them again and again, and takes a hundred times as long.
const SET: usize = 32;
/// Bytes that the expressions of all rules may take, compiled.
const MOST_MEMORY: usize = 1 << 27;
/// Bytes that a pattern may take where only its spelling is checked.
const SPELLING_MEMORY: usize = 1 << 18;
/// Bytes of the states that the sets remember, each thread its own: as many for one set as it would
/// take by itself, and no less than it needs to work.
const STATES_MEMORY: usize = 1 << 26;
const STATES_OF_SET: std::ops::RangeInclusive<usize> = 1 << 17..=1 << 21;
/// Braces within braces, beyond which a glob is none that anybody wrote.
const MOST_NESTED: usize = 50;
/// Characters of a pattern that an error quotes.
const QUOTED: usize = 60;
/// Only a pattern with a star can be a glob: the other signs of globs are frequent in addresses
/// (`/search?q=`), where they stand for themselves.
const STAR: char = '*';

/// A pattern of pages, by how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PagePattern {
    /// One page.
    Exact(String),
    /// All pages that begin so.
    Prefix(String),
    /// A glob, whose stars cross slashes.
    Glob(String),
    /// A regular expression, anywhere in the page.
    Regex(String),
}

/// How specific a pattern is, the most specific first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Specificity {
    /// One page.
    Exact,
    /// A beginning, the longer the more specific.
    Prefix(std::cmp::Reverse<usize>),
    /// A glob.
    Glob,
    /// A regular expression.
    Regex,
    /// No pattern at all.
    Anything,
}

impl PagePattern {
    /// Read a pattern.
    pub fn read(text: &str) -> Self {
        if let Some(expression) = text.strip_prefix(REGEX) {
            return Self::Regex(expression.to_owned());
        }
        match text.find(STAR) {
            None => Self::Exact(text.to_owned()),
            Some(first) if first + 1 == text.len() => Self::Prefix(text[..first].to_owned()),
            Some(_) => Self::Glob(text.to_owned()),
        }
    }

    /// How specific it is.
    pub fn specificity(&self) -> Specificity {
        match self {
            Self::Exact(_) => Specificity::Exact,
            Self::Prefix(prefix) => Specificity::Prefix(std::cmp::Reverse(prefix.len())),
            Self::Glob(_) => Specificity::Glob,
            Self::Regex(_) => Specificity::Regex,
        }
    }

    /// What it is compared with.
    fn part(&self) -> AddressPart {
        match self {
            Self::Exact(text) | Self::Prefix(text) | Self::Glob(text) => {
                AddressPart::of_pattern(text)
            }
            Self::Regex(_) => AddressPart::Whole,
        }
    }

    /// The pattern as it is compared with its part of addresses.
    fn compiled(&self, ignore_case: bool) -> std::result::Result<Compiled, String> {
        let part = self.part();
        let fold = |text: &str| if ignore_case { fold_case(text) } else { text.to_owned() };
        Ok(match self {
            Self::Exact(text) => Compiled::Exact(fold(&part.of(text))),
            Self::Prefix(text) => Compiled::Prefix(fold(&part.of_beginning(text))),
            Self::Glob(text) => {
                if is_nested_deeply(text) {
                    return Err(format!("its braces are nested more than {MOST_NESTED} deep"));
                }
                let text = fold(if part == AddressPart::Whole { text } else { without_end(text) });
                let glob = GlobBuilder::new(&text)
                    .literal_separator(false)
                    .backslash_escape(true)
                    .build()
                    .map_err(|error| error.kind().to_string())?;
                Compiled::Expression(glob.regex().to_owned())
            }
            // The expression itself ignores case: folding would change its classes.
            Self::Regex(text) if ignore_case => Compiled::Expression(format!("(?i){text}")),
            Self::Regex(text) => Compiled::Expression(text.clone()),
        })
    }
}

/// A glob without the slash at its end, which does not count.
fn without_end(glob: &str) -> &str {
    glob.strip_suffix('/').filter(|rest| !rest.ends_with('\\')).unwrap_or(glob)
}

/// A pattern, ready for comparison.
enum Compiled {
    Exact(String),
    Prefix(String),
    Expression(String),
}

/// Whether braces stand in more braces than a reader of globs can follow.
fn is_nested_deeply(glob: &str) -> bool {
    let mut depth = 0_usize;
    glob.bytes().any(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MOST_NESTED
    })
}

/// Check that a pattern of pages can be read; whether it is too large is seen with all the others.
///
/// # Errors
/// If it is a glob or a regular expression that cannot.
pub fn check_pattern(text: &str) -> Result<()> {
    checked(text, false, SPELLING_MEMORY).or_else(|fault| match fault {
        Fault::TooLarge => Ok(()),
        Fault::Wrong(reason) => Err(unreadable(text, &reason)),
    })
}

/// Check that patterns can be read, and are not too large together.
///
/// # Errors
/// If they are not, with the one that is wrong if it is one.
pub fn check_patterns(patterns: &[&str], ignore_case: bool) -> Result<()> {
    PageMatcher::new(patterns, ignore_case).map(|_| ())
}

/// What is wrong with patterns.
enum Fault {
    /// They would take more memory than they may.
    TooLarge,
    /// One of them cannot be read.
    Wrong(String),
}

impl From<regex::Error> for Fault {
    fn from(error: regex::Error) -> Self {
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            return Self::TooLarge;
        }
        // The library repeats the pattern, and says what is wrong with it at the end.
        let told = error.to_string();
        let reason = told.rsplit_once("error: ").map_or(told.as_str(), |(_, reason)| reason);
        Self::Wrong(reason.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

fn checked(text: &str, ignore_case: bool, memory: usize) -> std::result::Result<(), Fault> {
    match PagePattern::read(text).compiled(ignore_case).map_err(Fault::Wrong)? {
        Compiled::Exact(_) | Compiled::Prefix(_) => Ok(()),
        Compiled::Expression(expression) => {
            expression_set([&expression], memory, 0).map(|_| ()).map_err(Fault::from)
        }
    }
}

fn unreadable(text: &str, reason: &str) -> Error {
    Error::Option(format!("the page pattern \"{}\" cannot be read: {reason}", quoted(text)))
}

/// As much of a pattern as shows which one it is.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Patterns, compiled together.
#[derive(Debug)]
pub(super) struct PageMatcher {
    parts: Vec<PartMatcher>,
    ignore_case: bool,
}

/// What patterns of one part of addresses are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    part: AddressPart,
    /// Whether it is as it stands, for regular expressions.
    verbatim: bool,
}

/// The patterns of one subject.
#[derive(Debug)]
struct PartMatcher {
    subject: Subject,
    exact: HashMap<String, Vec<u32>>,
    prefixes: Prefixes,
    sets: Vec<RegexSet>,
    /// For each expression, `SET` of them to a set, the number of its pattern.
    numbers: Vec<u32>,
}

impl PageMatcher {
    /// Compile patterns, which are numbered in their order.
    ///
    /// # Errors
    /// If one cannot be read, or all together are too large.
    pub fn new(patterns: &[&str], ignore_case: bool) -> Result<Self> {
        let mut drafts: BTreeMap<Subject, Draft> = BTreeMap::new();
        for (number, text) in (0..).zip(patterns) {
            let pattern = PagePattern::read(text);
            let verbatim = matches!(pattern, PagePattern::Regex(_));
            let compiled =
                pattern.compiled(ignore_case).map_err(|reason| unreadable(text, &reason))?;
            let subject = Subject { part: pattern.part(), verbatim };
            drafts.entry(subject).or_default().add(number, compiled);
        }
        let sets: usize = drafts.values().map(|draft| draft.numbers.len().div_ceil(SET)).sum();
        let memory = MOST_MEMORY / sets.max(1);
        let states = STATES_MEMORY / sets.max(1);
        let mut parts = Vec::with_capacity(drafts.len());
        for (subject, draft) in drafts {
            let mut compiled = Vec::new();
            for (own, numbers) in draft.expressions.chunks(SET).zip(draft.numbers.chunks(SET)) {
                let set = expression_set(own, memory, states).map_err(|error| {
                    let texts = numbers.iter().map(|&number| patterns[number as usize]);
                    fault_of_set(texts, ignore_case, error)
                })?;
                compiled.push(set);
            }
            parts.push(PartMatcher {
                subject,
                exact: draft.exact,
                prefixes: Prefixes::new(draft.prefixes),
                sets: compiled,
                numbers: draft.numbers,
            });
        }
        Ok(Self { parts, ignore_case })
    }

    /// The numbers of the patterns that a page matches, ascending.
    fn matches(&self, page: &str) -> Vec<u32> {
        let mut found = Vec::new();
        for matcher in &self.parts {
            let Subject { part, verbatim } = matcher.subject;
            let text = part.of(page);
            if self.ignore_case && !verbatim {
                matcher.find(&fold_case(&text), &mut found);
            } else {
                matcher.find(&text, &mut found);
            }
        }
        found.sort_unstable();
        found
    }

    /// The class of each page: pages of one class match the same patterns. Class 0 is that of
    /// events without a page, which match none.
    pub fn classes(&self, pages: &TextDictionary) -> PageClasses {
        // Code 0 is no page.
        let matched = map_each(1..pages.codes(), |_, code| {
            let page = pages.get(code as u32).unwrap_or_default();
            self.matches(&String::from_utf8_lossy(page))
        });
        let mut known = HashMap::from([(Vec::new(), 0)]);
        let mut patterns_of = vec![Vec::new()];
        let mut of_page = vec![0];
        for patterns in matched {
            let class = *known.entry(patterns).or_insert_with_key(|patterns| {
                patterns_of.push(patterns.clone());
                patterns_of.len() as u32 - 1
            });
            of_page.push(class);
        }
        PageClasses { of_page, patterns: patterns_of }
    }
}

/// The patterns of one subject, before they are compiled together.
#[derive(Default)]
struct Draft {
    exact: HashMap<String, Vec<u32>>,
    prefixes: Vec<(String, u32)>,
    expressions: Vec<String>,
    numbers: Vec<u32>,
}

impl Draft {
    fn add(&mut self, number: u32, pattern: Compiled) {
        match pattern {
            Compiled::Exact(text) => self.exact.entry(text).or_default().push(number),
            Compiled::Prefix(text) => self.prefixes.push((text, number)),
            Compiled::Expression(expression) => {
                self.expressions.push(expression);
                self.numbers.push(number);
            }
        }
    }
}

impl PartMatcher {
    /// Add the numbers of the patterns that a text matches.
    fn find(&self, text: &str, found: &mut Vec<u32>) {
        for (set, numbers) in self.sets.iter().zip(self.numbers.chunks(SET)) {
            found.extend(set.matches(text.as_bytes()).into_iter().map(|i| numbers[i]));
        }
        self.prefixes.find(text, found);
        found.extend(self.exact.get(text).into_iter().flatten());
    }
}

/// Expressions compiled together, in so much memory, and so much for the states of a search.
fn expression_set(
    expressions: impl IntoIterator<Item = impl AsRef<str>>,
    memory: usize,
    states: usize,
) -> std::result::Result<RegexSet, regex::Error> {
    let states = states.clamp(*STATES_OF_SET.start(), *STATES_OF_SET.end());
    RegexSetBuilder::new(expressions).size_limit(memory).dfa_size_limit(states).build()
}

/// What is wrong with the patterns of a set that cannot be compiled.
fn fault_of_set<'a>(
    patterns: impl Iterator<Item = &'a str>,
    ignore_case: bool,
    error: regex::Error,
) -> Error {
    for text in patterns {
        // One that takes this much for itself is named; less, so that all are looked at in seconds.
        match checked(text, ignore_case, MOST_MEMORY / 8) {
            Ok(()) => {}
            Err(Fault::Wrong(reason)) => return unreadable(text, &reason),
            Err(Fault::TooLarge) => {
                return Error::Option(format!(
                    "the page pattern \"{}\" is too large: write it with fewer repetitions",
                    quoted(text)
                ));
            }
        }
    }
    match Fault::from(error) {
        Fault::Wrong(reason) => Error::Option(format!("the page patterns cannot be read: {reason}")),
        Fault::TooLarge => Error::Option(
            "the page patterns are too large together: write fewer regular expressions, or pages and \
             beginnings (/guides/*) in their place, of which there may be any number"
                .to_owned(),
        ),
    }
}

/// Pages by the patterns they match.
#[derive(Debug)]
pub(super) struct PageClasses {
    /// The class of each page code.
    pub of_page: Vec<u32>,
    /// The patterns of each class, ascending.
    pub patterns: Vec<Vec<u32>>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matched(pattern: &str, page: &str) -> bool {
        !PageMatcher::new(&[pattern], false).unwrap().matches(page).is_empty()
    }

    fn matched_in_any_case(pattern: &str, page: &str) -> bool {
        !PageMatcher::new(&[pattern], true).unwrap().matches(page).is_empty()
    }

    #[test]
    fn patterns_are_what_they_look_like() {
        for (text, pattern) in [
            ("/tarifs", PagePattern::Exact("/tarifs".into())),
            ("/tarifs/*", PagePattern::Prefix("/tarifs/".into())),
            ("*", PagePattern::Prefix(String::new())),
            ("/*/tarifs", PagePattern::Glob("/*/tarifs".into())),
            ("/**", PagePattern::Glob("/**".into())),
            ("/p?*", PagePattern::Prefix("/p?".into())),
            ("/s?q=a", PagePattern::Exact("/s?q=a".into())),
            ("/[x]{y", PagePattern::Exact("/[x]{y".into())),
            ("/[x*", PagePattern::Prefix("/[x".into())),
            ("*/p?", PagePattern::Glob("*/p?".into())),
            ("re:^/a", PagePattern::Regex("^/a".into())),
            ("", PagePattern::Exact(String::new())),
        ] {
            assert_eq!(PagePattern::read(text), pattern, "{text}");
        }
    }

    #[test]
    fn patterns_match_as_written() {
        for (pattern, page, expected) in [
            ("/tarifs", "/tarifs", true),
            ("/tarifs", "/tarifs/", true),
            ("/tarifs/", "/tarifs", true),
            ("/tarifs", "/tarifs//", false),
            ("/tarifs/*", "/tarifs/", false), // which is /tarifs
            ("/tarifs/*", "/tarifs/a/b", true),
            ("/tarifs/*", "/tarifs", false),
            ("/tarifs/*", "/x/tarifs/", false),
            ("/a.c*", "/abc", false),
            ("*/tarifs", "/fr/x/tarifs", true),
            ("*/tarifs", "/fr/tarifs/x", false),
            ("/{fr,en}/*.html", "/en/a/b.html", true),
            ("re:tarif", "/fr/tarifs", true),
            ("re:^tarif", "/fr/tarifs", false),
            ("re:(?i)TARIF", "/tarifs", true),
            ("/été/*", "/été/1", true),
            ("*", "", true),
            ("*/?/é*", "/x/a/éà", true),
            ("/s?q=a", "/s?q=a", true),
            ("/s?q=a", "/sXq=a", false),
            ("/s?q=*", "/s?q=", true),
            ("/s?q=*", "/sXq=a", false),
            ("/[ab]/*", "/a/x", false),
            ("/[ab]/*", "/[ab]/x", true),
            ("*/[ab]/*", "/a/x", true),
            ("*/s?q", "/s?q", true),
            ("*/s?q", "/sXq", true),
        ] {
            assert_eq!(matched(pattern, page), expected, "{pattern} {page}");
        }
    }

    #[test]
    fn patterns_match_the_part_they_speak_of() {
        let page = "https://www.exemple.fr/fr/panier/?utm_source=x&a=b#top";
        for (pattern, expected) in [
            ("/fr/panier", true),
            ("/fr/panier/", true),
            ("/fr/*", true),
            ("*/panier", true),
            ("*/panier/", true),
            ("/fr/panier/*", false),
            ("/fr/panier?utm_source=x&a=b", true),
            ("/fr/panier/?utm_source=x&a=b", true),
            ("/fr/panier?utm_source=x", false),
            ("/fr/panier?utm_*", true),
            ("/fr/panier/?utm_*", true),
            ("*?*a=b", true),
            ("/fr/panier#top", true),
            ("/fr/panier#*", true),
            ("/fr/panier#bottom", false),
            ("*www.exemple*", false),
            ("https://www.exemple.fr/*", true),
            ("*://www.exemple.fr/*", true),
            ("https://www.exemple.fr/fr/panier", false),
            ("https://www.exemple.fr/fr/panier/?utm_source=x&a=b#top", true),
            ("re:^https", true),
            ("re:panier/\\?", true),
            ("re:^/fr", false),
        ] {
            assert_eq!(matched(pattern, page), expected, "{pattern}");
        }
        assert!(matched("/", "https://www.exemple.fr") && !matched("/", page));
        assert!(
            matched("newsletter-1", "newsletter-1") && !matched("newsletter-1", "newsletter-12")
        );
    }

    #[test]
    fn case_may_be_ignored() {
        let page = "https://H.fr/Été/PANIER?Q=Straße";
        for pattern in [
            "/été/panier",
            "/ÉTÉ/*",
            "*/panier",
            "/étÉ/[o-q]*r",
            "/Été/panier?q=stra\u{1E9E}e",
            "re:été/panier",
            "HTTPS://h.fr/*",
        ] {
            assert!(matched_in_any_case(pattern, page), "{pattern}");
            assert!(!matched(pattern, page), "{pattern}");
        }
        assert!(!matched_in_any_case("/ete/panier", page));
        assert!(!matched_in_any_case("re:(?-i)panier", page));
    }

    #[test]
    fn the_more_specific_comes_first() {
        let texts = ["/a/b", "/a/b/*", "/a/*", "*", "/*/b", "re:."];
        let order: Vec<Specificity> =
            texts.iter().map(|text| PagePattern::read(text).specificity()).collect();
        assert!(order.is_sorted() && order.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(Specificity::Regex < Specificity::Anything);
    }

    #[test]
    fn broken_patterns_say_why() {
        for text in ["re:(", "*/a[b", "*{a"] {
            let found = PageMatcher::new(&["/a*", text], false).err();
            assert_eq!(found, check_pattern(text).err(), "{text}");
            assert!(
                matches!(check_pattern(text), Err(Error::Option(m)) if m.contains(text)),
                "{text}"
            );
        }
    }

    #[test]
    fn patterns_that_nobody_wrote_are_refused_in_a_short_sentence() {
        let deep = format!("*{}a{}", "{".repeat(100_000), "}".repeat(100_000));
        let nested = format!("re:{}{}", "(".repeat(100_000), ")".repeat(100_000));
        let large = "re:\\pL{90000}";
        for (text, why) in [
            (deep.as_str(), "nested more than 50 deep"),
            (nested.as_str(), "nested parentheses"),
            (large, "too large"),
        ] {
            let error = check_patterns(&["/a", text], false).unwrap_err().to_string();
            assert!(error.contains(why) && error.len() < 300, "{error}");
        }
        let many: Vec<String> = (0..500).map(|i| format!("re:{i}\\pL{{100}}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let error = check_patterns(&many, false).unwrap_err().to_string();
        assert!(error.contains("too large together"), "{error}");
        assert_eq!(many.iter().try_for_each(|text| check_pattern(text)), Ok(()));
    }

    #[test]
    fn thousands_of_expressions_are_each_found_in_a_moment() {
        let numbers = || (0..3_000).map(|i| i * 7_919 % 100_003);
        let patterns: Vec<String> = numbers().map(|i| format!("*/item-{i}/*")).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let matcher = PageMatcher::new(&patterns, false).unwrap();
        let begun = std::time::Instant::now();
        for (place, number) in numbers().enumerate() {
            let found = matcher.matches(&format!("/shop/item-{number}/photos"));
            assert_eq!(found, [place as u32]);
        }
        // One set of all takes minutes.
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }

    proptest! {
        #[test]
        fn a_page_matches_itself(page in "[a/:?#.é-]{0,12}", ignore_case: bool) {
            let found = PageMatcher::new(&[page.as_str()], ignore_case).unwrap().matches(&page);
            prop_assert_eq!(found, [0]);
        }
    }
}
