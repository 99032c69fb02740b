//! Checks of texts and binary values: where they lie, and that texts are UTF-8.

use simdutf8::basic::from_utf8;

use super::checks::{Fault, Rows};

const NO_TEXT: Fault = "a text in it is not UTF-8";
const BACKWARDS: Fault = "its offsets decrease or are below zero";
// Bytes of a text that stands in its view.
const INLINE: usize = 12;

/// Offsets of four bytes, or of eight.
trait Offset: Copy {
    /// The offset as a number.
    fn number(self) -> i64;
    /// Whether none of some offsets is below the one before.
    fn increase(offsets: &[Self]) -> bool;
}

// Compared in their own width, as many at once as the processor takes.
macro_rules! offset {
    ($width:literal, $number:ty) => {
        impl Offset for [u8; $width] {
            fn number(self) -> i64 {
                <$number>::from_le_bytes(self).into()
            }

            fn increase(offsets: &[Self]) -> bool {
                let next = offsets.get(1..).unwrap_or_default();
                offsets.iter().zip(next).fold(true, |all, (&from, &to)| {
                    all & (<$number>::from_le_bytes(from) <= <$number>::from_le_bytes(to))
                })
            }
        }
    };
}

offset!(4, i32);
offset!(8, i64);

/// Check that offsets never decrease, and give the last.
#[expect(private_bounds, reason = "which widths there are is no matter of the caller")]
pub fn check_steps<const WIDTH: usize>(rows: Rows<'_>) -> Result<usize, Fault>
where
    [u8; WIDTH]: Offset,
{
    let offsets = rows.offsets::<WIDTH>()?;
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return Ok(0) };
    if first.number() < 0 || !Offset::increase(offsets) {
        return Err(BACKWARDS);
    }
    usize::try_from(last.number()).map_err(|_| BACKWARDS)
}

/// Check that offsets lie within the bytes that they lead into, and give those.
#[expect(private_bounds, reason = "which widths there are is no matter of the caller")]
pub fn check_offsets<const WIDTH: usize>(rows: Rows<'_>) -> Result<&[u8], Fault>
where
    [u8; WIDTH]: Offset,
{
    rows.bytes(2, check_steps::<WIDTH>(rows)?)
}

/// Check that texts lie within their bytes, and are UTF-8.
#[expect(private_bounds, reason = "which widths there are is no matter of the caller")]
pub fn check_texts<const WIDTH: usize>(rows: Rows<'_>) -> Result<(), Fault>
where
    [u8; WIDTH]: Offset,
{
    let bytes = check_offsets::<WIDTH>(rows)?;
    let offsets = rows.offsets::<WIDTH>()?;
    let Some(first) = offsets.first() else { return Ok(()) };
    let used = &bytes[first.number() as usize..];
    if used.is_ascii() {
        return Ok(());
    }
    // Where the texts are UTF-8 end to end, each is if it ends where a character does.
    let ends_a_character = |offset: &[u8; WIDTH]| {
        bytes.get(offset.number() as usize).is_none_or(|byte| byte & 0xC0 != 0x80)
    };
    if from_utf8(used).is_ok() && offsets.iter().all(ends_a_character) {
        return Ok(());
    }
    // What stands where there is no value need be nothing.
    let mut texts = offsets.windows(2).enumerate();
    let is_text = |(row, ends): (usize, &[[u8; WIDTH]])| {
        let text = &bytes[ends[0].number() as usize..ends[1].number() as usize];
        from_utf8(text).is_ok() || !rows.is_valid(row)
    };
    if texts.all(is_text) { Ok(()) } else { Err(NO_TEXT) }
}

/// Check that views lead into their buffers, where what they say of their bytes is so.
pub fn check_views(rows: Rows<'_>, are_texts: bool) -> Result<(), Fault> {
    let buffers = rows.view_buffers()?;
    for (row, view) in rows.views()?.iter().enumerate() {
        let length = u32::from_le_bytes(*view.first_chunk().expect("a view has 16 bytes")) as usize;
        let bytes = if length <= INLINE {
            if u128::from_le_bytes(*view).checked_shr(32 + 8 * length as u32).unwrap_or(0) != 0 {
                return Err("a view holds more than its text");
            }
            &view[4..4 + length]
        } else {
            bytes_of(view, length, &buffers)?
        };
        if are_texts && !bytes.is_ascii() && from_utf8(bytes).is_err() && rows.is_valid(row) {
            return Err(NO_TEXT);
        }
    }
    Ok(())
}

/// The bytes in a buffer that a view leads to.
fn bytes_of<'a>(view: &[u8; 16], length: usize, buffers: &[&'a [u8]]) -> Result<&'a [u8], Fault> {
    let part = |from: usize| {
        u32::from_le_bytes([view[from], view[from + 1], view[from + 2], view[from + 3]])
    };
    let (buffer, start) = (part(8) as usize, part(12) as usize);
    let bytes = buffers.get(buffer).and_then(|bytes| bytes.get(start..start + length));
    match bytes {
        Some(bytes) if bytes[..4] == view[4..8] => Ok(bytes),
        Some(_) => Err("a view begins otherwise than its text"),
        None => Err("a view leads out of its buffers"),
    }
}
