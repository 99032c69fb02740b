//! A column as it arrives: chunks of values, each with or without a validity bitmap.

use super::rankable::Rankable;
use crate::bitmap::Bitmap;

/// Rows that one task takes at a time: large enough to be worth a task, small enough that the
/// last ones finish together.
const PIECE: usize = 1 << 16;

/// A column of numbers in one or several chunks, which may be empty, read where they are. Rows are numbered from 0 across the chunks. A row is
/// missing if its validity bit is unset or its value is NaN; what stands under an unset bit is
/// not looked at.
#[derive(Debug, Clone, Default)]
pub struct ChunkedColumn<'a, T> {
    /// The chunks in row order: values, and validity (`None`: all valid).
    pub chunks: Vec<(&'a [T], Option<Bitmap<'a>>)>,
}

/// A run of rows within one chunk.
#[derive(Debug)]
pub(super) struct ColumnPiece<'c, T> {
    pub values: &'c [T],
    validity: Option<(&'c Bitmap<'c>, usize)>,
    /// The row of the first value.
    pub row: usize,
}

impl<'a, T: Rankable> ChunkedColumn<'a, T> {
    /// A column of one chunk, all valid.
    pub fn new(values: &'a [T]) -> Self {
        Self { chunks: vec![(values, None)] }
    }

    /// The number of rows, missing ones included.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(|(values, _)| values.len()).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows cut into pieces of work.
    pub(super) fn pieces(&self) -> Vec<ColumnPiece<'_, T>> {
        let mut pieces = Vec::new();
        let mut row = 0;
        for (values, validity) in &self.chunks {
            for (i, part) in values.chunks(PIECE).enumerate() {
                let validity = validity.as_ref().map(|bitmap| (bitmap, i * PIECE));
                pieces.push(ColumnPiece { values: part, validity, row });
                row += part.len();
            }
        }
        pieces
    }
}

impl<T: Rankable> ColumnPiece<'_, T> {
    /// The value in a row of the piece, if there is one.
    pub fn get(&self, i: usize) -> Option<T> {
        let valid = self.validity.is_none_or(|(bitmap, start)| bitmap.get(start + i));
        (valid && !self.values[i].is_missing()).then_some(self.values[i])
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

/// Splits `out` into parts as long as the pieces.
pub(super) fn split_like<'o, T, U>(
    pieces: &[ColumnPiece<'_, T>],
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
