//! Texts as what they write: numbers, and instants of days and times.
//!
//! Nothing here guesses: a text is read by one form, which was decided before, or it is refused.

mod blanks;
mod date_parts;
mod dates;
mod iso;
mod null_words;
mod numbers;
mod read_columns;

pub(crate) use blanks::trimmed;
pub(crate) use dates::day_month_year;
pub use dates::{DateForm, ReadDates, parse_dates};
pub(crate) use iso::iso_instant;
pub use iso::parse_instant;
pub use null_words::NullWords;
pub use numbers::{NumberForm, parse_numbers};
pub use read_columns::{ReadChunk, ReadColumn, find_words};
