//! Patterns of pages. Each distinct page is matched once, against all patterns together.

use std::collections::HashMap;

use globset::GlobBuilder;
use regex::bytes::{RegexSet, RegexSetBuilder};

use super::dictionary::TextDictionary;
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

    /// The pattern as a regular expression; none for an exact page.
    fn expression(&self) -> std::result::Result<Option<String>, String> {
        Ok(match self {
            Self::Exact(_) => None,
            Self::Prefix(prefix) => Some(format!("(?-u)^{}", regex::escape(prefix))),
            Self::Glob(glob) => Some(
                GlobBuilder::new(glob)
                    .literal_separator(false)
                    .backslash_escape(true)
                    .build()
                    .map_err(|error| error.kind().to_string())?
                    .regex()
                    .to_owned(),
            ),
            Self::Regex(expression) => Some(expression.clone()),
        })
    }
}

/// Check that a pattern of pages can be read.
///
/// # Errors
/// If it is a glob or a regular expression that cannot.
pub fn check_pattern(text: &str) -> Result<()> {
    let wrong = |reason: String| {
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        Error::Option(format!("the page pattern \"{text}\" cannot be read: {reason}"))
    };
    if let Some(expression) = PagePattern::read(text).expression().map_err(wrong)? {
        RegexSet::new([expression]).map_err(|error| wrong(error.to_string()))?;
    }
    Ok(())
}

/// Patterns, compiled together.
#[derive(Debug)]
pub(super) struct PageMatcher {
    exact: HashMap<Vec<u8>, Vec<u32>>,
    set: RegexSet,
    /// For each expression of the set the number of its pattern.
    numbers: Vec<u32>,
}

impl PageMatcher {
    /// Compile patterns, which are numbered in their order.
    ///
    /// # Errors
    /// If one cannot be read, or all together are too large.
    pub fn new(patterns: &[&str]) -> Result<Self> {
        let mut exact: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
        let (mut expressions, mut numbers) = (Vec::new(), Vec::new());
        for (number, text) in (0..).zip(patterns) {
            match PagePattern::read(text) {
                PagePattern::Exact(page) => {
                    exact.entry(page.into_bytes()).or_default().push(number);
                }
                pattern => {
                    let Ok(Some(expression)) = pattern.expression() else {
                        check_pattern(text)?; // which says why
                        continue;
                    };
                    expressions.push(expression);
                    numbers.push(number);
                }
            }
        }
        // Patterns are the user's own: as large as memory allows rather than a limit for strangers.
        let built = RegexSetBuilder::new(expressions).size_limit(1 << 30).build();
        let set = built.map_err(|error| {
            let one = patterns.iter().find_map(|text| check_pattern(text).err());
            one.unwrap_or_else(|| {
                Error::Option(format!("the page patterns are too large together: {error}"))
            })
        })?;
        Ok(Self { exact, set, numbers })
    }

    /// The numbers of the patterns that a page matches, ascending.
    fn matches(&self, page: &[u8]) -> Vec<u32> {
        let mut found: Vec<u32> =
            self.set.matches(page).into_iter().map(|i| self.numbers[i]).collect();
        found.extend(self.exact.get(page).into_iter().flatten());
        found.sort_unstable();
        found
    }

    /// The class of each page: pages of one class match the same patterns. Class 0 is that of
    /// events without a page, which match none.
    pub fn classes(&self, pages: &TextDictionary) -> PageClasses {
        // Code 0 is no page.
        let matched = map_each(1..pages.codes(), |_, code| {
            self.matches(pages.get(code as u32).unwrap_or_default())
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
    use super::*;

    fn matched(pattern: &str, page: &str) -> bool {
        !PageMatcher::new(&[pattern]).unwrap().matches(page.as_bytes()).is_empty()
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
            ("/tarifs", "/tarifs/", false),
            ("/tarifs/*", "/tarifs/", true),
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
            assert_eq!(PageMatcher::new(&["/a*", text]).err(), check_pattern(text).err(), "{text}");
            assert!(
                matches!(check_pattern(text), Err(Error::Option(m)) if m.contains(text)),
                "{text}"
            );
        }
    }
}
