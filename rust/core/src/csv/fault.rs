//! What is wrong with a file, in whole sentences that begin where the name of the file ends.

use std::fmt::Write;
use std::io;

use crate::error::Error;

/// Why a file is read no further.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Its bytes do not come.
    #[error(transparent)]
    Source(#[from] io::Error),
    /// What it holds is refused, or an option is.
    #[error(transparent)]
    Refused(#[from] Error),
}

/// The first fault of a file, with the line on which it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault<'a> {
    NoHeader { skipped: u64 },
    Fields { found: usize, header: usize },
    QuoteNotDoubled,
    QuoteNotClosed,
    LongRecord { limit: usize },
    InnerQuote { quoted_line: u64 },
    QuotedField { inner_line: u64 },
    CarriageReturn,
    LineFeed,
    Nul,
    NoUtf8(&'a [u8]),
    NoWindows1252(u8),
}

impl Fault<'_> {
    /// A word for it that never changes.
    fn kind(self) -> &'static str {
        match self {
            Self::NoHeader { .. } => "no-header",
            Self::Fields { .. } => "fields",
            Self::QuoteNotDoubled => "quote-not-doubled",
            Self::QuoteNotClosed => "quote-not-closed",
            Self::LongRecord { .. } => "long-record",
            Self::InnerQuote { .. } | Self::QuotedField { .. } => "mixed-quotes",
            Self::CarriageReturn | Self::LineFeed => "line-end",
            Self::Nul => "nul",
            Self::NoUtf8(_) | Self::NoWindows1252(_) => "encoding",
        }
    }

    fn sentence(self, line: u64) -> String {
        match self {
            Self::NoHeader { skipped: 0 } => {
                "there is no header: no line holds anything".to_owned()
            }
            Self::NoHeader { skipped } => {
                format!("there is no header: no line holds anything after the {skipped} skipped")
            }
            Self::Fields { found, header } => {
                let plural = if found == 1 { "" } else { "s" };
                format!("line {line} has {found} field{plural}, and the header {header}")
            }
            Self::QuoteNotDoubled => {
                format!("line {line}: a quote inside a quoted field is not doubled")
            }
            Self::QuoteNotClosed => format!("the quote that opens on line {line} is never closed"),
            Self::LongRecord { limit } => {
                let (size, unit) =
                    if limit >= 1 << 20 { (limit >> 20, "MiB") } else { (limit, "bytes") };
                format!(
                    "line {line} begins a record of more than {size} {unit}: a quote may not be closed"
                )
            }
            Self::InnerQuote { quoted_line } => format!(
                "line {line} has a quote inside a field that is not quoted, while line {quoted_line} quotes its fields"
            ),
            Self::QuotedField { inner_line } => format!(
                "line {line} quotes a field, while line {inner_line} has a quote inside a field that is not quoted"
            ),
            Self::CarriageReturn => {
                format!("line {line} holds a carriage return without a line feed after it")
            }
            Self::LineFeed => {
                format!("line {line} holds a line feed, where lines end with carriage returns")
            }
            Self::Nul => format!("line {line} holds a NUL byte, and so is no text"),
            Self::NoUtf8(bytes) => {
                let mut shown = String::new();
                for byte in bytes {
                    let _ = write!(shown, " {byte:02X}");
                }
                let plural = if bytes.len() == 1 { "" } else { "s" };
                format!("line {line} is no UTF-8: it holds the byte{plural}{shown}")
            }
            Self::NoWindows1252(byte) => {
                format!("line {line} is no Windows-1252: it holds the byte {byte:02X}")
            }
        }
    }

    pub(super) fn on(self, line: u64) -> Error {
        Error::Source { message: self.sentence(line), kind: self.kind(), line }
    }
}
