//! What can be wrong with data and options, in whole sentences.

/// What a kernel refuses, each variant with the sentence that the user reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An option has no meaning, or contradicts another.
    #[error("{0}")]
    Option(String),
    /// A column is of a type that its role does not take.
    #[error("{0}")]
    Column(String),
    /// The data as a whole cannot be used.
    #[error("{0}")]
    Data(String),
    /// One value cannot be used.
    #[error("{message}")]
    Value {
        /// The sentence.
        message: String,
        /// The role of the column that holds the value: `client`, `date`, `amount`.
        role: &'static str,
        /// The value as it is written in the data.
        value: String,
    },
    /// A file is not written as it should be.
    #[error("{message}")]
    Source {
        /// The sentence, to be read after the name of the file.
        message: String,
        /// What is wrong, in a word that never changes.
        kind: &'static str,
        /// The line, from 1; 0 where the file has none to name.
        line: u64,
    },
    /// A text does not write what its column is to hold.
    #[error("{message}")]
    Unreadable {
        /// The sentence.
        message: String,
        /// The row of the column that holds the text, from 0.
        row: usize,
        /// The text as it is written in the data.
        value: String,
    },
}

/// The result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;
