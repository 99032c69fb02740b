//! Fields as values of their columns, while the bytes are in the cache.

use super::column::{ColumnBuilder, FieldValues, TextColumn};
use super::field_form::FieldForm;
use super::format::Encoding;
use super::text::decode;
use crate::columns::view_of;
use crate::text_values::{DateForm, NullWords, day_month_year, iso_instant, trimmed};

/// The longest text that a view holds in itself.
const INLINE: usize = 12;
/// For each length of such a text, the bits that it takes of a view.
const TEXT_BITS: [u128; INLINE + 1] = {
    let mut bits = [0; INLINE + 1];
    let mut length = 1;
    while length <= INLINE {
        bits[length] = bits[length - 1] << 8 | 0xFF << 32;
        length += 1;
    }
    bits
};

/// Buffers that views point into.
const BLOCK_BUFFER: u32 = 0;
const DECODED_BUFFER: u32 = 1;

/// The fields of the records of a chunk.
#[expect(clippy::struct_excessive_bools, reason = "each is told of another thing")]
pub(super) struct Fields<'a> {
    pub buffer: &'a [u8],
    /// The end before the first field, and then that of each field of each record.
    pub ends: &'a [u32],
    /// Fields of a record.
    pub count: usize,
    pub encoding: Encoding,
    pub blanks: bool,
    pub returns: bool,
    pub quoted: bool,
    /// Whether quotes stand for quotes in some fields, which are handed out without the first.
    pub decode: bool,
    /// Whether some fields hold letters of Windows-1252 beyond ASCII.
    pub foreign: bool,
}

/// What stands before, around and in the fields of a column beside their texts.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is told of another thing")]
struct Around {
    /// Blank lines may stand before each.
    blank_lines: bool,
    /// A carriage return may stand after each.
    carriage_return: bool,
    quotes: bool,
    /// Some are not handed out as they stand.
    decoding: bool,
}

impl Around {
    const NOTHING: Self =
        Self { blank_lines: false, carriage_return: false, quotes: false, decoding: false };
    const QUOTES: Self = Self { quotes: true, ..Self::NOTHING };
}

impl Fields<'_> {
    /// Append one column of the chunk; false if a field is not what its column holds.
    pub(super) fn append(
        &self,
        number: usize,
        form: &FieldForm,
        column: &mut ColumnBuilder,
    ) -> bool {
        let around = Around {
            blank_lines: self.blanks && number == 0,
            carriage_return: self.returns && number + 1 == self.count,
            quotes: self.quoted,
            decoding: self.decode || (self.foreign && self.any_foreign(number)),
        };
        // What is the same for all fields is known to the loop where that is the common case.
        if around.blank_lines || around.carriage_return || around.decoding {
            self.append_within(around, number, form, column)
        } else if around.quotes {
            self.append_within(Around::QUOTES, number, form, column)
        } else {
            self.append_within(Around::NOTHING, number, form, column)
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always)] // compiled once for each constant `around`
    fn append_within(
        &self,
        around: Around,
        number: usize,
        form: &FieldForm,
        column: &mut ColumnBuilder,
    ) -> bool {
        let ColumnBuilder { values, missing, null_words: counts } = column;
        match (values, form) {
            (FieldValues::Texts(texts), FieldForm::Text { null_words }) => {
                let missing = Missing { rows: missing, null_words, counts };
                self.append_texts(around, number, texts, missing);
                true
            }
            (FieldValues::Numbers(values), FieldForm::Numbers { form, null_words }) => {
                let missing = Missing { rows: missing, null_words, counts };
                self.append_values(around, number, values, missing, |text| form.read(text))
            }
            (FieldValues::Instants(values), FieldForm::Instants { form, zoned, null_words }) => {
                let missing = Missing { rows: missing, null_words, counts };
                let same = |(instant, has_zone)| (has_zone == *zoned).then_some(instant);
                if *form == DateForm::Iso {
                    // The forms that files are full of have loops of their own.
                    let read = |text: &[u8]| iso_instant(text).and_then(same);
                    self.append_values(around, number, values, missing, read)
                } else if *form == DateForm::DayMonthYear {
                    let read = |text: &[u8]| day_month_year(text).and_then(same);
                    self.append_values(around, number, values, missing, read)
                } else {
                    let read = |text: &[u8]| form.read(text).and_then(same);
                    self.append_values(around, number, values, missing, read)
                }
            }
            _ => unreachable!("a column is built by its form"),
        }
    }

    /// Whether any field of a column holds a byte beyond ASCII.
    fn any_foreign(&self, number: usize) -> bool {
        const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
        let word = |at: usize| {
            u64::from_le_bytes(*self.buffer[at..].first_chunk().expect("bytes after each field"))
        };
        let mut found = 0;
        for (start, end) in self.places(number) {
            found |= match end - start {
                0 => 0,
                length @ 1..=8 => word(start) << (64 - 8 * length),
                9..=16 => word(start) | word(end - 8),
                _ if self.buffer[start..end].is_ascii() => 0,
                _ => HIGH,
            };
        }
        found & HIGH != 0
    }

    /// The place of each record's field, with its quotes and whatever stands before or after it.
    #[inline]
    fn places(&self, number: usize) -> impl ExactSizeIterator<Item = (usize, usize)> {
        let fields = self.count;
        let rows = (self.ends.len() - 1) / fields;
        let starts = &self.ends[..rows * fields];
        let ends = &self.ends[1..];
        starts
            .chunks_exact(fields)
            .zip(ends.chunks_exact(fields))
            .map(move |(starts, ends)| (starts[number] as usize + 1, ends[number] as usize))
    }

    /// The place of a field's text, and whether it stood between quotes.
    #[inline(always)]
    #[allow(clippy::inline_always)] // as `around` is constant there
    fn text_place(
        &self,
        around: Around,
        (mut start, mut end): (usize, usize),
    ) -> (usize, usize, bool) {
        if around.blank_lines {
            while matches!(self.buffer[start], b'\r' | b'\n') && start < end {
                start += 1;
            }
        }
        if around.carriage_return {
            end -= usize::from(end > start && self.buffer[end - 1] == b'\r');
        }
        let quoted = around.quotes && self.buffer[start] == b'"' && start < end;
        (start + usize::from(quoted), end - usize::from(quoted), quoted)
    }

    /// Whether a field is not handed out as it stands.
    fn is_encoded(&self, field: &[u8], quoted: bool) -> bool {
        let foreign = self.encoding == Encoding::Windows1252;
        field.iter().any(|&byte| (quoted && byte == b'"') || (foreign && !byte.is_ascii()))
    }

    /// Append texts.
    #[inline(always)]
    #[allow(clippy::inline_always)] // as `around` is constant there
    fn append_texts(
        &self,
        around: Around,
        number: usize,
        column: &mut TextColumn,
        mut missing: Missing<'_>,
    ) {
        let TextColumn { views, in_block, decoded } = column;
        let (mut row, mut longest) = (views.len() as u32, 0);
        views.extend(self.places(number).map(|place| {
            let (start, end, quoted) = self.text_place(around, place);
            let field = &self.buffer[start..end];
            row += 1;
            if around.decoding && self.is_encoded(field, quoted) {
                let before = decoded.len();
                decode(field, quoted, self.encoding, decoded);
                let text = &decoded[before..];
                let view = view_of(text, DECODED_BUFFER, before as u32);
                let is_missing = missing.has(text, row - 1);
                if is_missing || text.len() <= INLINE {
                    decoded.truncate(before);
                }
                return if is_missing { 0 } else { view };
            }
            if missing.has(field, row - 1) {
                return 0;
            }
            longest = longest.max(end - start);
            view(self.buffer, start, end)
        }));
        *in_block |= longest > INLINE;
    }

    /// Append what texts are read as; false if one cannot be read.
    #[inline(always)]
    #[allow(clippy::inline_always)] // as `around` is constant there
    fn append_values<T: Copy + Default>(
        &self,
        around: Around,
        number: usize,
        values: &mut Vec<T>,
        mut missing: Missing<'_>,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> bool {
        let (mut row, mut all_read, mut decoded) = (values.len() as u32, true, Vec::new());
        values.extend(self.places(number).map(|place| {
            let (start, end, quoted) = self.text_place(around, place);
            let mut text = &self.buffer[start..end];
            if around.decoding && self.is_encoded(text, quoted) {
                decoded.clear();
                decode(text, quoted, self.encoding, &mut decoded);
                text = &decoded;
            }
            row += 1;
            if missing.has(text, row - 1) {
                return T::default();
            }
            read(trimmed(text)).unwrap_or_else(|| {
                all_read = false;
                T::default()
            })
        }));
        all_read
    }
}

/// The rows of a column without a value, as they are found.
struct Missing<'a> {
    rows: &'a mut Vec<u32>,
    null_words: &'a NullWords,
    counts: &'a mut [u64],
}

impl Missing<'_> {
    /// Whether a text stands for a missing value, which is then counted.
    #[inline]
    fn has(&mut self, text: &[u8], row: u32) -> bool {
        let Some(&first) = text.first() else {
            self.rows.push(row);
            return true;
        };
        self.null_words.may_begin_with(first) && self.is_word(text, row)
    }

    #[inline(never)]
    fn is_word(&mut self, text: &[u8], row: u32) -> bool {
        let Some(word) = self.null_words.position(trimmed(text)) else { return false };
        self.rows.push(row);
        self.counts[word] += 1;
        true
    }
}

/// The view of the text at a place of the block.
#[inline]
fn view(buffer: &[u8], start: usize, end: usize) -> u128 {
    let length = end - start;
    // The text, behind the four bytes that the length takes.
    let around: [u8; 16] = *buffer[start - 4..].first_chunk().expect("bytes around each field");
    let around = u128::from_le_bytes(around);
    if let Some(bits) = TEXT_BITS.get(length) {
        around & bits | length as u128
    } else {
        around & TEXT_BITS[4]
            | length as u128
            | u128::from(BLOCK_BUFFER) << 64
            | (start as u128) << 96
    }
}
