//! Distinct texts and their codes: each is kept, hashed and compared with a rule once.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::error::{Error, Result};
use crate::hash::hash_bytes;
use crate::prefetch::prefetch;

/// The code of no text.
pub(super) const MISSING: u32 = 0;
/// Within a morsel, a text that is not known yet.
const UNKNOWN: u32 = u32::MAX;

/// Texts that threads enter together. Codes depend on who comes first: they stand for equality,
/// and no result depends on their order.
#[derive(Debug)]
pub(super) struct Dictionary {
    words: RwLock<Words>,
    /// The column, for errors.
    role: &'static str,
    /// The most texts it holds.
    most: u32,
}

/// The texts themselves: code 0 is none, the others count from 1.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Open addressing by the hash: codes, or 0 where a place is free.
    table: Vec<u32>,
    entries: Vec<Entry>,
    arena: Vec<u8>,
}

/// Places for views that were seen lately: many more than the pages of most sites, so that few
/// share one; those that are used stay in the first caches.
const RECENT: usize = 4096;

/// The codes of views that one thread saw lately in one column of one batch.
#[derive(Debug)]
pub(super) struct Recent {
    /// An array, so that places of so many bits are known to lie within it.
    places: Box<[(u128, u32); RECENT]>,
}

impl Recent {
    pub fn new() -> Self {
        let places = vec![(0, UNKNOWN); RECENT];
        Self { places: places.try_into().unwrap_or_else(|_| unreachable!("it has this length")) }
    }

    /// Forget all: another batch begins, with other buffers.
    pub fn clear(&mut self) {
        self.places.fill((0, UNKNOWN));
    }

    #[inline]
    fn place(view: u128) -> usize {
        // Length, beginning, and the rest or the place in a buffer, all mixed by one product.
        let mixed = (view as u64 ^ (view >> 64) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> (64 - RECENT.trailing_zeros())) as usize
    }

    /// The code of a view, which stands in its place or in the neighbour of it.
    #[inline]
    fn code(&self, view: u128) -> u32 {
        let place = Self::place(view);
        let (known, code) = self.places[place];
        if known == view {
            return code;
        }
        let (known, code) = self.places[place ^ 1];
        if known == view { code } else { UNKNOWN }
    }

    fn note(&mut self, view: u128, code: u32) {
        let place = Self::place(view);
        self.places[place ^ 1] = self.places[place];
        self.places[place] = (view, code);
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    start: usize,
    length: usize,
}

impl Words {
    /// The text of a code; none for [`MISSING`].
    pub fn get(&self, code: u32) -> Option<&[u8]> {
        let entry = self.entries.get((code as usize).checked_sub(1)?)?;
        Some(&self.arena[entry.start..entry.start + entry.length])
    }

    /// The number of codes, that of no text included.
    pub fn codes(&self) -> usize {
        self.entries.len() + 1
    }

    /// The code of a text, or the place in the table where it would stand.
    #[inline]
    fn find(&self, hash: u64, text: &[u8]) -> std::result::Result<u32, usize> {
        if self.table.is_empty() {
            return Err(0);
        }
        let mask = self.table.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let code = self.table[place];
            if code == MISSING {
                return Err(place);
            }
            let entry = self.entries[code as usize - 1];
            if entry.hash == hash && self.arena[entry.start..entry.start + entry.length] == *text {
                return Ok(code);
            }
            place = (place + 1) & mask;
        }
    }

    /// Ask for the memory that look-ups will read: with many texts, each would wait three times.
    fn ask_for(&self, hashes: &[u64]) {
        let mask = self.table.len().wrapping_sub(1);
        for &hash in hashes {
            prefetch(&self.table, hash as usize & mask);
        }
        let first = |hash: u64| {
            let code = self.table.get(hash as usize & mask).copied().unwrap_or(MISSING);
            (code as usize).wrapping_sub(1)
        };
        for &hash in hashes {
            prefetch(&self.entries, first(hash));
        }
        for &hash in hashes {
            if let Some(entry) = self.entries.get(first(hash)) {
                prefetch(&self.arena, entry.start);
            }
        }
    }

    fn enter(&mut self, hash: u64, text: &[u8]) -> u32 {
        if self.entries.len() * 2 >= self.table.len() {
            self.grow();
        }
        match self.find(hash, text) {
            Ok(code) => code,
            Err(place) => {
                let start = self.arena.len();
                self.arena.extend_from_slice(text);
                self.entries.push(Entry { hash, start, length: text.len() });
                let code = self.entries.len() as u32;
                self.table[place] = code;
                code
            }
        }
    }

    fn grow(&mut self) {
        let mask = (self.table.len() * 2).max(64) - 1;
        self.table.clear();
        self.table.resize(mask + 1, MISSING);
        for (code, entry) in (1..).zip(&self.entries) {
            let mut place = entry.hash as usize & mask;
            while self.table[place] != MISSING {
                place = (place + 1) & mask;
            }
            self.table[place] = code;
        }
    }
}

impl Dictionary {
    /// A dictionary of a column, of at most so many texts.
    pub fn new(role: &'static str, most: u32) -> Self {
        Self { words: RwLock::default(), role, most: most.min(UNKNOWN - 1) }
    }

    /// The texts so far.
    pub fn words(&self) -> RwLockReadGuard<'_, Words> {
        self.words.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The codes of texts, which are entered if new; [`MISSING`] where there is none.
    ///
    /// # Errors
    /// If there are more distinct texts than the dictionary holds.
    pub fn encode<'a>(
        &self,
        text: impl Fn(usize) -> Option<&'a [u8]>,
        codes: &mut [u32],
    ) -> Result<()> {
        let hash = |i| text(i).map_or(0, hash_bytes);
        let hashes: Vec<u64> = (0..codes.len()).map(hash).collect();
        let mut new = false;
        {
            let words = self.words();
            words.ask_for(&hashes);
            for (i, code) in codes.iter_mut().enumerate() {
                *code = match text(i) {
                    None => MISSING,
                    Some(text) => words.find(hashes[i], text).unwrap_or_else(|_| {
                        new = true;
                        UNKNOWN
                    }),
                };
            }
        }
        if new {
            let mut words = self.words.write().unwrap_or_else(PoisonError::into_inner);
            for (i, code) in codes.iter_mut().enumerate() {
                if let (UNKNOWN, Some(text)) = (*code, text(i)) {
                    *code = words.enter(hashes[i], text);
                }
            }
            if words.entries.len() > self.most as usize {
                return Err(Error::Data(format!(
                    "the {0} column holds more than {1} different values: is it really the {0}?",
                    self.role, self.most
                )));
            }
        }
        Ok(())
    }

    /// The codes of the texts of string views, of which `there` says which are there.
    ///
    /// Within one batch equal views are equal texts, whatever their length, so the last texts seen
    /// are looked up by their views alone.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_views<'a>(
        &self,
        views: &[u128],
        there: impl Fn(usize) -> bool,
        text: impl Fn(usize) -> &'a [u8],
        recent: &mut Recent,
        codes: &mut [u32],
    ) -> Result<()> {
        let mut new = false;
        for (i, (code, &view)) in codes.iter_mut().zip(views).enumerate() {
            *code = if there(i) { recent.code(view) } else { MISSING };
            new |= *code == UNKNOWN;
        }
        if !new {
            return Ok(());
        }
        let known = codes.to_vec();
        self.encode(|i| (known[i] == UNKNOWN).then(|| text(i)), codes)?;
        for (i, (code, &was)) in codes.iter_mut().zip(&known).enumerate() {
            if was == UNKNOWN {
                recent.note(views[i], *code);
            } else {
                *code = was;
            }
        }
        Ok(())
    }

    /// The code of one text.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn code(&self, text: &[u8]) -> Result<u32> {
        let mut code = [MISSING];
        self.encode(|_| Some(text), &mut code)?;
        Ok(code[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_a_code_and_others_do_not() {
        let dictionary = Dictionary::new("page", 1000);
        let texts: Vec<Vec<u8>> = (0..500_u32).map(|i| vec![b'x'; i as usize % 250]).collect();
        let mut codes = vec![0; texts.len()];
        dictionary.encode(|i| Some(&texts[i]), &mut codes).unwrap();
        for (i, &code) in codes.iter().enumerate() {
            assert_eq!(code, codes[i % 250]);
            assert_eq!(dictionary.words().get(code), Some(texts[i].as_slice()));
        }
        assert_eq!(dictionary.words().codes(), 251);
        assert_eq!(dictionary.words().get(MISSING), None);
    }

    #[test]
    fn views_have_the_codes_of_their_texts() {
        let texts: Vec<String> = (0..3000_u32).map(|i| (i % 700).to_string()).collect();
        let views: Vec<u128> =
            texts.iter().map(|text| crate::columns::view_of(text.as_bytes(), 0, 0)).collect();
        let (dictionary, mut recent) = (Dictionary::new("page", 1000), Recent::new());
        let mut codes = vec![0; texts.len()];
        for (start, codes) in (0..texts.len()).step_by(500).zip(codes.chunks_mut(500)) {
            let text = |i: usize| texts[start + i].as_bytes();
            let there = |i: usize| !(start + i).is_multiple_of(5);
            let views = &views[start..start + codes.len()];
            dictionary.encode_views(views, there, text, &mut recent, codes).unwrap();
        }
        for (i, &code) in codes.iter().enumerate() {
            let expected = (!i.is_multiple_of(5)).then(|| texts[i].as_bytes());
            assert_eq!(dictionary.words().get(code), expected, "{i}");
        }
    }

    #[test]
    fn too_many_texts_are_an_error() {
        let dictionary = Dictionary::new("kind", 2);
        assert!(dictionary.code(b"a").is_ok());
        assert!(dictionary.code(b"b").is_ok());
        assert!(dictionary.code(b"a").is_ok());
        assert!(matches!(dictionary.code(b"c"), Err(Error::Data(m)) if m.contains("kind")));
    }
}
