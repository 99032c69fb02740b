//! A column as it arrives: chunks of values, each with or without a validity bitmap.

use rayon::prelude::*;

use super::value::Value;
use crate::bitmap::Bitmap;

/// Rows that one task takes at a time: large enough to be worth a task, small enough that the
/// last ones finish together.
const PIECE: usize = 1 << 16;

/// A column of numbers in one or several chunks, read where they lie: nothing is ever copied
/// together, and empty chunks are welcome. Rows are numbered from 0 across the chunks. A row is
/// missing if its validity bit is unset or its value is NaN; what stands under an unset bit is
/// not looked at.
#[derive(Debug, Clone, Default)]
pub struct Column<'a, T> {
    /// The chunks in row order: values, and validity (`None`: all valid).
    pub chunks: Vec<(&'a [T], Option<Bitmap<'a>>)>,
}

/// A run of rows within one chunk.
#[derive(Debug)]
pub(super) struct Piece<'c, T> {
    pub values: &'c [T],
    validity: Option<(&'c Bitmap<'c>, usize)>,
    /// The row of the first value.
    pub row: usize,
}

impl<'a, T: Value> Column<'a, T> {
    /// A column of one chunk, all valid.
    pub fn new(values: &'a [T]) -> Self {
        Self { chunks: vec![(values, None)] }
    }

    /// A column of several chunks, all valid.
    pub fn chunked(chunks: &[&'a [T]]) -> Self {
        Self { chunks: chunks.iter().map(|values| (*values, None)).collect() }
    }

    /// The number of rows, missing ones included.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|(values, _)| values.len()).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of rows that hold a value. O(n), parallel.
    pub fn valid_count(&self) -> usize {
        self.pieces()
            .par_iter()
            .map(|piece| {
                let blocks = 0..piece.values.len().div_ceil(64);
                blocks
                    .map(|block| piece.valid_word(block * 64).count_ones() as usize)
                    .sum::<usize>()
            })
            .sum()
    }

    /// The rows cut into pieces of work.
    pub(super) fn pieces(&self) -> Vec<Piece<'_, T>> {
        let mut pieces = Vec::new();
        let mut row = 0;
        for (values, validity) in &self.chunks {
            for (i, part) in values.chunks(PIECE).enumerate() {
                let validity = validity.as_ref().map(|bitmap| (bitmap, i * PIECE));
                pieces.push(Piece { values: part, validity, row });
                row += part.len();
            }
        }
        pieces
    }
}

impl<T: Value> Piece<'_, T> {
    /// The value in a row of the piece, if there is one.
    pub fn get(&self, i: usize) -> Option<T> {
        let valid = self.validity.is_none_or(|(bitmap, start)| bitmap.get(start + i));
        (valid && !self.values[i].is_missing()).then_some(self.values[i])
    }

    /// Which of up to 64 rows from `i` hold a value, lowest bit first.
    fn valid_word(&self, i: usize) -> u64 {
        let values = &self.values[i..self.values.len().min(i + 64)];
        let mut word = 0;
        for (bit, value) in values.iter().enumerate() {
            word |= u64::from(!value.is_missing()) << bit;
        }
        word & self
            .validity
            .map_or(u64::MAX, |(bitmap, start)| bits(bitmap, start + i, values.len()))
    }

    /// Sets to 0 the codes of the rows from `i` whose validity bit is unset.
    pub fn erase_nulls(&self, i: usize, codes: &mut [u8]) {
        let Some((bitmap, start)) = self.validity else {
            return;
        };
        for (n, group) in codes.chunks_mut(64).enumerate() {
            let valid = bits(bitmap, start + i + n * 64, group.len());
            let all = u64::MAX >> (64 - group.len());
            if valid & all != all {
                for (bit, code) in group.iter_mut().enumerate() {
                    *code &= 0u8.wrapping_sub((valid >> bit & 1) as u8);
                }
            }
        }
    }
}

/// `count` (1 to 64) bits of a bitmap from position `at`; the bits beyond are unspecified.
fn bits(bitmap: &Bitmap<'_>, at: usize, count: usize) -> u64 {
    let first = bitmap.offset + at;
    let shift = first % 8;
    let bytes = &bitmap.bytes[first / 8..(first + count).div_ceil(8)];
    let mut word = [0u8; 16];
    word[..bytes.len()].copy_from_slice(bytes);
    (u128::from_le_bytes(word) >> shift) as u64
}

/// Cuts `out` like the pieces.
pub(super) fn cut_like<'o, T, U>(
    pieces: &[Piece<'_, T>],
    mut out: &'o mut [U],
) -> Vec<&'o mut [U]> {
    let mut parts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let (part, rest) = out.split_at_mut(piece.values.len());
        parts.push(part);
        out = rest;
    }
    parts
}
