//! Reading orders, of several columns too.

use std::ops::Range;

use super::ids::{KeyArrays, ReadKey};
use super::options::IdReadOptions;
use crate::columns::{IdValues, integer_at, mixed_ids, view_of, whole};
use crate::error::{Error, Result};
use crate::facts::batch::Batch;
use crate::facts::drop_reason::USED;
use crate::facts::key::{Key, NoId, Text, Word};

/// A kind of id that orders have.
pub trait ReadOrders: Key {
    /// Read the orders of lines `rows` of a batch. `arrays.drops` says which lines are used, and is
    /// scratch memory from then on: a missing order is no reason to drop a line, but `missing`.
    ///
    /// # Errors
    /// If ids are of another kind than those of the batches before, or cannot be used.
    fn read_orders(
        batch: &Batch,
        rows: Range<usize>,
        options: IdReadOptions,
        reader: &mut OrderReader,
        missing: &[bool],
        arrays: &mut KeyArrays<Self::Row>,
    ) -> Result<()>;
}

impl ReadOrders for NoId {
    fn read_orders(
        _: &Batch,
        _: Range<usize>,
        _: IdReadOptions,
        _: &mut OrderReader,
        _: &[bool],
        _: &mut KeyArrays<()>,
    ) -> Result<()> {
        Ok(())
    }
}

impl ReadOrders for Word {
    fn read_orders(
        batch: &Batch,
        rows: Range<usize>,
        options: IdReadOptions,
        _: &mut OrderReader,
        _: &[bool],
        arrays: &mut KeyArrays<u64>,
    ) -> Result<()> {
        match batch.order.as_slice() {
            [column] => Self::read(column, rows, options, arrays),
            _ => Err(mixed_ids()),
        }
    }
}

/// One column of texts, or several of any kind encoded as one text.
impl ReadOrders for Text {
    fn read_orders(
        batch: &Batch,
        rows: Range<usize>,
        options: IdReadOptions,
        reader: &mut OrderReader,
        missing: &[bool],
        arrays: &mut KeyArrays<u128>,
    ) -> Result<()> {
        if let [column] = batch.order.as_slice() {
            return Self::read(column, rows, options, arrays);
        }
        let skipped = |i: usize| missing[i] || arrays.drops[i] != USED;
        reader.encode(batch, rows, arrays.rows, skipped)
    }
}

/// Where the orders of one thread's lines are read to.
pub struct OrderReader {
    /// The number of the first buffer of this batch's order texts, or of `bytes`.
    pub buffers: u32,
    /// The bytes of encoded orders.
    pub bytes: Vec<u8>,
}

impl OrderReader {
    /// Write the columns of each order side by side, so that equal bytes are equal orders: numbers
    /// in as few bytes as they need, texts after their length.
    fn encode(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        out: &mut [u128],
        skipped: impl Fn(usize) -> bool,
    ) -> Result<()> {
        for (i, row) in rows.enumerate() {
            if skipped(i) {
                out[i] = 0; // what stood there may refer to bytes that are gone
                continue;
            }
            let start = self.bytes.len();
            for column in &batch.order {
                match &column.values {
                    IdValues::Integers(values) => {
                        write_integer(&mut self.bytes, integer_at(*values, row));
                    }
                    IdValues::Floats(values) => {
                        write_integer(&mut self.bytes, whole(values[row], "order")?);
                    }
                    IdValues::Texts(texts) => {
                        let text = texts.get(row);
                        write_integer(&mut self.bytes, text.len() as i64);
                        self.bytes.extend(text);
                    }
                }
            }
            let start32 = u32::try_from(start).map_err(|_| {
                Error::Data("the order columns of one batch hold more than 4 GB of text: take a shorter order key".to_owned())
            })?;
            out[i] = view_of(&self.bytes[start..], self.buffers, start32);
            if self.bytes.len() - start <= 12 {
                self.bytes.truncate(start); // the view holds it whole
            }
        }
        Ok(())
    }
}

/// Write an integer seven bits a byte, the last byte below 128: short for small ones, and no
/// integer begins another.
fn write_integer(bytes: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64; // small negatives become small too
    while rest >= 128 {
        bytes.push(rest as u8 | 128);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}
