//! Ids that are integers, as words in the order of the integers.

use std::ops::Range;

use super::id_type::{IdType, SIGN};
use crate::columns::{Column, IdValues, Integers, mixed_ids, mixed_signs, whole, widen};
use crate::error::Result;

/// Read ids that are integers, or floats that are whole numbers; what a row that is not used holds may
/// be anything.
///
/// # Errors
/// If they are texts, a float is not whole, or one has no value in the type of the ids before.
pub(crate) fn read_integer_words(
    column: &Column<IdValues>,
    rows: Range<usize>,
    ids: IdType,
    role: &'static str,
    is_used: impl Fn(usize) -> bool,
    wide: &mut [i64],
    words: &mut [u64],
) -> Result<()> {
    match &column.values {
        IdValues::Texts(_) => return Err(mixed_ids()),
        IdValues::Integers(values) => widen(*values, rows, wide),
        IdValues::Floats(values) => {
            for (i, (wide, &value)) in wide.iter_mut().zip(&values[rows]).enumerate() {
                *wide = if is_used(i) { whole(value, role)? } else { 0 };
            }
        }
    }
    let unsigned = matches!(&column.values, IdValues::Integers(Integers::U64(_)));
    let flip = if ids == IdType::Signed { SIGN } else { 0 };
    let differ = unsigned != (ids == IdType::Unsigned);
    if differ && wide.iter().enumerate().any(|(i, &wide)| wide < 0 && is_used(i)) {
        return Err(mixed_signs(role));
    }
    for (word, &wide) in words.iter_mut().zip(&*wide) {
        *word = wide as u64 ^ flip;
    }
    Ok(())
}
