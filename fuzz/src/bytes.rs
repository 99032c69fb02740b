//! Values out of the bytes of a fuzzer: bytes that follow each other, zeros at the end.

use grc_core::bitmap::Bitmap;
use grc_core::columns::{Column, Texts};
use grc_core::threads::pool;

/// What is left of the bytes.
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// A number below `end`, which is at most 256.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// Yes or no.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// The next eight bytes.
    pub fn word(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number: mostly a small one, sometimes at an end of its range, sometimes any.
    pub fn integer(&mut self) -> i64 {
        match self.byte() {
            byte @ 0..=239 => i64::from(byte) - 20,
            240 => i64::MIN,
            241 => i64::MAX,
            242 => i64::from(i32::MAX),
            243 => i64::from(i32::MIN),
            244..=249 => self.word() as i64 >> 32,
            _ => self.word() as i64,
        }
    }

    /// The same among floats.
    pub fn float(&mut self) -> f64 {
        match self.byte() {
            byte @ 0..=199 => f64::from(byte) / 4.0 - 10.0,
            200 => f64::NAN,
            201 => f64::INFINITY,
            202 => f64::NEG_INFINITY,
            203 => -0.0,
            204 => f64::MAX,
            205 => f64::MIN_POSITIVE / 4.0,
            _ => f64::from_bits(self.word()),
        }
    }

    /// A text: its length, and as many bytes, which are read as UTF-8 as far as they are.
    pub fn text(&mut self, longest: usize) -> String {
        let length = self.below(longest + 1).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    /// Some of the values that there are.
    pub fn some_of<'v, T>(&mut self, values: &'v [T]) -> Vec<&'v T> {
        let chosen = self.byte();
        values
            .iter()
            .enumerate()
            .filter(|(i, _)| chosen >> (i % 8) & 1 == 1)
            .map(|(_, v)| v)
            .collect()
    }
}

/// Run a target on a number of threads, as the door to Python does, and tell it how many: mostly one,
/// as handing small work over takes longer than the work.
pub fn on_threads(data: &[u8], target: impl FnOnce(usize) + Send) {
    let threads = if data.len().is_multiple_of(16) { 2 } else { 1 };
    pool(Some(threads)).expect("two threads can be started").install(|| target(threads));
}

/// Bits, packed as Arrow does.
pub fn packed(bits: impl IntoIterator<Item = bool>) -> Vec<u8> {
    let bits: Vec<bool> = bits.into_iter().collect();
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
    bits.chunks(8).map(byte).collect()
}

/// Texts as Arrow's string views, and which of them are there.
#[derive(Debug)]
pub struct TextData {
    views: Vec<u128>,
    buffer: Vec<u8>,
    validity: Vec<u8>,
}

impl TextData {
    /// Lay texts out.
    pub fn new<'t>(texts: impl IntoIterator<Item = Option<&'t str>>) -> Self {
        let (mut views, mut buffer, mut there) = (Vec::new(), Vec::new(), Vec::new());
        for text in texts {
            there.push(text.is_some());
            views.push(view(text.unwrap_or_default().as_bytes(), &mut buffer));
        }
        Self { views, buffer, validity: packed(there) }
    }

    /// They as values.
    pub fn texts(&self) -> Texts<'_> {
        Texts { views: &self.views, buffers: vec![&self.buffer] }
    }

    /// Which are there.
    pub fn validity(&self) -> Bitmap<'_> {
        Bitmap { bytes: &self.validity, offset: 0 }
    }

    /// They as a column.
    pub fn column(&self) -> Column<'_, Texts<'_>> {
        Column { values: self.texts(), validity: Some(self.validity()) }
    }
}

fn view(text: &[u8], buffer: &mut Vec<u8>) -> u128 {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
    if text.len() <= 12 {
        bytes[4..4 + text.len()].copy_from_slice(text);
    } else {
        bytes[4..8].copy_from_slice(&text[..4]);
        bytes[12..].copy_from_slice(&(buffer.len() as u32).to_le_bytes());
        buffer.extend_from_slice(text);
    }
    u128::from_le_bytes(bytes)
}
