//! The part of a page's address that a pattern is compared with.
//!
//! An address is `scheme://host/path?query#fragment`, of which all but the path may be missing.
//!
//! - A scheme is a letter, then letters, digits and `+-.`, with `://` behind it. Nothing else is
//!   one: `mailto:x` and `product:12` are paths, as they may be ids of pages.
//! - A host (with a port, perhaps) stands behind the scheme, or behind `//` at the beginning, and
//!   ends before the first `/`, `?` or `#`: of `//host/path` the path is `/path`.
//! - The fragment begins with the first `#` behind the host; the query with the first `?` before it.
//! - The path is what is left. One slash at its end does not count, and a path that is empty then is
//!   `/`: of `https://host`, of `?a=b`, and of an empty text. Nothing else is changed: letters with a
//!   `%` stay as they are written, so that `/caf%C3%A9` and `/café` are two paths, and so do `.`,
//!   `..` and `;`.
//!
//! So a text without any of `:/?#`, such as `newsletter-1`, is its own path.

use std::borrow::Cow;

const SCHEME_END: &str = "://";

/// The part of an address that a pattern speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AddressPart {
    /// All of it, as it stands.
    Whole,
    /// The path, and what else the pattern speaks of.
    Path { query: bool, fragment: bool },
}

impl AddressPart {
    /// What a pattern speaks of.
    pub fn of_pattern(pattern: &str) -> Self {
        if pattern.contains(SCHEME_END) {
            return Self::Whole;
        }
        Self::Path { query: pattern.contains('?'), fragment: pattern.contains('#') }
    }

    /// This part of an address.
    pub fn of(self, address: &str) -> Cow<'_, str> {
        let Self::Path { query: with_query, fragment: with_fragment } = self else {
            return address.into();
        };
        let (rest, fragment) = split_before(after_host(address), '#');
        let (path, query) = split_before(rest, '?');
        let path = without_last_slash(path);
        let query = if with_query { query } else { "" };
        let fragment = if with_fragment { fragment } else { "" };
        if query.is_empty() && fragment.is_empty() {
            return path.into();
        }
        [path, query, fragment].concat().into()
    }

    /// The beginning of this part that a beginning of an address stands for: a path that it has
    /// whole, as a query or a fragment follows, loses its last slash.
    pub fn of_beginning(self, beginning: &str) -> Cow<'_, str> {
        match beginning.find(['?', '#']) {
            Some(end) if self != Self::Whole => {
                [without_last_slash(&beginning[..end]), &beginning[end..]].concat().into()
            }
            _ => beginning.into(),
        }
    }
}

/// The address without scheme and host.
fn after_host(address: &str) -> &str {
    let behind_scheme = match address.split_once(SCHEME_END) {
        Some((scheme, rest)) if is_scheme(scheme) => Some(rest),
        _ => address.strip_prefix("//"),
    };
    match behind_scheme {
        Some(rest) => rest.find(['/', '?', '#']).map_or("", |end| &rest[end..]),
        None => address,
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn split_before(text: &str, sign: char) -> (&str, &str) {
    text.split_at(text.find(sign).unwrap_or(text.len()))
}

fn without_last_slash(path: &str) -> &str {
    match path.strip_suffix('/').unwrap_or(path) {
        "" => "/",
        path => path,
    }
}

/// A text in which letters that differ by case alone are the same.
pub(super) fn fold_case(text: &str) -> String {
    text.chars().map(fold_letter).collect()
}

/// Simple case folding by Unicode (one letter for one): capitals and small letters, and the few
/// letters that share a capital with another, such as the two forms of sigma.
fn fold_letter(letter: char) -> char {
    let one = |mut letters: Box<dyn Iterator<Item = char>>| match (letters.next(), letters.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    };
    match letter {
        _ if letter.is_ascii() => letter.to_ascii_lowercase(),
        'ı' => letter, // its capital is I, whose small letter is i
        // These have no capital that is one letter.
        '\u{1FD3}' => '\u{390}',
        '\u{1FE3}' => '\u{3B0}',
        '\u{FB05}' => '\u{FB06}',
        _ => {
            let capital = one(Box::new(letter.to_uppercase())).unwrap_or(letter);
            one(Box::new(capital.to_lowercase())).unwrap_or(capital)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const PATH: AddressPart = AddressPart::Path { query: false, fragment: false };
    const PATH_AND_QUERY: AddressPart = AddressPart::Path { query: true, fragment: false };

    #[test]
    fn the_path_is_what_no_other_part_is() {
        for (address, path) in [
            ("https://www.exemple.fr/panier/?utm_source=x", "/panier"),
            ("https://www.exemple.fr/panier#top", "/panier"),
            ("HTTP://h:80/a/b//", "/a/b/"),
            ("https://www.exemple.fr", "/"),
            ("https://www.exemple.fr/", "/"),
            ("https://www.exemple.fr?a=b/c", "/"),
            ("android-app://com.shop/basket", "/basket"),
            ("//host/path", "/path"),
            ("///path", "/path"),
            ("/a//b", "/a//b"),
            ("/", "/"),
            ("", "/"),
            ("?a=b", "/"),
            ("newsletter-1", "newsletter-1"),
            ("mailto:x", "mailto:x"),
            ("1a://h/p", "1a://h/p"),
            ("/to?next=https://h/p", "/to"),
            ("/to/https://h/p/", "/to/https://h/p"),
            ("/caf%C3%A9;v=1/..", "/caf%C3%A9;v=1/.."),
        ] {
            assert_eq!(PATH.of(address), path, "{address}");
        }
    }

    #[test]
    fn a_pattern_says_which_part_it_speaks_of() {
        let with_fragment = AddressPart::Path { query: false, fragment: true };
        for (pattern, part) in [
            ("/panier", PATH),
            ("/a/*", PATH),
            ("/s?q=a", PATH_AND_QUERY),
            ("/app#/basket", with_fragment),
            ("https://h/p", AddressPart::Whole),
            ("*://h/*", AddressPart::Whole),
        ] {
            assert_eq!(AddressPart::of_pattern(pattern), part, "{pattern}");
        }
        let address = "https://h/s/?q=a/#top";
        assert_eq!(PATH_AND_QUERY.of(address), "/s?q=a/");
        assert_eq!(with_fragment.of(address), "/s#top");
        assert_eq!(AddressPart::Whole.of(address), address);
        assert_eq!(PATH_AND_QUERY.of_beginning("/s/?q="), "/s?q=");
        assert_eq!(PATH.of_beginning("/s/"), "/s/");
    }

    #[test]
    fn folding_agrees_with_regular_expressions() {
        // Where versions of Unicode add letters now, the two may differ by a version.
        let letters: Vec<char> = (0x41..0xA700)
            .chain(0xFB00..0xFB07)
            .filter_map(char::from_u32)
            .filter(|letter| letter.is_lowercase() || letter.is_uppercase())
            .collect();
        let mut folded: HashMap<char, Vec<char>> = HashMap::new();
        for &letter in &letters {
            folded.entry(fold_letter(letter)).or_default().push(letter);
        }
        let all: String = letters.iter().collect();
        for &letter in &letters {
            let one = regex::Regex::new(&format!("(?i){letter}")).unwrap();
            let mut same: Vec<char> =
                one.find_iter(&all).flat_map(|found| found.as_str().chars()).collect();
            same.sort_unstable();
            assert_eq!(folded[&fold_letter(letter)], same, "{letter} {:x}", letter as u32);
        }
    }
}
