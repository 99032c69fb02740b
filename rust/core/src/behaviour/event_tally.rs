//! What rules did: the events that each won, its awards, and the pages and kinds that none won.

use crate::dictionary::{MISSING, TextDictionary};

/// Counts of one thread; those of all threads are added up, so that they depend on no order.
///
/// Events that are set aside are not counted, nor those of a saved state: the run that read their rows
/// has counted them.
#[derive(Debug, Default)]
pub(super) struct EventTally {
    /// By rule: the events it won, and the awards it gave.
    pub rules: Vec<RuleTally>,
    /// By page code and by kind: the events that no rule won.
    pages: Vec<u64>,
    kinds: Vec<u64>,
}

/// What one rule did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuleTally {
    /// Events that it won in its group, awarded or not.
    pub won: u64,
    /// Awards that it gave.
    pub awarded: u64,
}

impl EventTally {
    /// Make room for so many rules, pages and kinds.
    pub fn prepare(&mut self, rules: usize, pages: usize, kinds: usize) {
        self.rules.resize(rules, RuleTally::default());
        self.pages.resize(pages, 0);
        self.kinds.resize(kinds, 0);
    }

    /// Count an event that no rule won.
    #[inline]
    pub fn add_unwon(&mut self, page: u32, kind: u16) {
        self.pages[page as usize] += 1;
        self.kinds[kind as usize] += 1;
    }

    /// Add the counts of another thread.
    pub fn add(&mut self, other: &Self) {
        self.prepare(other.rules.len(), other.pages.len(), other.kinds.len());
        for (sum, more) in self.rules.iter_mut().zip(&other.rules) {
            sum.won += more.won;
            sum.awarded += more.awarded;
        }
        for (sums, more) in [(&mut self.pages, &other.pages), (&mut self.kinds, &other.kinds)] {
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        }
    }

    /// The pages of most events that no rule won, and how many there are of each.
    pub fn unwon_pages(&self, pages: &TextDictionary) -> Vec<(String, u64)> {
        most_frequent(&self.pages, pages)
    }

    /// The same for kinds.
    pub fn unwon_kinds(&self, kinds: &TextDictionary) -> Vec<(String, u64)> {
        most_frequent(&self.kinds, kinds)
    }
}

/// How many texts are quoted.
const QUOTED: usize = 5;

/// The texts that are counted most often; of equal counts the first by name.
fn most_frequent(counts: &[u64], texts: &TextDictionary) -> Vec<(String, u64)> {
    let code_counts = (0..).zip(counts).filter(|&(code, &count)| code != MISSING && count > 0);
    let mut found: Vec<(&[u8], u64)> =
        code_counts.map(|(code, &count)| (texts.get(code).unwrap_or_default(), count)).collect();
    found.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    found.truncate(QUOTED);
    found.iter().map(|(text, n)| (String::from_utf8_lossy(text).into_owned(), *n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dictionary::SharedDictionary;

    #[test]
    fn the_most_frequent_come_first_whatever_their_codes() {
        let pages = SharedDictionary::new("page", 100);
        for page in ["/b", "/a", "/c", "/d", "/e", "/f", "/g"] {
            pages.code(page.as_bytes()).unwrap();
        }
        let mut sum = EventTally::default();
        for own in [[9, 1, 1, 5, 0, 1, 1, 1], [9, 1, 1, 0, 0, 1, 1, 0]] {
            let mut tally = EventTally::default();
            tally.prepare(1, 8, 2);
            for (page, count) in (0..).zip(own) {
                (0..count).for_each(|_| tally.add_unwon(page, 1));
            }
            tally.rules[0].won = 2;
            sum.add(&tally);
        }
        let expected = [("/c", 5), ("/a", 2), ("/b", 2), ("/e", 2), ("/f", 2)];
        let expected: Vec<(String, u64)> =
            expected.map(|(page, count)| (page.to_owned(), count)).to_vec();
        assert_eq!(sum.unwon_pages(&pages.read()), expected);
        assert_eq!(sum.rules, [RuleTally { won: 4, awarded: 0 }]);
    }
}
