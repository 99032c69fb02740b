//! What is done with the bytes of a fuzzer: they become rows, rules, files or texts, and what comes
//! out of the core must add up. An error is an answer; a panic, or a sum that is off, is a fault.

mod behaviour;
mod csv;
mod facts;
mod plan;
mod profile;
mod quantiles;
mod states;
mod texts;
mod value;

pub use behaviour::behaviour;
pub use csv::csv;
pub use facts::facts;
pub use plan::plan;
pub use profile::profile;
pub use quantiles::quantiles;
pub use states::states;
pub use texts::texts;
pub use value::value;

/// A function of bytes.
pub type Target = fn(&[u8]);

/// Every target, by its name.
pub const TARGETS: [(&str, Target); 9] = [
    ("facts", facts),
    ("quantiles", quantiles),
    ("behaviour", behaviour),
    ("states", states),
    ("csv", csv),
    ("texts", texts),
    ("value", value),
    ("plan", plan),
    ("profile", profile),
];
