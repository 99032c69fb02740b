//! The kernels of `grc_fast`: facts from sales, quantile bands, cells of bands, behaviour scores, and what
//! clients are worth.
//!
//! Everything here works on plain slices and validity bitmaps. No Python, no Arrow and no data
//! frame library: those belong to the binding crate, which turns what they hold into the slices
//! that this crate takes.

pub mod behaviour;
pub mod bitmap;
pub mod calendar;
pub mod cells;
mod clients;
pub mod columns;
pub mod csv;
mod dictionary;
pub mod error;
pub mod facts;
pub mod hash;
pub mod keyed_hash;
pub mod money;
pub mod plan;
mod prefetch;
pub mod profile;
pub mod quantiles;
pub mod simulation;
pub mod stop;
pub mod text_values;
pub mod threads;
pub mod value;

pub use error::{Error, Result};
