//! A piece of a block as columns of string views.

use std::ops::Range;

use super::format::{Encoding, LineEnd};
use super::record::Format;
use super::structure::{Structure, WORD};
use super::text::{decode, in_windows_1252};
use crate::columns::view_of;

/// Bytes before the first record of a block, so that 16 bytes around any field can be loaded.
pub(super) const FRONT: usize = 16;
/// Bytes after the last.
pub(super) const BACK: usize = WORD;

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

/// One column of some records, as Arrow lays out string views. An empty field is null.
#[derive(Debug, Default)]
pub struct TextColumn {
    /// The views: short texts in themselves, longer ones in buffer 0 or 1.
    pub views: Vec<u128>,
    /// Which rows are there, packed with the least significant bit first; none if all are.
    pub validity: Option<Vec<u8>>,
    /// Whether any view points into buffer 0, the bytes of the block.
    pub in_block: bool,
    /// Buffer 1: texts that do not stand in the block as they are handed out.
    pub decoded: Vec<u8>,
}

/// Rows that were parsed together, in the columns asked for.
#[derive(Debug, Default)]
pub struct TextBatch {
    /// How many.
    pub rows: usize,
    /// The columns, in the order asked for.
    pub columns: Vec<TextColumn>,
}

/// What the parsing of pieces needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout<'a> {
    pub format: Format,
    /// Fields of a record.
    pub fields: usize,
    /// The columns to build, by position.
    pub selected: &'a [usize],
    /// Bytes that are indexed before views are built.
    pub chunk: usize,
}

/// What a piece holds.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub batch: TextBatch,
    /// After its last record and the blank lines after that.
    pub end: usize,
    pub line_ends: u64,
    pub blanks: u64,
    pub first_quoted: Option<usize>,
    pub first_inner: Option<usize>,
    /// Whether a rule is broken somewhere in it; nothing else then counts.
    pub faulty: bool,
}

/// Parse the bytes of a range, which begins where a record does, up to the end of the last whole one.
///
/// `inner` says that quotes are ordinary characters in this file.
pub(super) fn parse(buffer: &[u8], range: Range<usize>, layout: &Layout<'_>, inner: bool) -> Piece {
    let format = &layout.format;
    let mut structure = Structure::new(format.separator, format.line_end, range.start, inner);
    // Before the ends of a chunk stand those of the record that the chunk before left unfinished,
    // and before these the end of the record before that, so that any field begins after an end.
    let mut ends = vec![0; 1 + layout.fields + layout.chunk + WORD];
    ends[0] = range.start as u32 - 1;
    let mut count = 1;
    let mut piece = Piece::default();
    piece.batch.columns.resize_with(layout.selected.len(), TextColumn::default);
    let mut any_empty = vec![false; layout.selected.len()];
    let mut line_ends = 0;
    let mut high = false;
    let longest_may_be_exceeded = range.len() > format.longest;
    let mut at = range.start;
    while at < range.end {
        let until = range.end.min(at + layout.chunk);
        index(buffer, at..until, &mut structure, &mut ends, &mut count);
        at = until;

        let records = structure.line_ends - structure.quoted_line_ends - structure.blanks;
        let rows = (count - 1) / layout.fields;
        let finished = &ends[..=rows * layout.fields];
        high |= structure.high;
        let sound = structure.faults == 0
            && records - line_ends == rows as u64
            && ends_of_records(buffer, finished, layout)
            && !(longest_may_be_exceeded && any_too_long(buffer, finished, layout))
            && (!high || is_text(buffer, finished, format.encoding));
        if !sound {
            piece.faulty = true;
            break;
        }
        line_ends = records;
        if rows > 0 {
            if piece.batch.rows == 0 {
                let share = range.len() as f64
                    / (finished[rows * layout.fields] as usize + 1 - range.start) as f64;
                let rows = (share * rows as f64 * 1.05) as usize + 1;
                piece.batch.columns.iter_mut().for_each(|column| column.views.reserve(rows));
            }
            let fields = Fields {
                buffer,
                ends: finished,
                layout,
                blanks: structure.blanks > 0,
                returns: structure.returns,
                quoted: structure.first_quoted.is_some(),
                decode: structure.doubled,
                foreign: high && format.encoding == Encoding::Windows1252,
            };
            let columns = piece.batch.columns.iter_mut().zip(layout.selected).zip(&mut any_empty);
            for ((column, &number), any_empty) in columns {
                *any_empty |= fields.append(number, column);
            }
            piece.batch.rows += rows;
            ends.copy_within(rows * layout.fields..count, 0);
            count -= rows * layout.fields;
            high = structure.high;
            structure.high = false;
        }
    }
    for (column, _) in piece.batch.columns.iter_mut().zip(any_empty).filter(|(_, empty)| *empty) {
        set_validity(column);
    }
    piece.end = structure.end;
    piece.line_ends = structure.line_ends;
    piece.blanks = structure.blanks;
    piece.first_quoted = structure.first_quoted;
    piece.first_inner = structure.first_inner;
    piece
}

/// Append the places in a range where fields end.
fn index(
    buffer: &[u8],
    range: Range<usize>,
    structure: &mut Structure,
    ends: &mut [u32],
    count: &mut usize,
) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
    {
        // SAFETY: the processor has just been asked for all of them.
        return unsafe { index_avx2(buffer, range, structure, ends, count) };
    }
    index_any(buffer, range, structure, ends, count);
}

/// With instructions that count and find bits.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn index_avx2(
    buffer: &[u8],
    range: Range<usize>,
    structure: &mut Structure,
    ends: &mut [u32],
    count: &mut usize,
) {
    index_any(buffer, range, structure, ends, count);
}

#[inline(always)]
#[allow(clippy::inline_always)] // compiled once for each instruction set
fn index_any(
    buffer: &[u8],
    range: Range<usize>,
    structure: &mut Structure,
    ends: &mut [u32],
    count: &mut usize,
) {
    /// Places written at once: more than most words hold.
    const AT_ONCE: usize = 8;
    let mut written = *count;
    let mut base = range.start;
    while base < range.end {
        let bytes = buffer[base..].first_chunk().expect("bytes after the last record");
        let mut bits = structure.word(bytes, WORD.min(range.end - base), base);
        let found = bits.count_ones() as usize;
        let mut place = written;
        while bits != 0 {
            for end in &mut ends[place..place + AT_ONCE] {
                // Of no bits it writes a place that the next word overwrites.
                *end = base as u32 + bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
            place += AT_ONCE;
        }
        written += found;
        base += WORD;
    }
    *count = written;
}

/// Whether all records, as the number of fields has them, end with lines.
fn ends_of_records(buffer: &[u8], ends: &[u32], layout: &Layout<'_>) -> bool {
    let byte = layout.format.line_end.byte();
    ends[1..]
        .chunks_exact(layout.fields)
        .all(|record| buffer[record[layout.fields - 1] as usize] == byte)
}

/// Whether any record is longer than the longest.
fn any_too_long(buffer: &[u8], ends: &[u32], layout: &Layout<'_>) -> bool {
    let rows = (ends.len() - 1) / layout.fields;
    (0..rows).any(|row| {
        let mut start = ends[row * layout.fields] as usize + 1;
        while matches!(buffer[start], b'\r' | b'\n') {
            start += 1;
        }
        let mut end = ends[(row + 1) * layout.fields] as usize;
        if layout.format.line_end == LineEnd::Newline && buffer[end - 1] == b'\r' {
            end -= 1;
        }
        end - start > layout.format.longest
    })
}

/// Whether finished records are written in their encoding.
fn is_text(buffer: &[u8], ends: &[u32], encoding: Encoding) -> bool {
    let bytes = &buffer[ends[0] as usize + 1..=ends[ends.len() - 1] as usize];
    match encoding {
        Encoding::Utf8 => std::str::from_utf8(bytes).is_ok(),
        // Without a branch for each byte, so that the compiler looks at 16 at once.
        Encoding::Windows1252 => bytes
            .chunks(4096)
            .all(|part| part.iter().fold(true, |sound, &byte| sound & in_windows_1252(byte))),
    }
}

/// Mark empty texts as missing.
fn set_validity(column: &mut TextColumn) {
    let packed = column.views.chunks(8).map(|views| {
        let there = views.iter().map(|&view| u8::from(view as u32 != 0));
        there.enumerate().fold(0, |byte, (bit, there)| byte | there << bit)
    });
    column.validity = Some(packed.collect());
}

/// The fields of the records of a chunk.
#[expect(clippy::struct_excessive_bools, reason = "each is told of another thing")]
struct Fields<'a> {
    buffer: &'a [u8],
    /// The end before the first field, and then that of each field of each record.
    ends: &'a [u32],
    layout: &'a Layout<'a>,
    blanks: bool,
    returns: bool,
    quoted: bool,
    /// Whether quotes stand for quotes in some fields, which are handed out without the first.
    decode: bool,
    /// Whether some fields hold letters of Windows-1252 beyond ASCII.
    foreign: bool,
}

impl Fields<'_> {
    /// Append one column of the chunk, and say whether any text is empty.
    fn append(&self, number: usize, column: &mut TextColumn) -> bool {
        let first = self.blanks && number == 0;
        let last = self.returns && number + 1 == self.layout.fields;
        let decoding = self.decode || (self.foreign && self.any_foreign(number));
        if first || last || decoding {
            self.append_any(number, first, last, decoding, column)
        } else if self.quoted {
            self.append_plain::<true>(number, column)
        } else {
            self.append_plain::<false>(number, column)
        }
    }

    /// Whether any field of a column holds a byte beyond ASCII.
    fn any_foreign(&self, number: usize) -> bool {
        const HIGH: u128 = u128::from_ne_bytes([0x80; 16]);
        let mut found = 0;
        for (start, end) in self.places(number) {
            let mut at = start;
            // A column of any width; most fields are no longer than the first 16 bytes.
            loop {
                let bytes = self.buffer[at..].first_chunk().expect("bytes after each field");
                let over = 16usize.saturating_sub(end - at);
                let kept = u128::MAX.checked_shr(8 * over as u32).unwrap_or(0);
                found |= u128::from_le_bytes(*bytes) & kept;
                at += 16;
                if at >= end {
                    break;
                }
            }
        }
        found & HIGH != 0
    }

    /// The place of each record's field, with its quotes and whatever stands before or after it.
    #[inline]
    fn places(&self, number: usize) -> impl ExactSizeIterator<Item = (usize, usize)> {
        let fields = self.layout.fields;
        let rows = (self.ends.len() - 1) / fields;
        let starts = &self.ends[..rows * fields];
        let ends = &self.ends[1..];
        starts
            .chunks_exact(fields)
            .zip(ends.chunks_exact(fields))
            .map(move |(starts, ends)| (starts[number] as usize + 1, ends[number] as usize))
    }

    /// Append fields that are handed out as they stand between separators, or between quotes.
    fn append_plain<const QUOTED: bool>(&self, number: usize, column: &mut TextColumn) -> bool {
        let (mut shortest, mut longest) = (usize::MAX, 0);
        column.views.extend(self.places(number).map(|(mut start, mut end)| {
            if QUOTED {
                let quote = usize::from(self.buffer[start] == b'"');
                start += quote;
                end -= quote;
            }
            shortest = shortest.min(end - start);
            longest = longest.max(end - start);
            view(self.buffer, start, end)
        }));
        column.in_block |= longest > INLINE;
        shortest == 0
    }

    /// Append fields of any kind.
    fn append_any(
        &self,
        number: usize,
        first: bool,
        last: bool,
        decoding: bool,
        column: &mut TextColumn,
    ) -> bool {
        let mut any_empty = false;
        let TextColumn { views, in_block, decoded, .. } = column;
        let encoding = self.layout.format.encoding;
        views.extend(self.places(number).map(|(mut start, mut end)| {
            if first {
                // Blank lines before the record.
                while matches!(self.buffer[start], b'\r' | b'\n') && start < end {
                    start += 1;
                }
            }
            if last {
                end -= usize::from(end > start && self.buffer[end - 1] == b'\r');
            }
            let quoted = self.quoted && start < end && self.buffer[start] == b'"';
            if quoted {
                start += 1;
                end -= 1;
            }
            let field = &self.buffer[start..end];
            any_empty |= field.is_empty();
            let otherwise = |&byte: &u8| {
                (quoted && byte == b'"') || (encoding == Encoding::Windows1252 && !byte.is_ascii())
            };
            if decoding && field.iter().any(otherwise) {
                let before = decoded.len();
                decode(field, quoted, encoding, decoded);
                let view = view_of(&decoded[before..], DECODED_BUFFER, before as u32);
                if decoded.len() - before <= INLINE {
                    decoded.truncate(before);
                }
                return view;
            }
            *in_block |= field.len() > INLINE;
            view(self.buffer, start, end)
        }));
        any_empty
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
