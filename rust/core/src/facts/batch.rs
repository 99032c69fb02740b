//! One batch of sales lines, as borrowed columns.

use crate::bitmap::Bitmap;
use crate::columns::{AmountValues, Column, DateValues, IdValues, Integers};
use crate::prefetch::prefetch;

/// Equally long columns of sales lines.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// The number of lines.
    pub rows: usize,
    /// Who bought.
    pub client: Column<'a, IdValues<'a>>,
    /// When.
    pub date: Column<'a, DateValues<'a>>,
    /// For how much.
    pub amount: Column<'a, AmountValues<'a>>,
    /// The columns that number the order; none where each line is one.
    pub order: Vec<Column<'a, IdValues<'a>>>,
    /// The lines to keep, as bits; a missing one is not kept.
    pub keep: Option<Column<'a, Bitmap<'a>>>,
}

impl Batch<'_> {
    /// Prefetch the values of row `i`, if there is such a row, where they are of the usual types.
    #[inline]
    pub(super) fn prefetch(&self, i: usize) {
        if let IdValues::Integers(Integers::I64(values)) = self.client.values {
            prefetch(values, i);
        }
        match self.date.values {
            DateValues::Instants { values, .. } => prefetch(values, i),
            DateValues::Days(values) => prefetch(values, i),
            DateValues::Texts(_) => {}
        }
        if let AmountValues::F64(values) = self.amount.values {
            prefetch(values, i);
        }
    }
}
