//! The doors of the core and of the binding, each as a function of bytes that panics where a promise is
//! broken.

mod arrow;
mod bytes;
mod targets;

pub use arrow::arrow;
pub use targets::{TARGETS, behaviour, csv, facts, plan, profile, quantiles, states, texts, value};
