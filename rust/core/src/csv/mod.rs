//! Strict reading of separated text: every record is checked, and only the columns asked for are built.
//!
//! A file is read in blocks, the next while the current one is parsed, and a block is cut into pieces
//! that are parsed in parallel. In a piece, `structure` makes bit masks of 64 bytes at a time, and
//! from them the places where fields end; since every record has as many fields as the header,
//! these are a dense matrix, from which `fields` builds the columns: texts, or the numbers and the
//! instants that they write.
//!
//! The kernels only notice *that* something is wrong. What and on which line is found by `record`,
//! which reads record by record from the last sound one: errors are thereby the same for any size
//! of blocks and number of threads.

mod column;
mod fault;
mod field_form;
mod fields;
mod format;
mod piece;
mod reader;
mod record;
mod structure;
#[cfg(test)]
mod tests;
mod text;

pub use column::{FieldColumn, FieldValues, TextColumn};
pub use fault::ReadError;
pub use field_form::FieldForm;
pub use format::{CsvOptions, Encoding, LineEnd};
pub use piece::FieldBatch;
pub use reader::{Block, CsvReader};
