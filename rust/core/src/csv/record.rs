//! Record by record, byte by byte: the rules themselves, and the line of whatever breaks them.

use std::ops::Range;

use super::fault::Fault;
use super::format::{Encoding, LineEnd};
use super::text::{count, decode, in_windows_1252};
use crate::error::{Error, Result};

/// How a file is written, for those who walk through its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub separator: u8,
    pub line_end: LineEnd,
    pub encoding: Encoding,
    /// The longest record, without its line end.
    pub longest: usize,
}

/// The lines on which each of the two ways to use quotes was first seen: a file has one at most.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct QuoteLines {
    /// Of the first field that begins with a quote.
    pub quoted: Option<u64>,
    /// Of the first quote inside a field that is not quoted.
    pub inner: Option<u64>,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record, in these bytes and without its line end, that began on this line.
    Record { bytes: Range<usize>, line: u64, fields: usize },
    /// A line with nothing in it.
    Blank,
    /// More bytes are needed to tell.
    Unfinished,
    /// The file has ended.
    End,
}

enum Within {
    Start,
    Unquoted,
    Quoted,
    /// After a quote that closes its field, unless another follows.
    Closed,
}

/// A walk over records.
pub(super) struct Records<'a> {
    pub format: Format,
    /// Nothing beyond these is looked at.
    pub bytes: &'a [u8],
    /// Whether the file ends where the bytes do.
    pub at_end: bool,
    /// Where the next record begins.
    pub position: usize,
    /// The line on which it begins.
    pub line: u64,
    pub quotes: QuoteLines,
    /// Fields of a record; none while the header is read.
    pub fields: Option<usize>,
}

impl Records<'_> {
    /// Go over one line of any content.
    pub(super) fn skip_line(&mut self) -> Result<Step> {
        let start = self.position;
        let rest = &self.bytes[start..];
        let found = rest.iter().position(|&byte| byte == self.format.line_end.byte());
        let length = found.unwrap_or(rest.len());
        if length > self.format.longest {
            return Err(self.long_record(self.line));
        }
        if found.is_none() && !self.at_end {
            return Ok(Step::Unfinished);
        }
        if rest.is_empty() {
            return Ok(Step::End);
        }
        let line = &rest[..length];
        self.check_text(start..start + length, self.line)?;
        for &byte in line {
            self.check_byte(byte, self.line)?;
        }
        self.position += (length + 1).min(rest.len());
        self.line += 1;
        Ok(Step::Blank)
    }

    /// Go over one record. Its faults are found in the order of its bytes.
    pub(super) fn next(&mut self) -> Result<Step> {
        let (start, first_line, quotes) = (self.position, self.line, self.quotes);
        match self.walk() {
            // The same bytes will be walked over again.
            Ok(Step::Unfinished) => {
                (self.position, self.line, self.quotes) = (start, first_line, quotes);
                Ok(Step::Unfinished)
            }
            Ok(step) => {
                self.check_text(start..self.position, first_line)?;
                if let (Step::Record { fields, .. }, Some(header)) = (&step, self.fields)
                    && *fields != header
                {
                    return Err(Fault::Fields { found: *fields, header }.on(first_line));
                }
                Ok(step)
            }
            Err(error) => {
                self.check_text(start..self.position, first_line)?;
                Err(error)
            }
        }
    }

    /// Go over one record, and leave `position` after its line end or at its fault.
    fn walk(&mut self) -> Result<Step> {
        let (start, first_line) = (self.position, self.line);
        let newline = self.format.line_end.byte();
        let (mut within, mut fields, mut opened) = (Within::Start, 1, first_line);
        loop {
            let Some(&byte) = self.bytes.get(self.position) else {
                return match within {
                    _ if !self.at_end => Ok(Step::Unfinished),
                    Within::Quoted => Err(Fault::QuoteNotClosed.on(opened)),
                    _ if self.position == start => Ok(Step::End),
                    _ => Ok(Step::Record { bytes: start..self.position, line: first_line, fields }),
                };
            };
            if !matches!(within, Within::Quoted) {
                let mut length = usize::from(byte == newline);
                if byte == b'\r' && self.format.line_end == LineEnd::Newline {
                    match self.bytes.get(self.position + 1) {
                        None if !self.at_end => return Ok(Step::Unfinished),
                        Some(b'\n') => length = 2,
                        _ => {}
                    }
                }
                if length > 0 {
                    let bytes = start..self.position;
                    self.position += length;
                    self.line += 1;
                    return Ok(if bytes.is_empty() {
                        Step::Blank
                    } else {
                        Step::Record { bytes, line: first_line, fields }
                    });
                }
            }
            if self.position - start >= self.format.longest {
                return Err(self.long_record(first_line));
            }
            check_nul(byte, self.line)?;
            within = match (within, byte) {
                (Within::Quoted, b'"') => Within::Closed,
                (Within::Closed, b'"') => Within::Quoted,
                (Within::Quoted, _) => {
                    self.line += u64::from(byte == newline);
                    Within::Quoted
                }
                (_, byte) if byte == self.format.separator => {
                    fields += 1;
                    Within::Start
                }
                (Within::Closed, _) => return Err(Fault::QuoteNotDoubled.on(opened)),
                (Within::Start, b'"') => {
                    opened = self.line;
                    self.see_quoted_field()?;
                    Within::Quoted
                }
                (Within::Unquoted, b'"') => {
                    self.see_inner_quote()?;
                    Within::Unquoted
                }
                (_, byte) if byte == self.format.line_end.stray() => return Err(self.stray()),
                _ => Within::Unquoted,
            };
            self.check_byte(byte, self.line)?;
            self.position += 1;
        }
    }

    fn see_quoted_field(&mut self) -> Result<()> {
        self.quotes.quoted.get_or_insert(self.line);
        match self.quotes.inner {
            Some(inner_line) => Err(Fault::QuotedField { inner_line }.on(self.line)),
            None => Ok(()),
        }
    }

    fn see_inner_quote(&mut self) -> Result<()> {
        self.quotes.inner.get_or_insert(self.line);
        match self.quotes.quoted {
            Some(quoted_line) => Err(Fault::InnerQuote { quoted_line }.on(self.line)),
            None => Ok(()),
        }
    }

    fn stray(&self) -> Error {
        match self.format.line_end {
            LineEnd::Newline => Fault::CarriageReturn.on(self.line),
            LineEnd::CarriageReturn => Fault::LineFeed.on(self.line),
        }
    }

    fn long_record(&self, line: u64) -> Error {
        Fault::LongRecord { limit: self.format.longest }.on(line)
    }

    fn check_byte(&self, byte: u8, line: u64) -> Result<()> {
        check_nul(byte, line)?;
        if self.format.encoding == Encoding::Windows1252 && !in_windows_1252(byte) {
            return Err(Fault::NoWindows1252(byte).on(line));
        }
        Ok(())
    }

    /// Whether bytes that begin on a line are UTF-8, where they should be.
    fn check_text(&self, range: Range<usize>, first_line: u64) -> Result<()> {
        if self.format.encoding == Encoding::Windows1252 {
            return Ok(());
        }
        let bytes = &self.bytes[range.clone()];
        let Err(error) = std::str::from_utf8(bytes) else { return Ok(()) };
        let (sound, wrong) = bytes.split_at(error.valid_up_to());
        let newline = self.format.line_end.byte();
        let next_is_in_a_character =
            self.bytes.get(range.end).is_some_and(|byte| byte & 0xC0 == 0x80);
        if error.error_len().is_none() && next_is_in_a_character {
            // A record that is too long was cut within a character.
            return Ok(());
        }
        let line = first_line + count(sound, newline);
        let shown = error.error_len().unwrap_or(wrong.len());
        Err(Fault::NoUtf8(&wrong[..shown]).on(line))
    }
}

fn check_nul(byte: u8, line: u64) -> Result<()> {
    if byte == 0 { Err(Fault::Nul.on(line)) } else { Ok(()) }
}

/// The fields of a record as text.
pub(super) fn field_texts(record: &[u8], format: &Format) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = record;
    loop {
        let quoted = rest.first() == Some(&b'"');
        let mut inside = false;
        let end = rest
            .iter()
            .position(|&byte| {
                inside ^= quoted && byte == b'"';
                byte == format.separator && !inside
            })
            .unwrap_or(rest.len());
        let field = if quoted { &rest[1..end - 1] } else { &rest[..end] };
        let mut text = Vec::new();
        decode(field, quoted, format.encoding, &mut text);
        texts.push(String::from_utf8_lossy(&text).into_owned());
        match rest.get(end + 1..) {
            Some(next) => rest = next,
            None => return texts,
        }
    }
}
