//! The hash index in which a partition finds its clients.

use crate::prefetch::prefetch;

/// A free slot, and no client at all.
pub const NO_CLIENT: u32 = u32::MAX;

/// Slots of a bucket: half a cache line.
const SLOTS: usize = 8;
/// Of each slot the low bits are a client, the rest a piece of its hash.
const CLIENT_BITS: u32 = 24;
const CLIENT: u32 = (1 << CLIENT_BITS) - 1;
/// Clients that an index has room for. (The one after them, in a slot of the last tags, would be a
/// free slot.)
pub const MOST_CLIENTS: u32 = if cfg!(test) { 4096 } else { CLIENT };

/// The slots in which a tag is looked for first, side by side in half a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Bucket([u32; SLOTS]);

impl Bucket {
    const EMPTY: Self = Self([NO_CLIENT; SLOTS]);

    /// Which slots hold the piece of a tag, as bits: no branch depends on where.
    #[inline]
    fn candidates(&self, tag: u32) -> u32 {
        #[cfg(target_arch = "x86_64")]
        return self.candidates_sse2(tag);
        #[cfg(not(target_arch = "x86_64"))]
        return self.candidates_portable(tag);
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn candidates_sse2(&self, tag: u32) -> u32 {
        use std::arch::x86_64::{
            _mm_cmpeq_epi32, _mm_load_si128, _mm_movemask_epi8, _mm_packs_epi16, _mm_packs_epi32,
            _mm_set1_epi32, _mm_setzero_si128, _mm_srli_epi32,
        };
        // SAFETY: SSE2 is part of every x86-64, and a bucket is two aligned blocks of 16 bytes.
        unsafe {
            let piece = _mm_set1_epi32((tag >> CLIENT_BITS) as i32);
            let half = |slots: usize| {
                let kept = _mm_load_si128(self.0.as_ptr().add(slots).cast());
                _mm_cmpeq_epi32(_mm_srli_epi32::<{ CLIENT_BITS as i32 }>(kept), piece)
            };
            let equal = _mm_packs_epi32(half(0), half(SLOTS / 2));
            _mm_movemask_epi8(_mm_packs_epi16(equal, _mm_setzero_si128())) as u32
        }
    }

    #[cfg(any(test, not(target_arch = "x86_64")))]
    fn candidates_portable(&self, tag: u32) -> u32 {
        let piece = tag >> CLIENT_BITS;
        let slots = self.0.iter().enumerate();
        slots.fold(0, |bits, (slot, &kept)| bits | u32::from(kept >> CLIENT_BITS == piece) << slot)
    }
}

/// An index from tags (32 bits of a hash) to clients, by client, whose ids the caller compares.
///
/// Slots stand in buckets of eight, filled from the front and full to a half at most on average, so
/// nearly every client stands in the first bucket of its tag. The eight bits of the tag beside each
/// client point it out without a look at anything else, and without a branch that could be guessed
/// wrong.
#[derive(Debug)]
pub struct HashIndex {
    buckets: Vec<Bucket>,
    count: usize,
}

impl HashIndex {
    pub fn new() -> Self {
        Self { buckets: vec![Bucket::EMPTY; 2], count: 0 }
    }

    /// The first bucket of a tag. The lowest bits of tags are flags, the highest stand in slots.
    #[inline]
    fn first(&self, tag: u32) -> usize {
        (tag >> 2) as usize & (self.buckets.len() - 1)
    }

    /// Prefetch the first bucket of a tag.
    #[inline]
    pub fn prefetch(&self, tag: u32) {
        prefetch(&self.buckets, self.first(tag));
    }

    /// The client that a tag most likely has; not below the count if there is none at hand.
    #[inline]
    pub fn likely(&self, tag: u32) -> u32 {
        let bucket = &self.buckets[self.first(tag)];
        // Bit 8 stands for no candidate, and is answered by the last slot: any client will do.
        let slot = (bucket.candidates(tag) | 1 << SLOTS).trailing_zeros() as usize;
        bucket.0[slot.min(SLOTS - 1)] & CLIENT
    }

    /// The client of a tag for which `is_it` holds.
    pub fn find(&self, tag: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut bucket = self.first(tag);
        loop {
            let slots = &self.buckets[bucket];
            let mut candidates = slots.candidates(tag);
            while candidates != 0 {
                let kept = slots.0[candidates.trailing_zeros() as usize];
                if kept != NO_CLIENT && is_it(kept & CLIENT) {
                    return Some(kept & CLIENT);
                }
                candidates &= candidates - 1;
            }
            if slots.0[SLOTS - 1] == NO_CLIENT {
                return None; // buckets fill from the front, and only full ones overflow
            }
            bucket = (bucket + 1) & (self.buckets.len() - 1);
        }
    }

    /// Enter a client that is not in the index, the count so far and below [`MOST_CLIENTS`]; `tag_of`
    /// gives the tag of any.
    pub fn insert(&mut self, client: u32, tag: u32, tag_of: impl Fn(u32) -> u32) {
        debug_assert!(client < MOST_CLIENTS);
        self.count += 1;
        if self.count * 2 > self.buckets.len() * SLOTS {
            let buckets = self.buckets.len() * 2;
            self.buckets.clear();
            self.buckets.resize(buckets, Bucket::EMPTY);
            (0..client).for_each(|client| self.put(client, tag_of(client)));
        }
        self.put(client, tag);
    }

    fn put(&mut self, client: u32, tag: u32) {
        let mut bucket = self.first(tag);
        loop {
            if let Some(slot) = self.buckets[bucket].0.iter_mut().find(|slot| **slot == NO_CLIENT) {
                *slot = tag & !CLIENT | client;
                return;
            }
            bucket = (bucket + 1) & (self.buckets.len() - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Tags of few kinds crowd into few buckets and share their pieces.
        #[test]
        fn every_client_is_found_and_no_other(
            tags in prop::collection::vec(
                prop_oneof![Just(4_u32), Just(0xFF00_0004), 0_u32..64, any::<u32>()], 0..600,
            ),
        ) {
            let mut index = HashIndex::new();
            for (number, &tag) in tags.iter().enumerate() {
                prop_assert_eq!(index.find(tag, |kept| kept == number as u32), None);
                index.insert(number as u32, tag, |number| tags[number as usize]);
            }
            for (number, &tag) in tags.iter().enumerate() {
                let number = number as u32;
                prop_assert_eq!(index.find(tag, |kept| kept == number), Some(number));
            }
        }
    }

    proptest! {
        #[test]
        fn candidates_are_the_same_however_they_are_found(
            slots in prop::array::uniform8(prop_oneof![Just(NO_CLIENT), any::<u32>()]),
            slot in 0..SLOTS,
            other: u32,
        ) {
            let bucket = Bucket(slots);
            for tag in [slots[slot], other, NO_CLIENT] {
                prop_assert_eq!(bucket.candidates(tag), bucket.candidates_portable(tag));
            }
        }
    }

    #[test]
    fn a_lone_client_is_the_likely_one() {
        let mut index = HashIndex::new();
        index.insert(0, 0xAB00_0004, |_| unreachable!());
        assert_eq!(index.likely(0xAB00_0004), 0);
        assert!(index.likely(0x0100_0008) > 0);
    }
}
