//! Words that stand for a missing value.

use super::blanks::may_be_blank;

/// The words that stand for a missing value, as they are written between blanks.
#[derive(Debug, Clone)]
pub struct NullWords {
    words: Vec<Vec<u8>>,
    /// Whether any word begins with the byte, so that hardly a value is compared with one.
    begun: [bool; 256],
    /// Whether the empty text is one.
    empty: bool,
}

impl Default for NullWords {
    fn default() -> Self {
        Self::new::<&str>(&[])
    }
}

impl NullWords {
    /// Take some words; the empty one may be among them.
    pub fn new<W: AsRef<str>>(words: &[W]) -> Self {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_ref().into()).collect();
        let mut begun = [false; 256];
        for first in words.iter().filter_map(|word| word.first()) {
            begun[usize::from(*first)] = true;
        }
        Self { empty: words.iter().any(Vec::is_empty), words, begun }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.words.len()
    }

    /// Whether any word may stand in a text that begins with a byte, be it behind blanks.
    #[inline]
    pub(crate) fn may_begin_with(&self, first: u8) -> bool {
        self.begun[usize::from(first)] || (!self.words.is_empty() && may_be_blank(first))
    }

    /// Which of the words a text without blanks around it is.
    pub(crate) fn position(&self, text: &[u8]) -> Option<usize> {
        self.words.iter().position(|word| word == text)
    }

    /// Whether a text without blanks around it is one.
    #[inline]
    pub(super) fn has(&self, text: &[u8]) -> bool {
        match text.first() {
            None => self.empty,
            Some(&first) => self.begun[usize::from(first)] && self.words.iter().any(|w| w == text),
        }
    }
}
