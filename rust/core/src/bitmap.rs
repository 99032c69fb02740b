//! Bit-packed validity, as Arrow lays it out.

/// A borrowed validity bitmap: bit `offset + i`, least significant first, is row `i`.
#[derive(Debug, Clone, Copy)]
pub struct Bitmap<'a> {
    /// The packed bits.
    pub bytes: &'a [u8],
    /// How many bits come before row 0.
    pub offset: usize,
}

impl Bitmap<'_> {
    /// Whether row `i` is valid.
    ///
    /// # Panics
    /// If the row lies beyond the bits.
    #[inline]
    pub fn get(&self, i: usize) -> bool {
        let bit = self.offset + i;
        (self.bytes[bit >> 3] >> (bit & 7)) & 1 == 1
    }
}
