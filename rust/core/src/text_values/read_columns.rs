//! Reading the texts of a column, in parallel.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::blanks::trimmed;
use super::null_words::NullWords;
use crate::columns::{Column, Texts};
use crate::error::Result;
use crate::threads::for_each;

/// What the texts of one chunk of a column write.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadChunk<T> {
    /// The values; 0 where one is missing.
    pub values: Vec<T>,
    /// Which of them are there, a bit each, least significant first; none where all are.
    pub validity: Option<Vec<u8>>,
}

/// What the texts of a column write.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadColumn<T> {
    /// As many chunks as there were, equally long.
    pub chunks: Vec<ReadChunk<T>>,
    /// How many texts were words that stand for a missing value.
    pub null_words: usize,
}

/// A text that was refused, and why.
#[derive(Debug)]
pub(super) struct Refused<'a, F> {
    pub row: usize,
    pub text: &'a [u8],
    pub fault: F,
}

/// How many texts are read at a time: a whole number of bytes of bits, and enough to forget what it
/// costs to take them, few enough to share.
const PIECE: usize = 1 << 14;

/// Texts that are read together.
struct Piece<'a, 'o, T, F> {
    column: &'a Column<'a, Texts<'a>>,
    /// The first, in the chunk and in the column.
    start: usize,
    row: usize,
    values: &'o mut [T],
    validity: &'o mut [u8],
    null_words: usize,
    refused: Option<Refused<'a, F>>,
}

/// Read every text of a column that is neither missing nor a null word: the first that is refused,
/// whatever the number of threads.
pub(super) fn read_columns<'a, T: Copy + Default + Send, F: Send>(
    columns: &'a [Column<'a, Texts<'a>>],
    null_words: &NullWords,
    read: impl Fn(&[u8]) -> std::result::Result<T, F> + Sync,
) -> std::result::Result<ReadColumn<T>, Refused<'a, F>> {
    let lengths = || columns.iter().map(|column| column.values.views.len());
    let mut outs: Vec<(Vec<T>, Vec<u8>)> =
        lengths().map(|rows| (vec![T::default(); rows], vec![u8::MAX; rows.div_ceil(8)])).collect();
    let mut pieces = cut(columns, &mut outs);
    // No row beyond one that was refused needs to be read.
    let end = AtomicUsize::new(usize::MAX);
    for_each(&mut pieces, |_, piece| {
        if piece.row < end.load(Ordering::Relaxed) {
            piece.read(null_words, &read);
            if let Some(refused) = &piece.refused {
                end.fetch_min(refused.row, Ordering::Relaxed);
            }
        }
    });
    let mut words = 0;
    for piece in pieces {
        words += piece.null_words;
        if let Some(refused) = piece.refused {
            return Err(refused);
        }
    }
    let chunk = |((values, validity), rows): ((Vec<T>, Vec<u8>), usize)| {
        let there: usize = validity.iter().map(|bits| bits.count_ones() as usize).sum();
        ReadChunk { values, validity: (there < rows.div_ceil(8) * 8).then_some(validity) }
    };
    Ok(ReadColumn {
        chunks: outs.into_iter().zip(lengths()).map(chunk).collect(),
        null_words: words,
    })
}

/// Find the null words of a column.
///
/// # Errors
/// None: any text will do.
pub fn find_words(columns: &[Column<'_, Texts<'_>>], words: &NullWords) -> Result<ReadColumn<()>> {
    match read_columns(columns, words, |_| Ok::<_, Infallible>(())) {
        Ok(found) => Ok(found),
        Err(refused) => match refused.fault {},
    }
}

/// Cut a column, and what is to be filled, into pieces.
fn cut<'a, 'o, T, F>(
    columns: &'a [Column<'a, Texts<'a>>],
    outs: &'o mut [(Vec<T>, Vec<u8>)],
) -> Vec<Piece<'a, 'o, T, F>> {
    let (mut pieces, mut row) = (Vec::new(), 0);
    for (column, (values, validity)) in columns.iter().zip(outs) {
        let parts = values.chunks_mut(PIECE).zip(validity.chunks_mut(PIECE / 8));
        for (number, (values, validity)) in parts.enumerate() {
            let (start, next) = (number * PIECE, row + values.len());
            let (null_words, refused) = (0, None);
            pieces.push(Piece { column, start, row, values, validity, null_words, refused });
            row = next;
        }
    }
    pieces
}

impl<T, F> Piece<'_, '_, T, F> {
    /// Read the texts, up to one that is refused.
    #[inline]
    fn read(&mut self, null_words: &NullWords, read: &impl Fn(&[u8]) -> std::result::Result<T, F>) {
        for (i, value) in self.values.iter_mut().enumerate() {
            let row = self.start + i;
            if self.column.is_valid(row) {
                let text = trimmed(self.column.values.get(row));
                if !null_words.has(text) {
                    match read(text) {
                        Ok(found) => *value = found,
                        Err(fault) => {
                            let (row, text) = (self.row + i, self.column.values.get(row));
                            self.refused = Some(Refused { row, text, fault });
                            return;
                        }
                    }
                    continue;
                }
                self.null_words += 1;
            }
            self.validity[i / 8] &= !(1 << (i % 8));
        }
    }
}
