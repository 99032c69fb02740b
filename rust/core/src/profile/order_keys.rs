//! The ids of orders as words that tell them apart, and the order of the ids.

use std::cmp::Ordering;
use std::ops::Range;

use crate::clients::{IdType, read_integer_words};
use crate::columns::{Column, IdValues, Integers, integer_at, mixed_ids, whole};
use crate::dictionary::{SharedDictionary, TextDictionary};
use crate::error::Result;

/// How the ids of orders become words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderKeys {
    /// Each line is an order.
    None,
    /// One column of integers, which are the words.
    Integers(IdType),
    /// A column of texts: the words are their codes.
    Texts,
    /// So many columns, which are written as one text: the words are the codes of these.
    Columns(usize),
}

impl OrderKeys {
    /// The way for the columns of a batch.
    pub fn of(columns: &[Column<IdValues>]) -> Self {
        match columns {
            [] => Self::None,
            [column] if !matches!(column.values, IdValues::Texts(_)) => {
                Self::Integers(IdType::of(&column.values))
            }
            [_] => Self::Texts,
            _ => Self::Columns(columns.len()),
        }
    }

    /// Compare the ids of two words.
    #[inline]
    pub fn compare(self, a: u64, b: u64, texts: &TextDictionary) -> Ordering {
        match self {
            Self::Texts | Self::Columns(_) => texts.get(a as u32).cmp(&texts.get(b as u32)),
            Self::None | Self::Integers(_) => a.cmp(&b),
        }
    }
}

/// Reads the ids of the orders of one thread's lines, block by block.
#[derive(Debug, Default)]
pub(super) struct OrderReader {
    /// The words of the block that was read last.
    pub words: Vec<u64>,
    wide: Vec<i64>,
    codes: Vec<u32>,
    /// Several columns written as one, and where each row's ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl OrderReader {
    /// Read the orders of a block; what stands where a line has none may be anything.
    ///
    /// # Errors
    /// If ids are of another kind than those of the batches before, or cannot be used.
    pub fn read(
        &mut self,
        columns: &[Column<IdValues>],
        rows: Range<usize>,
        keys: OrderKeys,
        texts: &SharedDictionary,
    ) -> Result<()> {
        let n = rows.len();
        self.words.resize(n, 0);
        match (keys, columns) {
            (OrderKeys::None, []) => return Ok(()),
            (OrderKeys::Integers(ids), [column]) => {
                self.wide.resize(n, 0);
                let has = |i: usize| has_id(column, rows.start + i);
                let (wide, words) = (&mut self.wide, &mut self.words);
                return read_integer_words(column, rows.clone(), ids, "order", has, wide, words);
            }
            (OrderKeys::Texts, [Column { values: IdValues::Texts(own), .. }]) => {
                self.codes.resize(n, 0);
                let has = |i: usize| has_id(&columns[0], rows.start + i);
                texts.encode(|i| has(i).then(|| own.get(rows.start + i)), &mut self.codes)?;
            }
            (OrderKeys::Columns(count), _) if count == columns.len() => {
                self.write(columns, rows)?;
                self.codes.resize(n, 0);
                let start = |i: usize| i.checked_sub(1).map_or(0, |before| self.ends[before]);
                let written = |i: usize| &self.bytes[start(i)..self.ends[i]];
                let text = |i| Some(written(i)).filter(|text| !text.is_empty());
                texts.encode(text, &mut self.codes)?;
            }
            _ => return Err(mixed_ids()),
        }
        for (word, &code) in self.words.iter_mut().zip(&self.codes) {
            *word = code.into();
        }
        Ok(())
    }

    /// Write the columns of each row side by side, so that the bytes order as the columns do, one after
    /// the other; none of a row that lacks any.
    fn write(&mut self, columns: &[Column<IdValues>], rows: Range<usize>) -> Result<()> {
        self.bytes.clear();
        self.ends.clear();
        for row in rows {
            if has_order(columns, row) {
                for column in columns {
                    match &column.values {
                        IdValues::Integers(values) => {
                            let is_unsigned = matches!(values, Integers::U64(_));
                            write_integer(&mut self.bytes, integer_at(*values, row), is_unsigned);
                        }
                        IdValues::Floats(values) => {
                            write_integer(&mut self.bytes, whole(values[row], "order")?, false);
                        }
                        IdValues::Texts(texts) => write_text(&mut self.bytes, texts.get(row)),
                    }
                }
            }
            self.ends.push(self.bytes.len());
        }
        Ok(())
    }
}

/// Whether a line is of an order that has an id.
pub(super) fn has_order(columns: &[Column<IdValues>], row: usize) -> bool {
    !columns.is_empty() && columns.iter().all(|column| has_id(column, row))
}

fn has_id(column: &Column<IdValues>, row: usize) -> bool {
    let is_number = |values: &[f64]| !values[row].is_nan();
    column.is_valid(row)
        && if let IdValues::Floats(values) = &column.values { is_number(values) } else { true }
}

/// Negative numbers come before others, and the high byte comes first.
fn write_integer(bytes: &mut Vec<u8>, value: i64, is_unsigned: bool) {
    bytes.push(u8::from(is_unsigned || value >= 0));
    bytes.extend(value.to_be_bytes());
}

/// Two zeros end a text, and a zero in it is told from them by what follows.
fn write_text(bytes: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        bytes.push(byte);
        if byte == 0 {
            bytes.push(1);
        }
    }
    bytes.extend([0, 0]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn written_columns_order_as_they_do(
            a: (i64, Vec<u8>, u64), b: (i64, Vec<u8>, u64), short: [Vec<bool>; 2],
        ) {
            let written = |(signed, text, unsigned): &(i64, Vec<u8>, u64)| {
                let mut bytes = Vec::new();
                write_integer(&mut bytes, *signed, false);
                write_text(&mut bytes, text);
                write_integer(&mut bytes, *unsigned as i64, true);
                bytes
            };
            prop_assert_eq!(written(&a).cmp(&written(&b)), a.cmp(&b));
            // Texts that begin alike, of zeros and ones.
            let [one, other] = short.map(|bits| (0, bits.into_iter().map(u8::from).collect(), 0));
            prop_assert_eq!(written(&one).cmp(&written(&other)), one.cmp(&other));
        }
    }
}
