//! How a file is written, as its reader is told.

use crate::error::{Error, Result};

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// A line feed, with or without a carriage return before it.
    Newline,
    /// A carriage return alone.
    CarriageReturn,
}

impl LineEnd {
    /// The byte that ends a line.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Newline => b'\n',
            Self::CarriageReturn => b'\r',
        }
    }

    /// The other of the two, which has no place in an unquoted field.
    pub(super) fn stray(self) -> u8 {
        match self {
            Self::Newline => b'\r',
            Self::CarriageReturn => b'\n',
        }
    }
}

/// The encoding of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without its mark at the start.
    Utf8,
    /// Windows-1252, whose undefined bytes are refused.
    Windows1252,
}

/// How a file is written, and how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvOptions {
    /// The ASCII character between fields.
    pub separator: u8,
    /// What ends a line.
    pub line_end: LineEnd,
    /// The encoding of the bytes.
    pub encoding: Encoding,
    /// Lines before the header, whatever they hold.
    pub skip_lines: u64,
    /// Threads; by default one a core.
    pub threads: Option<usize>,
    /// Bytes read at a time; by default as many as stay in the caches of the threads.
    pub block_bytes: Option<usize>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            separator: b',',
            line_end: LineEnd::Newline,
            encoding: Encoding::Utf8,
            skip_lines: 0,
            threads: None,
            block_bytes: None,
        }
    }
}

impl CsvOptions {
    pub(super) fn check(&self) -> Result<()> {
        if !self.separator.is_ascii() || matches!(self.separator, b'"' | b'\r' | b'\n' | 0) {
            return Err(Error::Option(format!(
                "the separator is {:?}: take an ASCII character that is no quote and no line end",
                char::from(self.separator)
            )));
        }
        Ok(())
    }
}

/// In how large portions a file is worked through: no result depends on them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Bytes read at a time.
    pub block: usize,
    /// Bytes that one thread parses in one go.
    pub piece: usize,
    /// Bytes whose index is made before views are built from it; a multiple of 64.
    pub chunk: usize,
    /// Room before a block for the unfinished record of the block before.
    pub headroom: usize,
    /// The longest record, without its line end.
    pub record: usize,
}

impl Sizes {
    pub(super) const DEFAULT: Self = Self {
        block: 4 << 20,
        piece: 1 << 20,
        // Its index and what views are built from it stay in the first-level cache.
        chunk: 16 << 10,
        headroom: 64 << 10,
        record: 16 << 20,
    };

    /// Views hold places in 32 bits, and a block may grow to twice the longest record beside this.
    const LARGEST_BLOCK: usize = 512 << 20;

    /// Two pieces a thread, unless a number of bytes is asked for: in larger blocks, views and bytes
    /// are out of the caches when they are handed out, which takes a third more time at 32 MiB for
    /// two threads.
    pub(super) fn new(block_bytes: Option<usize>, threads: usize) -> Self {
        let by_default = Self::DEFAULT.block.max(2 * Self::DEFAULT.piece * threads);
        let block = block_bytes.unwrap_or(by_default).clamp(1, Self::LARGEST_BLOCK);
        Self { block, ..Self::DEFAULT }
    }
}
