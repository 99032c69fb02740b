//! Ids as keys: what travels with a row, what a table keeps, and how the two compare.

use std::cmp::Ordering;

use super::spread::{partition_of_hash, partition_of_number};
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

    /// Whether ids are numbers of 64 bits, of which those that lie near each other are alike.
    const IS_NUMBER: bool = false;

    /// The number of a row's id.
    fn number_of_row(_row: Self::Row) -> u64 {
        unreachable!("asked of numbers only")
    }
    /// The row's id of a number.
    fn row_of_number(_number: u64) -> Self::Row {
        unreachable!("asked of numbers only")
    }
    /// The number of a kept id.
    fn number_of_stored(_stored: Self::Stored) -> u64 {
        unreachable!("asked of numbers only")
    }
    /// The kept id of a number.
    fn stored_of_number(_number: u64) -> Self::Stored {
        unreachable!("asked of numbers only")
    }
    /// The partition that keeps a row's client.
    #[inline]
    fn partition(row: Self::Row, hash: u64) -> usize {
        if Self::IS_NUMBER {
            partition_of_number(Self::number_of_row(row))
        } else {
            partition_of_hash(hash)
        }
    }

    /// Ask for the bytes of a row's id, if they do not travel with it.
    fn ask_for_row(_row: Self::Row, _buffers: &Buffers) {}
    /// Ask for the bytes of a kept id, if they do not stand in it.
    fn ask_for_stored(_stored: Self::Stored, _arena: &[u8]) {}
    /// Whether a kept id is that of a row.
    fn matches(stored: Self::Stored, row: Self::Row, arena: &[u8], buffers: &Buffers) -> bool;
    /// Keep the id of a row, with its bytes in the arena if they do not fit the key.
    fn store(row: Self::Row, arena: &mut Vec<u8>, buffers: &Buffers) -> Self::Stored;
    /// The hash of a row's id.
    fn hash_row(row: Self::Row, buffers: &Buffers) -> u64;
    /// The same of a kept id.
    fn hash_stored(stored: Self::Stored, arena: &[u8]) -> u64;
    /// An order of kept ids, by which the equal are equal.
    fn compare(a: Self::Stored, b: Self::Stored, arena: &[u8]) -> Ordering;
    /// Keep a kept id in another arena.
    fn store_again(stored: Self::Stored, arena: &[u8], other: &mut Vec<u8>) -> Self::Stored;
}

/// No id at all: each line is an order.
pub(super) struct Absent;

impl Key for Absent {
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
    fn compare((): (), (): (), _: &[u8]) -> Ordering {
        Ordering::Equal
    }
    fn store_again((): (), _: &[u8], _: &mut Vec<u8>) {}
}

/// A 64-bit integer.
pub(super) struct Integer;

impl WordKey for Integer {}

/// A kind of id that is a word of 64 bits, and a number as such.
pub(super) trait WordKey: Send + Sync + 'static {}

impl<K: WordKey> Key for K {
    type Row = u64;
    type Stored = u64;

    const WHOLE: bool = true;
    const IS_NUMBER: bool = true;

    #[inline]
    fn number_of_row(row: u64) -> u64 {
        row
    }
    #[inline]
    fn row_of_number(number: u64) -> u64 {
        number
    }
    #[inline]
    fn number_of_stored(stored: u64) -> u64 {
        stored
    }
    #[inline]
    fn stored_of_number(number: u64) -> u64 {
        number
    }
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
    fn compare(a: u64, b: u64, _: &[u8]) -> Ordering {
        a.cmp(&b)
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
    fn ask_for_row(row: u128, buffers: &Buffers) {
        if row as u32 > 12 {
            prefetch(buffers[(row >> 64) as u32 as usize], (row >> 96) as usize);
        }
    }
    #[inline]
    fn ask_for_stored(stored: u128, arena: &[u8]) {
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
    fn compare(a: u128, b: u128, arena: &[u8]) -> Ordering {
        match (a as u64).cmp(&(b as u64)) {
            // Of one length, so both are long or neither is.
            Ordering::Equal if a as u32 > 12 => Self::long(a, arena).cmp(Self::long(b, arena)),
            Ordering::Equal => a.cmp(&b),
            other => other,
        }
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

/// A view of bytes that stand at `start` of buffer `buffer`.
pub(crate) fn view_of(bytes: &[u8], buffer: u32, start: u32) -> u128 {
    let length = bytes.len() as u128;
    let mut head = [0; 16];
    if bytes.len() <= 12 {
        head[..bytes.len()].copy_from_slice(bytes);
        return length | u128::from_le_bytes(head) << 32;
    }
    head[..4].copy_from_slice(&bytes[..4]);
    length | u128::from_le_bytes(head) << 32 | u128::from(buffer) << 64 | u128::from(start) << 96
}
