//! A piece of a block as columns.

use std::ops::Range;

use super::column::{ColumnBuilder, FieldColumn};
use super::field_form::FieldForm;
use super::fields::Fields;
use super::format::{Encoding, LineEnd};
use super::record::Format;
use super::structure::{Structure, WORD};
use super::text::in_windows_1252;

/// Bytes before the first record of a block, so that 16 bytes around any field can be loaded.
pub(super) const FRONT: usize = 16;
/// Bytes after the last.
pub(super) const BACK: usize = WORD;

/// Rows that were parsed together, in the columns asked for.
#[derive(Debug, Default)]
pub struct FieldBatch {
    /// How many.
    pub rows: usize,
    /// The columns, in the order asked for.
    pub columns: Vec<FieldColumn>,
}

/// What the parsing of pieces needs to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout<'a> {
    pub format: Format,
    /// Fields of a record.
    pub fields: usize,
    /// The columns to build, by position, and what their fields are read as.
    pub selected: &'a [(usize, &'a FieldForm)],
    /// Bytes that are indexed before views are built.
    pub chunk: usize,
}

/// What a piece holds.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub batch: FieldBatch,
    /// After its last record and the blank lines after that.
    pub end: usize,
    pub line_ends: u64,
    pub blanks: u64,
    pub first_quoted: Option<usize>,
    pub first_inner: Option<usize>,
    /// Whether a rule is broken somewhere in it; nothing else then counts.
    pub faulty: bool,
    /// Whether a field is not what its column holds; the batch then means nothing.
    pub refused: bool,
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
    let forms = layout.selected.iter().map(|(_, form)| form);
    let mut columns: Vec<_> = forms.map(|form| ColumnBuilder::new(form)).collect();
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
                columns.iter_mut().for_each(|column| column.reserve(rows));
            }
            let fields = Fields {
                buffer,
                ends: finished,
                count: layout.fields,
                encoding: format.encoding,
                blanks: structure.blanks > 0,
                returns: structure.returns,
                quoted: structure.first_quoted.is_some(),
                decode: structure.doubled,
                foreign: high && format.encoding == Encoding::Windows1252,
            };
            // What is refused is told of the texts of the whole block, which are then read as such.
            piece.refused = piece.refused
                || !columns
                    .iter_mut()
                    .zip(layout.selected)
                    .all(|(column, &(number, form))| fields.append(number, form, column));
            piece.batch.rows += rows;
            ends.copy_within(rows * layout.fields..count, 0);
            count -= rows * layout.fields;
            high = structure.high;
            structure.high = false;
        }
    }
    let rows = piece.batch.rows;
    piece.batch.columns = columns.into_iter().map(|column| column.finish(rows)).collect();
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
        Encoding::Utf8 => simdutf8::basic::from_utf8(bytes).is_ok(),
        Encoding::Windows1252 => {
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has just been asked for it.
                return unsafe { is_windows_1252_avx2(bytes) };
            }
            is_windows_1252(bytes)
        }
    }
}

/// With instructions that look at 32 bytes at once.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn is_windows_1252_avx2(bytes: &[u8]) -> bool {
    is_windows_1252(bytes)
}

/// Without a branch for each byte, so that the compiler looks at many at once.
#[inline(always)]
#[allow(clippy::inline_always)] // compiled once for each instruction set
fn is_windows_1252(bytes: &[u8]) -> bool {
    bytes
        .chunks(4096)
        .all(|part| part.iter().fold(true, |sound, &byte| sound & in_windows_1252(byte)))
}
