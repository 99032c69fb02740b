//! Reading orders, of several columns too.

use std::ops::Range;

use super::batch::{Batch, Column, IdValues};
use super::read_ids::{ReadKey, integer_at, whole};
use crate::error::{Error, Result};

/// Where the orders of one thread's lines are read to.
pub(super) struct OrderReader {
    /// Whether several columns are written into `bytes`.
    pub encoded: bool,
    /// The number of the first buffer of this batch's order texts, or of `bytes`.
    pub buffers: u32,
    /// The bytes of encoded orders.
    pub bytes: Vec<u8>,
}

impl OrderReader {
    /// Write the columns of each order side by side, so that equal bytes are equal orders: numbers
    /// in as few bytes as they need, texts after their length.
    pub fn encode<O: ReadKey>(
        &mut self,
        batch: &Batch,
        rows: Range<usize>,
        out: &mut [O::Row],
        skipped: impl Fn(usize) -> bool,
    ) -> Result<()> {
        for (i, row) in rows.enumerate() {
            if skipped(i) {
                out[i] = O::Row::default(); // what stood there may refer to bytes that are gone
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
            out[i] = O::from_bytes(&self.bytes[start..], self.buffers, start32);
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

/// Whether an id is there: a float that is not a number is not.
pub(super) fn is_there(column: &Column<IdValues>, i: usize) -> bool {
    column.is_valid(i)
        && match &column.values {
            IdValues::Floats(values) => !values[i].is_nan(),
            IdValues::Integers(_) | IdValues::Texts(_) => true,
        }
}
