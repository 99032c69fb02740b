//! Dictionaries: distinct texts and their codes. Each is kept once, and matched with the rules once.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::error::{Error, Result};
use crate::hash::hash_bytes;
use crate::prefetch::prefetch;

/// The code of no text.
pub(crate) const MISSING: u32 = 0;
/// Within a block, the code of a text that is not known yet.
const UNKNOWN: u32 = u32::MAX;

/// A dictionary that threads fill together. Codes depend on which text comes first: they tell texts
/// apart, and no result depends on their order.
#[derive(Debug)]
pub(crate) struct SharedDictionary {
    texts: RwLock<TextDictionary>,
    /// The column, for errors.
    role: &'static str,
    max_texts: u32,
}

/// Distinct texts: code 0 is that of no text, the others count from 1.
#[derive(Debug, Default)]
pub(crate) struct TextDictionary {
    /// Open addressing by the hash: codes, or [`MISSING`] in a free slot.
    slots: Vec<u32>,
    entries: Vec<Entry>,
    arena: Vec<u8>,
}

/// Slots of a view cache: many more than the pages of most sites, so that few share one. Those that
/// are used stay in the first caches.
const CACHE_SLOTS: usize = 4096;

/// The codes of the string views that one thread last read in one column of one batch.
#[derive(Debug)]
pub(crate) struct ViewCache {
    /// Views and their codes, in an array whose length the compiler knows: no check of bounds.
    slots: Box<[(u128, u32); CACHE_SLOTS]>,
}

impl ViewCache {
    pub fn new() -> Self {
        let slots = vec![(0, UNKNOWN); CACHE_SLOTS];
        Self { slots: slots.try_into().unwrap_or_else(|_| unreachable!("it has this length")) }
    }

    /// Empty the cache: another batch begins, whose views refer to other buffers.
    pub fn clear(&mut self) {
        self.slots.fill((0, UNKNOWN));
    }

    #[inline]
    fn slot(view: u128) -> usize {
        // Length, prefix, and the rest or the offset in a buffer, all mixed by one product.
        let mixed = (view as u64 ^ (view >> 64) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> (64 - CACHE_SLOTS.trailing_zeros())) as usize
    }

    /// The code of a view, which is in its slot or in the neighbouring one.
    #[inline]
    fn code(&self, view: u128) -> u32 {
        let slot = Self::slot(view);
        let (known, code) = self.slots[slot];
        if known == view {
            return code;
        }
        let (known, code) = self.slots[slot ^ 1];
        if known == view { code } else { UNKNOWN }
    }

    fn insert(&mut self, view: u128, code: u32) {
        let slot = Self::slot(view);
        self.slots[slot ^ 1] = self.slots[slot];
        self.slots[slot] = (view, code);
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    start: usize,
    length: usize,
}

impl TextDictionary {
    /// The text of a code; none for [`MISSING`].
    pub fn get(&self, code: u32) -> Option<&[u8]> {
        let entry = self.entries.get((code as usize).checked_sub(1)?)?;
        Some(&self.arena[entry.start..entry.start + entry.length])
    }

    /// The number of codes, that of no text included.
    pub fn codes(&self) -> usize {
        self.entries.len() + 1
    }

    /// The code of a text, or the free slot where it would go.
    #[inline]
    fn find(&self, hash: u64, text: &[u8]) -> std::result::Result<u32, usize> {
        if self.slots.is_empty() {
            return Err(0);
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let code = self.slots[slot];
            if code == MISSING {
                return Err(slot);
            }
            let entry = self.entries[code as usize - 1];
            if entry.hash == hash && self.arena[entry.start..entry.start + entry.length] == *text {
                return Ok(code);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Prefetch what look-ups will read: with many texts each would wait for memory three times.
    fn prefetch(&self, hashes: &[u64]) {
        let mask = self.slots.len().wrapping_sub(1);
        for &hash in hashes {
            prefetch(&self.slots, hash as usize & mask);
        }
        let first = |hash: u64| {
            let code = self.slots.get(hash as usize & mask).copied().unwrap_or(MISSING);
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

    fn insert(&mut self, hash: u64, text: &[u8]) -> u32 {
        if self.entries.len() * 2 >= self.slots.len() {
            self.grow();
        }
        match self.find(hash, text) {
            Ok(code) => code,
            Err(slot) => {
                let start = self.arena.len();
                self.arena.extend_from_slice(text);
                self.entries.push(Entry { hash, start, length: text.len() });
                let code = self.entries.len() as u32;
                self.slots[slot] = code;
                code
            }
        }
    }

    fn grow(&mut self) {
        let mask = (self.slots.len() * 2).max(64) - 1;
        self.slots.clear();
        self.slots.resize(mask + 1, MISSING);
        for (code, entry) in (1..).zip(&self.entries) {
            let mut slot = entry.hash as usize & mask;
            while self.slots[slot] != MISSING {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = code;
        }
    }
}

impl SharedDictionary {
    /// An empty dictionary of a column, for at most `max_texts` texts.
    pub fn new(role: &'static str, max_texts: u32) -> Self {
        Self { texts: RwLock::default(), role, max_texts: max_texts.min(UNKNOWN - 1) }
    }

    /// The texts so far.
    pub fn read(&self) -> RwLockReadGuard<'_, TextDictionary> {
        self.texts.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The codes of texts, which are added if new; [`MISSING`] where there is none.
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
            let known = self.read();
            known.prefetch(&hashes);
            for (i, code) in codes.iter_mut().enumerate() {
                *code = match text(i) {
                    None => MISSING,
                    Some(text) => known.find(hashes[i], text).unwrap_or_else(|_| {
                        new = true;
                        UNKNOWN
                    }),
                };
            }
        }
        if new {
            let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
            for (i, code) in codes.iter_mut().enumerate() {
                if let (UNKNOWN, Some(text)) = (*code, text(i)) {
                    *code = texts.insert(hashes[i], text);
                }
            }
            if texts.entries.len() > self.max_texts as usize {
                return Err(Error::Data(format!(
                    "the {0} column holds more than {1} different values: is it really the {0}?",
                    self.role, self.max_texts
                )));
            }
        }
        Ok(())
    }

    /// The codes of the texts of string views; [`MISSING`] where a row is not valid.
    ///
    /// Within one batch equal views are equal texts, so the cache is asked with the views alone.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_views<'a>(
        &self,
        views: &[u128],
        is_valid: impl Fn(usize) -> bool,
        text: impl Fn(usize) -> &'a [u8],
        cache: &mut ViewCache,
        codes: &mut [u32],
    ) -> Result<()> {
        let mut new = false;
        for (i, (code, &view)) in codes.iter_mut().zip(views).enumerate() {
            *code = if is_valid(i) { cache.code(view) } else { MISSING };
            new |= *code == UNKNOWN;
        }
        if !new {
            return Ok(());
        }
        let known = codes.to_vec();
        self.encode(|i| (known[i] == UNKNOWN).then(|| text(i)), codes)?;
        for (i, (code, &was)) in codes.iter_mut().zip(&known).enumerate() {
            if was == UNKNOWN {
                cache.insert(views[i], *code);
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
        let dictionary = SharedDictionary::new("page", 1000);
        let texts: Vec<Vec<u8>> = (0..500_u32).map(|i| vec![b'x'; i as usize % 250]).collect();
        let mut codes = vec![0; texts.len()];
        dictionary.encode(|i| Some(&texts[i]), &mut codes).unwrap();
        for (i, &code) in codes.iter().enumerate() {
            assert_eq!(code, codes[i % 250]);
            assert_eq!(dictionary.read().get(code), Some(texts[i].as_slice()));
        }
        assert_eq!(dictionary.read().codes(), 251);
        assert_eq!(dictionary.read().get(MISSING), None);
    }

    #[test]
    fn views_have_the_codes_of_their_texts() {
        let texts: Vec<String> = (0..3000_u32).map(|i| (i % 700).to_string()).collect();
        let views: Vec<u128> =
            texts.iter().map(|text| crate::columns::view_of(text.as_bytes(), 0, 0)).collect();
        let (dictionary, mut cache) = (SharedDictionary::new("page", 1000), ViewCache::new());
        let mut codes = vec![0; texts.len()];
        for (start, codes) in (0..texts.len()).step_by(500).zip(codes.chunks_mut(500)) {
            let text = |i: usize| texts[start + i].as_bytes();
            let is_valid = |i: usize| !(start + i).is_multiple_of(5);
            let views = &views[start..start + codes.len()];
            dictionary.encode_views(views, is_valid, text, &mut cache, codes).unwrap();
        }
        for (i, &code) in codes.iter().enumerate() {
            let expected = (!i.is_multiple_of(5)).then(|| texts[i].as_bytes());
            assert_eq!(dictionary.read().get(code), expected, "{i}");
        }
    }

    #[test]
    fn too_many_texts_are_an_error() {
        let dictionary = SharedDictionary::new("kind", 2);
        assert!(dictionary.code(b"a").is_ok());
        assert!(dictionary.code(b"b").is_ok());
        assert!(dictionary.code(b"a").is_ok());
        assert!(matches!(dictionary.code(b"c"), Err(Error::Data(m)) if m.contains("kind")));
    }
}
