//! The columns that fields become.

use super::field_form::FieldForm;

/// One column of some records.
#[derive(Debug)]
pub struct FieldColumn {
    /// The values; of those that are missing, 0 or the empty text.
    pub values: FieldValues,
    /// Which rows are there, packed with the least significant bit first; none if all are.
    pub validity: Option<Vec<u8>>,
    /// How often each null word of the column's form stood there.
    pub null_words: Vec<u64>,
}

/// The values of a column.
#[derive(Debug)]
pub enum FieldValues {
    /// Texts.
    Texts(TextColumn),
    /// Numbers.
    Numbers(Vec<f64>),
    /// Instants in microseconds.
    Instants(Vec<i64>),
}

/// Texts as Arrow lays out string views.
#[derive(Debug, Default)]
pub struct TextColumn {
    /// The views: short texts in themselves, longer ones in buffer 0 or 1.
    pub views: Vec<u128>,
    /// Whether any view points into buffer 0, the bytes of the block.
    pub in_block: bool,
    /// Buffer 1: texts that do not stand in the block as they are handed out.
    pub decoded: Vec<u8>,
}

/// A column as it grows.
#[derive(Debug)]
pub(super) struct ColumnBuilder {
    pub values: FieldValues,
    /// The rows without a value.
    pub missing: Vec<u32>,
    pub null_words: Vec<u64>,
}

impl ColumnBuilder {
    pub(super) fn new(form: &FieldForm) -> Self {
        let values = match form {
            FieldForm::Text { .. } => FieldValues::Texts(TextColumn::default()),
            FieldForm::Numbers { .. } => FieldValues::Numbers(Vec::new()),
            FieldForm::Instants { .. } => FieldValues::Instants(Vec::new()),
        };
        Self { values, missing: Vec::new(), null_words: vec![0; form.null_words().count()] }
    }

    pub(super) fn reserve(&mut self, rows: usize) {
        match &mut self.values {
            FieldValues::Texts(texts) => texts.views.reserve(rows),
            FieldValues::Numbers(values) => values.reserve(rows),
            FieldValues::Instants(values) => values.reserve(rows),
        }
    }

    pub(super) fn finish(self, rows: usize) -> FieldColumn {
        let validity = (!self.missing.is_empty()).then(|| {
            let mut bits = vec![u8::MAX; rows.div_ceil(8)];
            for row in self.missing {
                bits[row as usize / 8] &= !(1 << (row % 8));
            }
            bits
        });
        FieldColumn { values: self.values, validity, null_words: self.null_words }
    }
}
