//! Patterns of pages. Each distinct page is matched once, against all patterns together: pages and
//! beginnings are looked up, so that rules may have as many of them as a shop has products.
//!
//! A pattern is compared with the part of the address that it speaks of: see `page_address`. What it
//! says of that part is read in the same way, so that a page without a star matches itself.

use std::collections::{BTreeMap, HashMap};

use globset::GlobBuilder;
use regex::bytes::{RegexSet, RegexSetBuilder};

use super::dictionary::TextDictionary;
use super::page_address::{AddressPart, fold_case};
use super::prefixes::Prefixes;
use crate::error::{Error, Result};
use crate::threads::map_each;

/// The prefix of a regular expression.
const REGEX: &str = "re:";
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

/// Check that a pattern of pages can be read.
///
/// # Errors
/// If it is a glob or a regular expression that cannot.
pub fn check_pattern(text: &str) -> Result<()> {
    checked(text, false)
}

fn checked(text: &str, ignore_case: bool) -> Result<()> {
    let wrong = |reason: String| {
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        Error::Option(format!("the page pattern \"{text}\" cannot be read: {reason}"))
    };
    match PagePattern::read(text).compiled(ignore_case).map_err(wrong)? {
        Compiled::Exact(_) | Compiled::Prefix(_) => Ok(()),
        Compiled::Expression(expression) => {
            expression_set(vec![expression]).map(|_| ()).map_err(|error| wrong(error.to_string()))
        }
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
    set: RegexSet,
    /// For each expression of the set the number of its pattern.
    numbers: Vec<u32>,
}

impl PageMatcher {
    /// Compile patterns, which are numbered in their order.
    ///
    /// # Errors
    /// If one cannot be read, or all together are too large.
    pub fn new(patterns: &[&str], ignore_case: bool) -> Result<Self> {
        let mut drafts: BTreeMap<Subject, Vec<(u32, Compiled)>> = BTreeMap::new();
        for (number, text) in (0..).zip(patterns) {
            let pattern = PagePattern::read(text);
            let verbatim = matches!(pattern, PagePattern::Regex(_));
            let Ok(compiled) = pattern.compiled(ignore_case) else {
                checked(text, ignore_case)?; // which says why
                continue;
            };
            let subject = Subject { part: pattern.part(), verbatim };
            drafts.entry(subject).or_default().push((number, compiled));
        }
        let parts = drafts.into_iter().map(|(subject, draft)| PartMatcher::new(subject, draft));
        let parts = parts.collect::<std::result::Result<_, _>>().map_err(|error| {
            let one = patterns.iter().find_map(|text| checked(text, ignore_case).err());
            one.unwrap_or_else(|| {
                Error::Option(format!("the page patterns are too large together: {error}"))
            })
        })?;
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

impl PartMatcher {
    fn new(
        subject: Subject,
        patterns: Vec<(u32, Compiled)>,
    ) -> std::result::Result<Self, regex::Error> {
        let mut exact: HashMap<String, Vec<u32>> = HashMap::new();
        let (mut prefixes, mut expressions, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for (number, pattern) in patterns {
            match pattern {
                Compiled::Exact(text) => exact.entry(text).or_default().push(number),
                Compiled::Prefix(text) => prefixes.push((text, number)),
                Compiled::Expression(expression) => {
                    expressions.push(expression);
                    numbers.push(number);
                }
            }
        }
        let prefixes = Prefixes::new(prefixes);
        Ok(Self { subject, exact, prefixes, set: expression_set(expressions)?, numbers })
    }

    /// Add the numbers of the patterns that a text matches.
    fn find(&self, text: &str, found: &mut Vec<u32>) {
        found.extend(self.set.matches(text.as_bytes()).into_iter().map(|i| self.numbers[i]));
        self.prefixes.find(text, found);
        found.extend(self.exact.get(text).into_iter().flatten());
    }
}

/// Expressions compiled together. Patterns are the user's own: as large as memory allows rather than
/// a limit for strangers.
fn expression_set(expressions: Vec<String>) -> std::result::Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(expressions).size_limit(1 << 30).build()
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
    proptest! {
        #[test]
        fn a_page_matches_itself(page in "[a/:?#.é-]{0,12}", ignore_case: bool) {
            let found = PageMatcher::new(&[page.as_str()], ignore_case).unwrap().matches(&page);
            prop_assert_eq!(found, [0]);
        }
    }
}
