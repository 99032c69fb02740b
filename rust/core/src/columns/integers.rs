//! Integers of any width.

use std::ops::Range;

/// Integers of any width.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "each variant is the type it is named after")]
pub enum Integers<'a> {
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
}

impl Integers<'_> {
    /// The number of rows.
    pub(crate) fn rows(self) -> usize {
        match self {
            Self::I8(v) => v.len(),
            Self::I16(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::U16(v) => v.len(),
            Self::U32(v) => v.len(),
            Self::U64(v) => v.len(),
        }
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

/// Integer `i`, in 64 bits.
pub(crate) fn integer_at(values: Integers, i: usize) -> i64 {
    let mut one = [0];
    widen(values, i..i + 1, &mut one);
    one[0]
}
