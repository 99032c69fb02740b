//! What the fields of a column are read as.

use crate::text_values::{DateForm, NullWords, NumberForm};

/// What the fields of a column are read as; empty fields are null in each.
#[derive(Debug, Clone)]
pub enum FieldForm {
    /// Text as it stands.
    Text {
        /// Words that stand for a missing value.
        null_words: NullWords,
    },
    /// Numbers.
    Numbers {
        /// How they are written.
        form: NumberForm,
        /// Words that stand for a missing value.
        null_words: NullWords,
    },
    /// Instants, in microseconds since 1970-01-01: of UTC if they are zoned, else wall times.
    Instants {
        /// How they are written.
        form: DateForm,
        /// Whether all of them have a zone; if not, none has.
        zoned: bool,
        /// Words that stand for a missing value.
        null_words: NullWords,
    },
}

impl FieldForm {
    /// Text in which no word stands for a missing value.
    pub fn plain_text() -> Self {
        Self::Text { null_words: NullWords::default() }
    }

    /// The words that stand for a missing value.
    pub fn null_words(&self) -> &NullWords {
        match self {
            Self::Text { null_words }
            | Self::Numbers { null_words, .. }
            | Self::Instants { null_words, .. } => null_words,
        }
    }
}
