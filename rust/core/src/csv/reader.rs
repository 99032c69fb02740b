//! Blocks of a file, one after the other, each parsed in parallel while the next is read.

use std::io::{self, Read};
use std::mem::take;
use std::ops::Range;
use std::sync::Arc;

use rayon::ThreadPool;

use super::column::FieldValues;
use super::fault::{Fault, ReadError};
use super::field_form::FieldForm;
use super::format::{CsvOptions, Sizes};
use super::piece::{BACK, FRONT, FieldBatch, Layout, Piece, parse};
use super::record::{Format, QuoteLines, Records, Step, field_texts};
use super::text::count;
use crate::error::{Error, Result};
use crate::threads::{join, map_each, pool};

/// UTF-8's mark at the start of a file.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The rows of a block.
#[derive(Debug)]
pub struct Block {
    /// The bytes that views point into as buffer 0; none if none does.
    pub bytes: Vec<u8>,
    /// The rows in their order.
    pub batches: Vec<FieldBatch>,
    /// Whether all columns are plain texts, as a field is not what its column was to hold.
    pub as_texts: bool,
}

/// Bytes of the file, with room around them.
#[derive(Debug, Default)]
struct FileBytes {
    bytes: Vec<u8>,
    /// The bytes of the file, from where a record begins.
    data: Range<usize>,
    /// Whether the file ends with them.
    last: bool,
}

impl FileBytes {
    /// The next bytes of a file.
    ///
    /// They take the place of what `bytes` held: fresh memory costs more than it takes to read.
    fn read(
        source: &mut impl Read,
        wanted: usize,
        headroom: usize,
        mut bytes: Vec<u8>,
    ) -> io::Result<Self> {
        let start = FRONT + headroom;
        // What is there already need not be zero: all of it is written, or stands before the data.
        bytes.resize(start + wanted + BACK, 0);
        let mut found = 0;
        while found < wanted {
            match source.read(&mut bytes[start + found..start + wanted]) {
                Ok(0) => break,
                Ok(more) => found += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(start + found + BACK);
        bytes[start + found..].fill(0);
        Ok(Self { bytes, data: start..start + found, last: found < wanted })
    }

    /// Put the unfinished record of the block before in front.
    fn prepend(&mut self, carry: &[u8]) {
        if carry.len() + FRONT <= self.data.start {
            let start = self.data.start - carry.len();
            self.bytes[start..self.data.start].copy_from_slice(carry);
            self.data.start = start;
        } else {
            let data = &self.bytes[self.data.clone()];
            let end = FRONT + carry.len() + data.len();
            let mut bytes = Vec::with_capacity(end + BACK);
            bytes.resize(FRONT, 0);
            bytes.extend_from_slice(carry);
            bytes.extend_from_slice(data);
            bytes.resize(end + BACK, 0);
            *self = Self { bytes, data: FRONT..end, last: self.last };
        }
    }

    fn data(&self) -> &[u8] {
        &self.bytes[self.data.clone()]
    }

    /// The bytes to index: those of the file, and a line end for a last record that lacks one. A
    /// file that ends with half a line end, or with that of another kind, breaks a rule.
    fn with_last_line_end(&mut self, format: &Format) -> Range<usize> {
        let Range { start, end } = self.data;
        if self.last && self.data().last().is_some_and(|byte| !matches!(byte, b'\r' | b'\n')) {
            self.bytes[end] = format.line_end.byte();
            self.bytes.push(0);
            return start..end + 1;
        }
        start..end
    }
}

/// Where records of a piece begin, for those who look for one.
struct Stretch {
    start: usize,
    line: u64,
    rows: u64,
}

/// A block as it was parsed.
struct Parsed {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
    stretches: Vec<Stretch>,
    as_texts: bool,
}

/// What is known of the part of the file before the current block.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    rows: u64,
    blank_lines: u64,
    /// The line on which the block begins.
    line: u64,
    quotes: QuoteLines,
}

/// A strict reader of separated text.
pub struct CsvReader<R> {
    source: R,
    pool: Arc<ThreadPool>,
    format: Format,
    sizes: Sizes,
    header: Vec<String>,
    /// None at the end, and after an error.
    block: Option<FileBytes>,
    progress: Progress,
    /// What stopped the reading of the block after the current one.
    stopped: Option<ReadError>,
    /// Memory of a block that nobody looks at any more.
    spare: Vec<u8>,
}

impl<R: Read + Send> CsvReader<R> {
    /// Begin to read, up to the header.
    ///
    /// # Errors
    /// If an option has no meaning, the source fails, or what comes before the first row breaks a rule.
    pub fn new(source: R, options: &CsvOptions) -> std::result::Result<Self, ReadError> {
        let threads = pool(options.threads)?.current_num_threads();
        Self::with_sizes(source, options, Sizes::new(options.block_bytes, threads))
    }

    pub(super) fn with_sizes(
        source: R,
        options: &CsvOptions,
        sizes: Sizes,
    ) -> std::result::Result<Self, ReadError> {
        options.check()?;
        let format = Format {
            separator: options.separator,
            line_end: options.line_end,
            encoding: options.encoding,
            longest: sizes.record,
        };
        let mut reader = Self {
            source,
            pool: pool(options.threads)?,
            format,
            sizes,
            header: Vec::new(),
            block: None,
            progress: Progress::default(),
            stopped: None,
            spare: Vec::new(),
        };
        reader.read_header(options.skip_lines)?;
        Ok(reader)
    }

    /// The names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Rows handed out so far.
    pub fn rows(&self) -> u64 {
        self.progress.rows
    }

    /// Lines with nothing in them so far, but for those that were skipped.
    pub fn blank_lines(&self) -> u64 {
        self.progress.blank_lines
    }

    /// The next rows, in the columns at some positions of the header; none at the end.
    ///
    /// If any field of the block cannot be read as its column is to be, all columns of the block are
    /// the plain texts that they are in the file.
    ///
    /// # Errors
    /// If there is no such column, the source fails, or a line breaks a rule. Rows of earlier blocks
    /// may have been handed out by then.
    pub fn read(
        &mut self,
        columns: &[(usize, &FieldForm)],
    ) -> std::result::Result<Option<Block>, ReadError> {
        if let Some((column, _)) = columns.iter().find(|(column, _)| *column >= self.header.len()) {
            return Err(Error::Option(format!(
                "there is no column {column}: the header has {}, counted from 0",
                self.header.len()
            ))
            .into());
        }
        while let Some(parsed) = self.advance(columns)? {
            let Parsed { mut bytes, pieces, as_texts, .. } = parsed;
            let batches: Vec<FieldBatch> = pieces
                .into_iter()
                .map(|piece| piece.batch)
                .filter(|batch| batch.rows > 0)
                .collect();
            let needs_bytes = batches.iter().flat_map(|batch| &batch.columns).any(|column| {
                match &column.values {
                    FieldValues::Texts(texts) => texts.in_block,
                    FieldValues::Numbers(_) | FieldValues::Instants(_) => false,
                }
            });
            if !needs_bytes {
                self.spare = take(&mut bytes);
            }
            if !batches.is_empty() {
                return Ok(Some(Block { bytes, batches, as_texts }));
            }
        }
        Ok(None)
    }

    /// The line on which a row begins, counted from 1 and from where reading stands; none if there
    /// are fewer rows. Before each block, `keep_going` may end the search.
    ///
    /// # Errors
    /// As `read`, for any line of the block that holds the row and those before.
    pub fn line_of_row(
        &mut self,
        row: u64,
        keep_going: impl Fn() -> io::Result<()>,
    ) -> std::result::Result<Option<u64>, ReadError> {
        let mut left = row;
        loop {
            keep_going()?;
            let Some(Parsed { bytes, pieces, stretches, .. }) = self.advance(&[])? else {
                return Ok(None);
            };
            for (stretch, piece) in stretches.iter().zip(&pieces) {
                if left > stretch.rows {
                    left -= stretch.rows;
                    continue;
                }
                let mut records = Records {
                    format: self.format,
                    bytes: &bytes[..piece.end],
                    at_end: true,
                    position: stretch.start,
                    line: stretch.line,
                    quotes: QuoteLines::default(),
                    fields: None,
                };
                loop {
                    match records.next()? {
                        Step::Record { line, .. } if left <= 1 => return Ok(Some(line)),
                        Step::Record { .. } => left -= 1,
                        Step::Blank => {}
                        Step::Unfinished | Step::End => return Ok(None),
                    }
                }
            }
        }
    }

    fn read_header(&mut self, skip_lines: u64) -> std::result::Result<(), ReadError> {
        let sizes = self.sizes;
        let mut block = FileBytes::read(&mut self.source, sizes.block, sizes.headroom, Vec::new())?;
        loop {
            let start = match block.data().strip_prefix(MARK) {
                Some(_) if self.format.encoding == super::Encoding::Utf8 => {
                    block.data.start + MARK.len()
                }
                _ => block.data.start,
            };
            let mut records = Records {
                format: self.format,
                bytes: &block.bytes[..block.data.end],
                at_end: block.last,
                position: start,
                line: 1,
                quotes: QuoteLines::default(),
                fields: None,
            };
            if let Some((record, blank_lines)) = header(&mut records, skip_lines)? {
                let (line, quotes) = (records.line, records.quotes);
                self.header = field_texts(&records.bytes[record], &self.format);
                block.data.start = records.position;
                self.progress = Progress { rows: 0, blank_lines, line, quotes };
                self.block = Some(block);
                return Ok(());
            }
            // As much again as was not enough.
            let wanted = sizes.block.max(block.data.len());
            let mut next = FileBytes::read(&mut self.source, wanted, sizes.headroom, Vec::new())?;
            next.prepend(block.data());
            block = next;
        }
    }

    /// Parse the current block and read the next.
    fn advance(
        &mut self,
        columns: &[(usize, &FieldForm)],
    ) -> std::result::Result<Option<Parsed>, ReadError> {
        if let Some(error) = self.stopped.take() {
            return Err(error);
        }
        let Some(mut block) = self.block.take() else { return Ok(None) };
        let range = block.with_last_line_end(&self.format);
        let layout = Layout {
            format: self.format,
            fields: self.header.len(),
            selected: columns,
            chunk: self.sizes.chunk,
        };
        let Self { source, sizes, progress, spare, .. } = self;
        // A record larger than a block is met at most twice for each doubling of what is read.
        let wanted = sizes.block.max(range.len().saturating_sub(sizes.block));
        let spare = take(spare);
        let (next, parsed) = self.pool.install(|| {
            join(
                || (!block.last).then(|| FileBytes::read(source, wanted, sizes.headroom, spare)),
                || {
                    BlockParser { block: &block, layout: &layout, sizes }
                        .parse_by_forms(range.clone(), progress)
                },
            )
        });
        let (pieces, stretches, end, as_texts) = parsed?;
        let carry = &block.bytes[end.min(block.data.end)..block.data.end];
        if carry.len() > self.format.longest || (block.last && !carry.is_empty()) {
            let parser = BlockParser { block: &block, layout: &layout, sizes: &self.sizes };
            match parser.first_fault(end, &self.progress) {
                Err(error) => return Err(error.into()),
                Ok(()) if block.last => return Err(no_fault(&self.progress).into()),
                Ok(()) => {}
            }
        }
        match next {
            Some(Ok(mut next)) => {
                next.prepend(carry);
                self.block = Some(next);
            }
            Some(Err(error)) => self.stopped = Some(error.into()),
            None => {}
        }
        Ok(Some(Parsed { bytes: take(&mut block.bytes), pieces, stretches, as_texts }))
    }
}

/// The bytes of the header, and the number of blank lines before it; none if more must be read.
fn header(records: &mut Records<'_>, skip_lines: u64) -> Result<Option<(Range<usize>, u64)>> {
    let missing = || Err(Fault::NoHeader { skipped: skip_lines }.on(0));
    for _ in 0..skip_lines {
        match records.skip_line()? {
            Step::Unfinished => return Ok(None),
            Step::End => return missing(),
            Step::Blank | Step::Record { .. } => {}
        }
    }
    let mut blank_lines = 0;
    loop {
        match records.next()? {
            Step::Record { bytes, .. } => return Ok(Some((bytes, blank_lines))),
            Step::Blank => blank_lines += 1,
            Step::Unfinished => return Ok(None),
            Step::End => return missing(),
        }
    }
}

/// Who parses a block, piece by piece.
struct BlockParser<'a> {
    block: &'a FileBytes,
    layout: &'a Layout<'a>,
    sizes: &'a Sizes,
}

impl BlockParser<'_> {
    /// Parse a range of the block by the forms of its columns, as `parse` does; if a field is not what
    /// its column is to hold, all columns as plain texts, which the last of the results says.
    fn parse_by_forms(
        &self,
        range: Range<usize>,
        progress: &mut Progress,
    ) -> Result<(Vec<Piece>, Vec<Stretch>, usize, bool)> {
        let before = *progress;
        let (pieces, stretches, end) = self.parse(range.clone(), progress)?;
        if !pieces.iter().any(|piece| piece.refused) {
            return Ok((pieces, stretches, end, false));
        }
        *progress = before;
        let plain = FieldForm::plain_text();
        let selected: Vec<_> = self.layout.selected.iter().map(|&(at, _)| (at, &plain)).collect();
        let layout = Layout { selected: &selected, ..*self.layout };
        let (pieces, stretches, end) =
            BlockParser { layout: &layout, ..*self }.parse(range, progress)?;
        Ok((pieces, stretches, end, true))
    }

    /// Parse a range of the block: its pieces, where each begins, and where the last record ends.
    ///
    /// The first piece begins where a record does, and so what is told of it is true, down to where
    /// its last record ends. If that is where the next piece begins, the same holds of the next. If
    /// it is not, the cut was made inside a quoted field, and all from the end of the last record is
    /// parsed again in one go.
    fn parse(
        &self,
        range: Range<usize>,
        progress: &mut Progress,
    ) -> Result<(Vec<Piece>, Vec<Stretch>, usize)> {
        let (mut pieces, mut stretches) = (Vec::new(), Vec::new());
        let mut ends = self.cuts(range.clone(), progress);
        let mut start = range.start;
        'parse: loop {
            let starts = std::iter::once(start).chain(ends.iter().copied());
            let ranges: Vec<_> = starts.zip(&ends).map(|(start, &end)| start..end).collect();
            let inner = progress.quotes.inner.is_some();
            let parsed =
                map_each(ranges, |_, range| parse(&self.block.bytes, range, self.layout, inner));
            for (piece, &end) in parsed.into_iter().zip(&ends) {
                if !self.is_sound(&piece, start, progress)? {
                    // It is faulty in its last record, of which the block does not hold all.
                    return Ok((pieces, stretches, start));
                }
                if piece.end != end && end != range.end {
                    ends = vec![range.end];
                    continue 'parse;
                }
                stretches.push(Stretch {
                    start,
                    line: progress.line,
                    rows: piece.batch.rows as u64,
                });
                start = piece.end;
                progress.line += piece.line_ends;
                if end == range.end {
                    progress.line -= self.line_ends(start..range.end);
                }
                progress.rows += piece.batch.rows as u64;
                progress.blank_lines += piece.blanks;
                pieces.push(piece);
            }
            return Ok((pieces, stretches, start));
        }
    }

    /// Where pieces of a range end: after line ends, and outside quoted fields as far as can be told.
    fn cuts(&self, range: Range<usize>, progress: &Progress) -> Vec<usize> {
        let bytes = &self.block.bytes[range.clone()];
        let newline = self.layout.format.line_end.byte();
        // Where a file quotes fields, an odd number of quotes before a byte says that it is in one.
        let quoted = progress.quotes.quoted.is_some();
        let parts: Vec<&[u8]> = bytes.chunks(self.sizes.piece).collect();
        let odd: Vec<bool> = if quoted {
            map_each(parts.iter(), |_, part| count(part, b'"') % 2 == 1)
        } else {
            vec![false; parts.len()]
        };
        let (mut cuts, mut before, mut inside) = (Vec::with_capacity(parts.len()), 0, false);
        for (part, odd) in odd.into_iter().enumerate() {
            let from = part * self.sizes.piece;
            if from >= before.max(1) {
                let mut within = inside;
                let line_end = bytes[from..].iter().position(|&byte| {
                    within ^= quoted && byte == b'"';
                    byte == newline && !within
                });
                let Some(line_end) = line_end else { break };
                before = from + line_end + 1;
                cuts.push(range.start + before);
            }
            inside ^= odd;
        }
        if cuts.last() != Some(&range.end) {
            cuts.push(range.end);
        }
        cuts
    }

    /// Whether a piece breaks no rule, alone or together with those before it; the first fault if
    /// it does and the block says which. How a sound piece uses quotes is kept.
    fn is_sound(&self, piece: &Piece, start: usize, progress: &mut Progress) -> Result<bool> {
        let mut quotes = progress.quotes;
        let line = |place: usize| progress.line + self.line_ends(start..place);
        if let (None, Some(place)) = (quotes.quoted, piece.first_quoted) {
            quotes.quoted = Some(line(place));
        }
        if let (None, Some(place)) = (quotes.inner, piece.first_inner) {
            quotes.inner = Some(line(place));
        }
        if piece.faulty || (quotes.quoted.is_some() && quotes.inner.is_some()) {
            return self.first_fault(start, progress).map(|()| false);
        }
        progress.quotes = quotes;
        Ok(true)
    }

    fn line_ends(&self, range: Range<usize>) -> u64 {
        count(&self.block.bytes[range], self.layout.format.line_end.byte())
    }

    /// Find what is wrong after a place where a record begins.
    fn first_fault(&self, start: usize, progress: &Progress) -> Result<()> {
        let mut records = Records {
            format: self.layout.format,
            bytes: &self.block.bytes[..self.block.data.end],
            at_end: self.block.last,
            position: start,
            line: progress.line,
            quotes: progress.quotes,
            fields: Some(self.layout.fields),
        };
        while !matches!(records.next()?, Step::Unfinished | Step::End) {}
        Ok(())
    }
}

/// What is said if the kernels refuse what the rules allow, which tests hold impossible.
fn no_fault(progress: &Progress) -> Error {
    debug_assert!(false, "the kernels and the rules do not agree");
    Error::Data(format!("the lines from {} on cannot be read", progress.line))
}
