//! Reading ids: keys, and the hashes of those that are texts.

use std::ops::Range;

use super::options::{IdReadOptions, Signedness, WordIds};
use crate::columns::{Column, IdValues, Integers, Texts, mixed_ids, mixed_signs, whole};
use crate::error::Result;
use crate::facts::drop_reason::{LineDropReason, USED, mark};
use crate::facts::key::{Key, Text, Word};
use crate::facts::store::partitioning::{partition_of_word, with_partition};
use crate::facts::text_ids::{Encoder, TemplateTable};
use crate::hash::{hash_bytes, hash_words};

/// The arrays that an id column is read into.
pub struct KeyArrays<'a, R> {
    pub rows: &'a mut [R],
    pub hashes: &'a mut [u64],
    pub drops: &'a mut [u8],
}

/// A kind of id that is read from one column.
pub trait ReadKey: Key {
    /// Read lines `rows` of a column.
    ///
    /// # Errors
    /// If ids are of another kind, or cannot be used.
    fn read(
        column: &Column<IdValues>,
        rows: Range<usize>,
        options: IdReadOptions,
        out: &mut KeyArrays<Self::Row>,
    ) -> Result<()>;
}

impl ReadKey for Word {
    fn read(
        column: &Column<IdValues>,
        rows: Range<usize>,
        options: IdReadOptions,
        out: &mut KeyArrays<u64>,
    ) -> Result<()> {
        match options.words {
            WordIds::Integers(signedness) => {
                read_integers(column, rows, signedness, options.role, out)
            }
            WordIds::EncodedTexts => read_encoded(column, rows, options.templates, out),
        }
    }
}

impl ReadKey for Text {
    fn read(
        column: &Column<IdValues>,
        rows: Range<usize>,
        options: IdReadOptions,
        out: &mut KeyArrays<u128>,
    ) -> Result<()> {
        let IdValues::Texts(texts) = &column.values else {
            return Err(mixed_ids());
        };
        mark_missing(column, texts, &rows, out.drops);
        for (i, &view) in texts.views[rows.clone()].iter().enumerate() {
            if view as u32 <= 12 {
                out.rows[i] = view;
                out.hashes[i] = hash_words(view as u64, (view >> 64) as u64);
            } else if column.is_valid(rows.start + i) {
                out.rows[i] = view + (u128::from(options.buffers) << 64);
                out.hashes[i] = hash_bytes(texts.get(rows.start + i));
            } else {
                out.rows[i] = 0;
                out.hashes[i] = 0;
            }
        }
        if options.by_template {
            for (i, row) in rows.enumerate().filter(|&(i, _)| out.drops[i] == USED) {
                if let Some(word) = options.templates.word(texts, row) {
                    out.hashes[i] = with_partition(out.hashes[i], partition_of_word(word));
                }
            }
        }
        Ok(())
    }
}

/// Drop the lines whose text is missing or empty.
fn mark_missing(column: &Column<IdValues>, texts: &Texts, rows: &Range<usize>, drops: &mut [u8]) {
    // Hardly any text is empty, and whether one of a block is takes no branch to tell.
    let any_empty = rows.clone().fold(false, |any, row| any | texts.is_empty(row));
    if column.validity.is_some() || any_empty {
        mark(drops, LineDropReason::Client, |i| !column.has_id(rows.start + i));
    }
}

/// Long texts are prefetched this many rows before they are read.
const AHEAD: usize = 16;

/// Read texts as words.
fn read_encoded(
    column: &Column<IdValues>,
    rows: Range<usize>,
    templates: &TemplateTable,
    out: &mut KeyArrays<u64>,
) -> Result<()> {
    let IdValues::Texts(texts) = &column.values else {
        return Err(mixed_ids());
    };
    mark_missing(column, texts, &rows, out.drops);
    let mut encoder = Encoder::new(templates);
    for (i, row) in rows.enumerate() {
        texts.prefetch(row + AHEAD);
        let used = out.drops[i] == USED;
        out.rows[i] = if used { encoder.word(texts, row) } else { 0 };
    }
    Ok(())
}

/// Read integers, or floats that are whole numbers.
fn read_integers(
    column: &Column<IdValues>,
    rows: Range<usize>,
    signedness: Signedness,
    role: &'static str,
    out: &mut KeyArrays<u64>,
) -> Result<()> {
    let n = rows.len();
    if column.validity.is_some() {
        mark(out.drops, LineDropReason::Client, |i| !column.is_valid(rows.start + i));
    }
    let flip = if signedness == Signedness::Signed { 1 << 63 } else { 0 };
    let natural = match &column.values {
        IdValues::Integers(values) => {
            write_keys(*values, rows, flip, out);
            if matches!(values, Integers::U64(_)) {
                Signedness::Unsigned
            } else {
                Signedness::Signed
            }
        }
        IdValues::Floats(values) => {
            mark(out.drops, LineDropReason::Client, |i| values[rows.start + i].is_nan());
            for (i, &value) in values[rows].iter().enumerate() {
                let used = out.drops[i] == USED;
                let id = if used { whole(value, role)? } else { 0 };
                out.rows[i] = id as u64 ^ flip;
            }
            Signedness::Signed
        }
        IdValues::Texts(_) => return Err(mixed_ids()),
    };
    if signedness != Signedness::Bits && signedness != natural {
        same_in_both(&out.rows[..n], flip, role, out.drops)?;
    }
    Ok(())
}

/// Write integer ids as keys.
fn write_keys(values: Integers, rows: Range<usize>, flip: u64, out: &mut KeyArrays<u64>) {
    macro_rules! keys {
        ($values:expr) => {
            for (row, &value) in out.rows.iter_mut().zip(&$values[rows]) {
                *row = value as i64 as u64 ^ flip;
            }
        };
    }
    match values {
        Integers::I8(v) => keys!(v),
        Integers::I16(v) => keys!(v),
        Integers::I32(v) => keys!(v),
        Integers::I64(v) => keys!(v),
        Integers::U8(v) => keys!(v),
        Integers::U16(v) => keys!(v),
        Integers::U32(v) => keys!(v),
        Integers::U64(v) => keys!(v),
    }
}

/// Signed and unsigned ids may meet as long as each means the same number as both.
fn same_in_both(keys: &[u64], flip: u64, role: &str, drops: &[u8]) -> Result<()> {
    if keys.iter().zip(drops).any(|(&key, &drop)| ((key ^ flip) as i64) < 0 && drop == USED) {
        return Err(mixed_signs(role));
    }
    Ok(())
}
