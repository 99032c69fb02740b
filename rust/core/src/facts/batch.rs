//! One batch of sales lines, as borrowed columns.

use crate::bitmap::Bitmap;
use crate::money::Unit;
use crate::prefetch::prefetch;

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
    fn rows(self) -> usize {
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

/// Texts as Arrow string views: 16 bytes each, of which texts of up to 12 bytes are the whole.
#[derive(Debug, Clone)]
pub struct Texts<'a> {
    /// The views, little endian: length in the low 32 bits, then the text, or its first four
    /// bytes, the number of its buffer and the offset in it.
    pub views: &'a [u128],
    /// The buffers that longer texts stand in.
    pub buffers: Vec<&'a [u8]>,
}

impl Texts<'_> {
    /// The bytes of text `i`.
    #[inline]
    pub fn get(&self, i: usize) -> &[u8] {
        let length = self.views[i] as u32 as usize;
        if length <= 12 {
            let view: &[u8; 16] = view_bytes(&self.views[i]);
            &view[4..4 + length]
        } else {
            let buffer = (self.views[i] >> 64) as u32 as usize;
            let start = (self.views[i] >> 96) as usize;
            &self.buffers[buffer][start..start + length]
        }
    }
}

/// Views are asked for this many texts before the bytes of their texts.
const VIEWS_AHEAD: usize = 128;

impl Texts<'_> {
    /// Ask for the bytes of text `i`, if there is such a text and it is long, and for views further
    /// on; what stands in them may be anything.
    #[inline]
    pub(super) fn ask_for(&self, i: usize) {
        prefetch(self.views, i + VIEWS_AHEAD);
        if let Some(&view) = self.views.get(i)
            && view as u32 > 12
            && let Some(buffer) = self.buffers.get((view >> 64) as u32 as usize)
        {
            prefetch(buffer, (view >> 96) as usize);
        }
    }
}

/// The bytes of a view in place.
#[inline]
pub(super) fn view_bytes(view: &u128) -> &[u8; 16] {
    // SAFETY: a u128 is sixteen initialised bytes, and a byte needs no alignment. The layout of
    // views is little endian, and so is every machine Arrow views are read on here.
    unsafe { &*std::ptr::from_ref(view).cast() }
}

#[cfg(target_endian = "big")]
compile_error!("string views are read in place, which needs a little-endian machine");

/// The values of a client or order column.
#[derive(Debug, Clone)]
pub enum IdValues<'a> {
    /// Integers.
    Integers(Integers<'a>),
    /// Whole numbers kept as floats, as databases and spreadsheets export them.
    Floats(&'a [f64]),
    /// Texts.
    Texts(Texts<'a>),
}

impl IdValues<'_> {
    /// The number of ids.
    pub fn rows(&self) -> usize {
        match self {
            Self::Integers(values) => values.rows(),
            Self::Floats(values) => values.len(),
            Self::Texts(texts) => texts.views.len(),
        }
    }
}

/// The values of the date column.
#[derive(Debug, Clone)]
pub enum DateValues<'a> {
    /// Days since 1970-01-01.
    Days(&'a [i32]),
    /// Instants since 1970-01-01, `per_second` of them a second.
    Instants {
        /// The instants.
        values: &'a [i64],
        /// 1, 1,000, 1,000,000 or 1,000,000,000.
        per_second: i64,
        /// Whether they are instants of UTC, to be shown in the builder's zone.
        zoned: bool,
    },
    /// ISO texts.
    Texts(Texts<'a>),
}

/// The values of the amount column.
#[derive(Debug, Clone, Copy)]
pub enum AmountValues<'a> {
    /// Floats of 64 bits.
    F64(&'a [f64]),
    /// Floats of 32 bits.
    F32(&'a [f32]),
    /// Integers.
    Integers(Integers<'a>),
    /// Decimals of a scale, unscaled.
    Decimals(&'a [i128], i8),
}

impl AmountValues<'_> {
    /// How these amounts become integers.
    pub(super) fn unit(self, money_scale: u8) -> Unit {
        match self {
            Self::F64(_) | Self::F32(_) => Unit::Rounded(money_scale),
            Self::Integers(_) => Unit::Whole,
            Self::Decimals(_, scale) => Unit::Decimal(scale),
        }
    }
}

/// A column: its values, and which of them are there.
#[derive(Debug, Clone)]
pub struct Column<'a, V> {
    /// The values; what stands under a missing one is never looked at.
    pub values: V,
    /// Which rows are there; none where all are.
    pub validity: Option<Bitmap<'a>>,
}

impl<V> Column<'_, V> {
    /// Whether row `i` is there.
    #[inline]
    pub fn is_valid(&self, i: usize) -> bool {
        self.validity.is_none_or(|bits| bits.get(i))
    }
}

/// Equally long columns of sales lines.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// The number of lines.
    pub rows: usize,
    /// Who bought.
    pub client: Column<'a, IdValues<'a>>,
    /// When.
    pub date: Column<'a, DateValues<'a>>,
    /// For how much.
    pub amount: Column<'a, AmountValues<'a>>,
    /// The columns that number the order; none where each line is one.
    pub order: Vec<Column<'a, IdValues<'a>>>,
    /// The lines to keep, as bits; a missing one is not kept.
    pub keep: Option<Column<'a, Bitmap<'a>>>,
}

impl Batch<'_> {
    /// Ask for the values of row `i`, if there is such a row, where they are of the usual types.
    #[inline]
    pub(super) fn ask_for(&self, i: usize) {
        if let IdValues::Integers(Integers::I64(values)) = self.client.values {
            prefetch(values, i);
        }
        match self.date.values {
            DateValues::Instants { values, .. } => prefetch(values, i),
            DateValues::Days(values) => prefetch(values, i),
            DateValues::Texts(_) => {}
        }
        if let AmountValues::F64(values) = self.amount.values {
            prefetch(values, i);
        }
    }
}
