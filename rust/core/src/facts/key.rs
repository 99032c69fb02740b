//! Ids as keys: what travels with a row, what a table keeps, and how the two compare.

use crate::columns::{view_bytes, view_of};
use crate::hash::{hash_bytes, hash_word, hash_words};
use crate::prefetch::prefetch;

/// The byte buffers that the long texts of a batch stand in.
pub(super) type Buffers<'a> = [&'a [u8]];

/// A kind of id.
pub(super) trait Key: Send + Sync + 'static {
    /// The id as it travels with a row of the batch.
    type Row: Copy + Send + Sync + Default;
    /// The id as a table keeps it.
    type Stored: Copy + Send + Sync;

    /// Whether all of an id travels with its row, and none of it stands in the batch.
    const WHOLE: bool;

    /// Prefetch the bytes of a row's id, if they do not travel with it.
    fn prefetch_row(_row: Self::Row, _buffers: &Buffers) {}
    /// Prefetch the bytes of a kept id, if they do not stand in it.
    fn prefetch_stored(_stored: Self::Stored, _arena: &[u8]) {}
    /// Whether a kept id is that of a row.
    fn matches(stored: Self::Stored, row: Self::Row, arena: &[u8], buffers: &Buffers) -> bool;
    /// Keep the id of a row, with its bytes in the arena if they do not fit the key.
    fn store(row: Self::Row, arena: &mut Vec<u8>, buffers: &Buffers) -> Self::Stored;
    /// The hash of a row's id.
    fn hash_row(row: Self::Row, buffers: &Buffers) -> u64;
    /// The same of a kept id.
    fn hash_stored(stored: Self::Stored, arena: &[u8]) -> u64;
    /// Whether two kept ids are the same.
    fn is_same(a: Self::Stored, b: Self::Stored, arena: &[u8]) -> bool;
    /// Keep a kept id in another arena.
    fn store_again(stored: Self::Stored, arena: &[u8], other: &mut Vec<u8>) -> Self::Stored;
}

/// No id at all: each line is an order.
pub(super) struct NoId;

impl Key for NoId {
    type Row = ();
    type Stored = ();

    const WHOLE: bool = true;

    fn matches((): (), (): (), _: &[u8], _: &Buffers) -> bool {
        true
    }
    fn store((): (), _: &mut Vec<u8>, _: &Buffers) {}
    fn hash_row((): (), _: &Buffers) -> u64 {
        0
    }
    fn hash_stored((): (), _: &[u8]) -> u64 {
        0
    }
    fn is_same((): (), (): (), _: &[u8]) -> bool {
        true
    }
    fn store_again((): (), _: &[u8], _: &mut Vec<u8>) {}
}

/// A word of 64 bits: an integer, or what a text is encoded as.
pub(super) struct Word;

impl Key for Word {
    type Row = u64;
    type Stored = u64;

    const WHOLE: bool = true;

    #[inline]
    fn matches(stored: u64, row: u64, _: &[u8], _: &Buffers) -> bool {
        stored == row
    }
    #[inline]
    fn store(row: u64, _: &mut Vec<u8>, _: &Buffers) -> u64 {
        row
    }
    #[inline]
    fn hash_row(row: u64, _: &Buffers) -> u64 {
        hash_word(row)
    }
    #[inline]
    fn hash_stored(stored: u64, _: &[u8]) -> u64 {
        hash_word(stored)
    }
    #[inline]
    fn is_same(a: u64, b: u64, _: &[u8]) -> bool {
        a == b
    }
    #[inline]
    fn store_again(stored: u64, _: &[u8], _: &mut Vec<u8>) -> u64 {
        stored
    }
}

/// A text, as a string view.
///
/// Up to 12 bytes the view *is* the text, and equality is that of two words. A longer one is kept
/// as length, first four bytes, and the offset of its bytes in the arena.
pub(super) struct Text;

impl Text {
    /// The hash of a text.
    pub fn hash(bytes: &[u8]) -> u64 {
        Self::hash_row(view_of(bytes, 0, 0), &[bytes])
    }

    /// The bytes of a long kept text.
    #[inline]
    pub fn long(stored: u128, arena: &[u8]) -> &[u8] {
        let start = (stored >> 64) as usize;
        &arena[start..start + stored as u32 as usize]
    }

    /// The bytes of a kept text.
    #[inline]
    pub fn bytes<'a>(stored: &'a u128, arena: &'a [u8]) -> &'a [u8] {
        if *stored as u32 <= 12 {
            &view_bytes(stored)[4..4 + *stored as u32 as usize]
        } else {
            Self::long(*stored, arena)
        }
    }

    /// The bytes of a long text of a row.
    #[inline]
    fn row_bytes<'a>(row: u128, buffers: &Buffers<'a>) -> &'a [u8] {
        let start = (row >> 96) as usize;
        &buffers[(row >> 64) as u32 as usize][start..start + row as u32 as usize]
    }
}

impl Key for Text {
    type Row = u128;
    type Stored = u128;

    const WHOLE: bool = false;

    #[inline]
    fn prefetch_row(row: u128, buffers: &Buffers) {
        if row as u32 > 12 {
            prefetch(buffers[(row >> 64) as u32 as usize], (row >> 96) as usize);
        }
    }
    #[inline]
    fn prefetch_stored(stored: u128, arena: &[u8]) {
        if stored as u32 > 12 {
            prefetch(arena, (stored >> 64) as usize);
        }
    }

    #[inline]
    fn matches(stored: u128, row: u128, arena: &[u8], buffers: &Buffers) -> bool {
        if stored as u64 != row as u64 {
            return false; // another length, or another beginning
        }
        if row as u32 <= 12 {
            stored == row
        } else {
            Self::long(stored, arena) == Self::row_bytes(row, buffers)
        }
    }

    fn store(row: u128, arena: &mut Vec<u8>, buffers: &Buffers) -> u128 {
        if row as u32 <= 12 {
            return row;
        }
        let start = arena.len() as u128;
        arena.extend_from_slice(Self::row_bytes(row, buffers));
        u128::from(row as u64) | start << 64
    }

    #[inline]
    fn hash_row(row: u128, buffers: &Buffers) -> u64 {
        if row as u32 <= 12 {
            hash_words(row as u64, (row >> 64) as u64)
        } else {
            hash_bytes(Self::row_bytes(row, buffers))
        }
    }

    fn hash_stored(stored: u128, arena: &[u8]) -> u64 {
        if stored as u32 <= 12 {
            hash_words(stored as u64, (stored >> 64) as u64)
        } else {
            hash_bytes(Self::long(stored, arena))
        }
    }

    #[inline]
    fn is_same(a: u128, b: u128, arena: &[u8]) -> bool {
        // Of one length and beginning, so both are long or neither is.
        a as u64 == b as u64
            && if a as u32 <= 12 { a == b } else { Self::long(a, arena) == Self::long(b, arena) }
    }

    fn store_again(stored: u128, arena: &[u8], other: &mut Vec<u8>) -> u128 {
        if stored as u32 <= 12 {
            return stored;
        }
        let start = other.len() as u128;
        other.extend_from_slice(Self::long(stored, arena));
        u128::from(stored as u64) | start << 64
    }
}
