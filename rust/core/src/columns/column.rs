//! Values with their validity.

use crate::bitmap::Bitmap;

/// A column: its values, and which of them are there.
#[derive(Debug, Clone)]
pub struct Column<'a, V> {
    /// The values; what stands under a missing one is never looked at.
    pub values: V,
    /// Which rows are there; none where all are.
    pub validity: Option<Bitmap<'a>>,
}

impl<V> Column<'_, V> {
    /// Whether row `i` is there.
    #[inline]
    pub fn is_valid(&self, i: usize) -> bool {
        self.validity.is_none_or(|bits| bits.get(i))
    }
}
