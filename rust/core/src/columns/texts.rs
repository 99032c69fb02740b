//! Texts as string views.

use crate::prefetch::prefetch;

/// Texts as Arrow string views: 16 bytes each, of which texts of up to 12 bytes are the whole.
#[derive(Debug, Clone)]
pub struct Texts<'a> {
    /// The views, little endian: length in the low 32 bits, then the text, or its first four
    /// bytes, the number of its buffer and the offset in it.
    pub views: &'a [u128],
    /// The buffers that longer texts stand in.
    pub buffers: Vec<&'a [u8]>,
}

impl Texts<'_> {
    /// Whether text `i` is empty.
    #[inline]
    pub fn is_empty(&self, i: usize) -> bool {
        self.views[i] as u32 == 0
    }

    /// The bytes of text `i`.
    #[inline]
    pub fn get(&self, i: usize) -> &[u8] {
        let length = self.views[i] as u32 as usize;
        if length <= 12 {
            let view: &[u8; 16] = view_bytes(&self.views[i]);
            &view[4..4 + length]
        } else {
            let buffer = (self.views[i] >> 64) as u32 as usize;
            let start = (self.views[i] >> 96) as usize;
            &self.buffers[buffer][start..start + length]
        }
    }
}

/// Views are prefetched this many texts before the bytes of their texts.
const VIEWS_AHEAD: usize = 128;

impl Texts<'_> {
    /// Prefetch the bytes of text `i`, if there is such a text and it is long, and views further on;
    /// what stands in them may be anything.
    #[inline]
    pub(crate) fn prefetch(&self, i: usize) {
        prefetch(self.views, i + VIEWS_AHEAD);
        if let Some(&view) = self.views.get(i)
            && view as u32 > 12
            && let Some(buffer) = self.buffers.get((view >> 64) as u32 as usize)
        {
            prefetch(buffer, (view >> 96) as usize);
        }
    }
}

/// The bytes of a view in place.
#[inline]
pub(crate) fn view_bytes(view: &u128) -> &[u8; 16] {
    // SAFETY: a u128 is sixteen initialised bytes, and a byte needs no alignment. The layout of
    // views is little endian, and so is every machine Arrow views are read on here.
    unsafe { &*std::ptr::from_ref(view).cast() }
}

#[cfg(target_endian = "big")]
compile_error!("string views are read in place, which needs a little-endian machine");

/// A view of bytes that stand at `start` of buffer `buffer`.
pub(crate) fn view_of(bytes: &[u8], buffer: u32, start: u32) -> u128 {
    let length = bytes.len() as u128;
    let mut head = [0; 16];
    if bytes.len() <= 12 {
        head[..bytes.len()].copy_from_slice(bytes);
        return length | u128::from_le_bytes(head) << 32;
    }
    head[..4].copy_from_slice(&bytes[..4]);
    length | u128::from_le_bytes(head) << 32 | u128::from(buffer) << 64 | u128::from(start) << 96
}

/// The most bytes of a buffer of texts: views count offsets in 32 bits.
const MAX_BUFFER: usize = 1 << 30;

/// The view of a text, which is copied into the last of the buffers if it is long.
pub(crate) fn append_text(text: &[u8], buffers: &mut Vec<Vec<u8>>) -> u128 {
    if text.len() <= 12 {
        return view_of(text, 0, 0);
    }
    if buffers.last().is_none_or(|buffer| buffer.len() + text.len() > MAX_BUFFER) {
        buffers.push(Vec::new());
    }
    let number = buffers.len() - 1;
    let start = buffers[number].len();
    buffers[number].extend_from_slice(text);
    view_of(text, number as u32, start as u32)
}
