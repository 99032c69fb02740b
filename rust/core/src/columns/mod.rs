//! Columns as they are handed in and out: plain slices, and which rows of them are there.

mod amounts;
mod column;
mod dates;
mod ids;
mod integers;
mod texts;

pub use amounts::AmountValues;
pub use column::Column;
pub use dates::DateValues;
pub(crate) use dates::to_micros;
pub use ids::{IdValues, Ids};
pub(crate) use ids::{mixed_ids, mixed_signs, plain_integer, whole};
pub use integers::Integers;
pub(crate) use integers::{integer_at, widen};
pub use texts::Texts;
pub(crate) use texts::{append_text, view_bytes, view_of};
