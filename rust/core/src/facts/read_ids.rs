//! Reading ids: keys, and the hashes of those that are texts.

use std::ops::Range;

use super::batch::{Column, IdValues, Integers};
use super::keys::{Absent, Integer, Key, Text, view_of};
use super::reason::{Reason, USED, mark};
use super::shapes::Shapes;
use super::spread::{partition_of_number, with_partition};
use crate::error::{Error, Result};
use crate::hash::{hash_bytes, hash_words};

/// How integer ids become ordered keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signedness {
    /// The sign bit flipped, so that keys order as the numbers do.
    Signed,
    /// As they are.
    Unsigned,
    /// The bits of either, where only equality counts: within one column equal bits are equal ids.
    Bits,
}

/// How an id column is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub signedness: Signedness,
    /// The number of the column's first buffer among those of the batch.
    pub buffers: u32,
    pub shapes: &'a Shapes,
    /// Whether texts with a shape are kept where their words were.
    pub by_shape: bool,
    pub role: &'static str,
}

/// The arrays that a key column is read into.
pub(super) struct KeyArrays<'a, R> {
    pub rows: &'a mut [R],
    pub hashes: &'a mut [u64],
    pub fate: &'a mut [u8],
}

/// A kind of id that can be read from a column.
pub(super) trait ReadKey: Key {
    /// Read lines `rows` of a column.
    fn read(
        column: &Column<IdValues>,
        rows: Range<usize>,
        reading: Reading,
        out: &mut KeyArrays<Self::Row>,
    ) -> Result<()>;

    /// The key of encoded bytes.
    fn from_bytes(bytes: &[u8], buffer: u32, start: u32) -> Self::Row;
}

impl ReadKey for Absent {
    fn read(
        _: &Column<IdValues>,
        _: Range<usize>,
        _: Reading,
        _: &mut KeyArrays<()>,
    ) -> Result<()> {
        Ok(())
    }
    fn from_bytes(_: &[u8], _: u32, _: u32) {
        unreachable!("encoded orders are texts")
    }
}

impl ReadKey for Text {
    fn read(
        column: &Column<IdValues>,
        rows: Range<usize>,
        reading: Reading,
        out: &mut KeyArrays<u128>,
    ) -> Result<()> {
        let IdValues::Texts(texts) = &column.values else {
            return Err(mixed_ids());
        };
        mark(out.fate, Reason::Client, |i| !column.is_valid(rows.start + i));
        for (i, &view) in texts.views[rows.clone()].iter().enumerate() {
            if view as u32 <= 12 {
                out.rows[i] = view;
                out.hashes[i] = hash_words(view as u64, (view >> 64) as u64);
            } else if column.is_valid(rows.start + i) {
                out.rows[i] = view + (u128::from(reading.buffers) << 64);
                out.hashes[i] = hash_bytes(texts.get(rows.start + i));
            } else {
                out.rows[i] = 0;
                out.hashes[i] = 0;
            }
        }
        if reading.by_shape {
            for (i, row) in rows.enumerate().filter(|&(i, _)| out.fate[i] == USED) {
                if let Some(word) = reading.shapes.word(texts, row) {
                    out.hashes[i] = with_partition(out.hashes[i], partition_of_number(word));
                }
            }
        }
        Ok(())
    }

    fn from_bytes(bytes: &[u8], buffer: u32, start: u32) -> u128 {
        view_of(bytes, buffer, start)
    }
}

impl ReadKey for Integer {
    fn read(
        column: &Column<IdValues>,
        rows: Range<usize>,
        reading: Reading,
        out: &mut KeyArrays<u64>,
    ) -> Result<()> {
        let n = rows.len();
        if column.validity.is_some() {
            mark(out.fate, Reason::Client, |i| !column.is_valid(rows.start + i));
        }
        let flip = if reading.signedness == Signedness::Signed { 1 << 63 } else { 0 };
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
                mark(out.fate, Reason::Client, |i| values[rows.start + i].is_nan());
                for (i, &value) in values[rows].iter().enumerate() {
                    let used = out.fate[i] == USED;
                    let id = if used { whole(value, reading.role)? } else { 0 };
                    out.rows[i] = id as u64 ^ flip;
                }
                Signedness::Signed
            }
            IdValues::Texts(_) => return Err(mixed_ids()),
        };
        if reading.signedness != Signedness::Bits && reading.signedness != natural {
            same_in_both(&out.rows[..n], flip, out.fate)?;
        }
        Ok(())
    }

    fn from_bytes(_: &[u8], _: u32, _: u32) -> u64 {
        unreachable!("encoded orders are texts")
    }
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
fn same_in_both(keys: &[u64], flip: u64, fate: &[u8]) -> Result<()> {
    if keys.iter().zip(fate).any(|(&key, &fate)| ((key ^ flip) as i64) < 0 && fate == USED) {
        return Err(mixed_signs());
    }
    Ok(())
}

pub(crate) fn mixed_signs() -> Error {
    Error::Column(
        "client ids are signed integers in one place and unsigned 64-bit integers in another, and some have no value in both: cast them to one type".to_owned(),
    )
}

pub(crate) fn mixed_ids() -> Error {
    Error::Column(
        "ids are text in one place and numbers in another: cast the columns to one type before scoring".to_owned(),
    )
}

/// A float that is a whole number within ±2^53, as an integer.
pub(crate) fn whole(value: f64, role: &'static str) -> Result<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    if value.abs() <= LIMIT && value.fract() == 0.0 {
        Ok(value as i64)
    } else {
        Err(Error::Value {
            message: format!(
                "the {role} id {value} is no whole number within ±2^53: ids kept as floats must be whole, cast the column to text or integers"
            ),
            role,
            value: value.to_string(),
        })
    }
}

/// Copy integers of any width into 64 bits (unsigned ones keep their bits).
pub(crate) fn widen(values: Integers, rows: Range<usize>, out: &mut [i64]) {
    macro_rules! copy {
        ($values:expr) => {
            for (out, &value) in out.iter_mut().zip(&$values[rows]) {
                *out = value as i64;
            }
        };
    }
    match values {
        Integers::I8(v) => copy!(v),
        Integers::I16(v) => copy!(v),
        Integers::I32(v) => copy!(v),
        Integers::I64(v) => out.copy_from_slice(&v[rows]),
        Integers::U8(v) => copy!(v),
        Integers::U16(v) => copy!(v),
        Integers::U32(v) => copy!(v),
        Integers::U64(v) => copy!(v),
    }
}

pub(super) fn integer_at(values: Integers, i: usize) -> i64 {
    let mut one = [0];
    widen(values, i..i + 1, &mut one);
    one[0]
}
