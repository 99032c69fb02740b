//! The doors of the core, each as a function of bytes that panics where a promise is broken.

mod targets;

pub use targets::{TARGETS, behaviour, csv, facts, quantiles, states, texts, value};
