//! What is the same in texts that differ in their number only.
//!
//! Nearly all text ids of clients end in a number: "C000012345", "FR-0042", the sixteen digits of a
//! card. What comes before it, with the count of its digits, is the *template* of an id. Digits are as
//! many as there are at the end, up to sixteen, so that a text has one template and no other.
//!
//! A text is read eight bytes at a time: taken apart from its template all of its bytes are checked at
//! once, and three multiplications make a number of eight digits.

use crate::columns::Texts;
use crate::hash::hash_words;

/// The length of the longest texts that have a template.
pub const LONGEST: usize = 32;

/// One of these in every byte.
const ONES: u64 = u64::MAX / 255;
/// The digit 0 in every byte.
const ZEROS: u64 = ONES * b'0' as u64;

/// Sixteen bytes, the first the lowest. (Two words each go through registers of their own; those of
/// one word of 128 bits would go through memory.)
type Sixteen = [u64; 2];

#[inline]
fn halves(bytes: u128) -> Sixteen {
    [bytes as u64, (bytes >> 64) as u64]
}

#[inline]
fn whole(halves: Sixteen) -> u128 {
    u128::from(halves[0]) | u128::from(halves[1]) << 64
}

/// A text of 1 to 32 bytes.
#[derive(Debug, Clone, Copy)]
pub struct TextWords {
    length: u32,
    /// The first 16 bytes; nothing where there are fewer.
    head: Sixteen,
    /// The last 16 bytes, and zeros before a text that is shorter.
    tail: Sixteen,
}

impl TextWords {
    /// The words of a text; none of one that is empty or too long.
    #[inline]
    pub fn of(texts: &Texts, row: usize) -> Option<Self> {
        match texts.views[row] as u32 {
            0 | 33.. => None,
            1..=12 => Some(Self::short(texts.views[row])),
            13.. => Self::long(texts.get(row)),
        }
    }

    /// Those of a text of up to 12 bytes, which stands in its view.
    #[inline]
    pub fn short(view: u128) -> Self {
        let length = view as u32;
        // What may stand in the view after the text is shifted out.
        let tail = halves(view >> 32 << (8 * (16 - length)));
        Self { length, head: [0; 2], tail }
    }

    /// Those of a text of 13 to 32 bytes.
    #[inline]
    pub fn long(bytes: &[u8]) -> Option<Self> {
        let length = bytes.len() as u32;
        if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk()) {
            let (head, tail) = (u128::from_le_bytes(*head), u128::from_le_bytes(*tail));
            return Some(Self { length, head: halves(head), tail: halves(tail) });
        }
        let (first, last) = (bytes.first_chunk()?, bytes.last_chunk()?);
        let first = u64::from_le_bytes(*first) << (8 * (16 - length));
        Some(Self { length, head: [0; 2], tail: [first, u64::from_le_bytes(*last)] })
    }
}

/// What texts have in common that differ in their number only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    pub length: u32,
    pub digits: u32,
    /// [`TextWords::head`], with zeros for digits.
    head: Sixteen,
    head_mask: Sixteen,
    /// [`TextWords::tail`], with "0" for digits.
    tail: Sixteen,
    /// What has to be added to each byte of the tail, once `tail` is taken away, for it to reach
    /// 128 if it is not as it should be: a digit, or just the byte of `tail`.
    limits: Sixteen,
}

impl Template {
    /// No text has this one.
    pub const NONE: Self = Self {
        length: u32::MAX,
        digits: 0,
        head: [0; 2],
        head_mask: [0; 2],
        tail: [0; 2],
        limits: [0; 2],
    };

    /// The template of a text, if that ends in a digit.
    #[inline]
    pub fn of(words: TextWords) -> Option<Self> {
        let others = words.tail.map(|bytes| beyond(bytes ^ ZEROS, ONES * 118));
        let digits = whole(others).leading_zeros() / 8;
        if digits == 0 {
            return None;
        }
        let prefix = words.length - digits;
        let head_mask = match (words.length, prefix) {
            (..16, _) => 0,
            (_, ..16) => (1 << (8 * prefix)) - 1,
            (_, 16..) => u128::MAX,
        };
        let digit_mask = halves(u128::MAX << (8 * (16 - digits)));
        let (head_mask, [low, high]) = (halves(head_mask), digit_mask);
        let zeros = |bytes: u64, mask: u64| bytes & !mask | ZEROS & mask;
        Some(Self {
            length: words.length,
            digits,
            head: [words.head[0] & head_mask[0], words.head[1] & head_mask[1]],
            head_mask,
            tail: [zeros(words.tail[0], low), zeros(words.tail[1], high)],
            limits: digit_mask.map(|mask| ONES * 127 - ((ONES * 9) & mask)),
        })
    }

    /// The number of a text of the same length, if it is of this template.
    #[inline]
    pub fn number(&self, words: TextWords) -> Option<u64> {
        // Digits become 0 to 9, and what is as it should be before them becomes 0.
        let first = words.tail[0] ^ self.tail[0];
        let last = words.tail[1] ^ self.tail[1];
        let misfit = beyond(first, self.limits[0])
            | beyond(last, self.limits[1])
            | (words.head[0] ^ self.head[0]) & self.head_mask[0]
            | (words.head[1] ^ self.head[1]) & self.head_mask[1];
        (misfit == 0).then(|| number_of_digits([first, last]))
    }

    /// The last 16 bytes of the text with a number, and zeros before a text that is shorter.
    #[inline]
    fn tail_of(&self, number: u64) -> u128 {
        whole(digits_of_number(number)) ^ whole(self.tail)
    }

    /// The bytes of the text with a number, of up to 16, and zeros after them.
    #[inline]
    pub fn short(&self, number: u64) -> u128 {
        self.tail_of(number) >> (8 * (16 - self.length))
    }

    /// Write the text with a number to where there is room for it and no more.
    #[inline]
    pub fn write(&self, number: u64, out: &mut [u8]) {
        let tail = self.tail_of(number).to_le_bytes();
        if let Some(first) = out.first_chunk_mut() {
            // What of the head is digits, zeros here, is then written over.
            *first = whole(self.head).to_le_bytes();
        }
        if let Some(last) = out.last_chunk_mut() {
            *last = tail;
        } else {
            out.copy_from_slice(&tail[16 - out.len()..]);
        }
    }

    pub fn hash(&self) -> u64 {
        let kind = u64::from(self.length) << 32 | u64::from(self.digits);
        let head = hash_words(self.head[0], self.head[1]);
        hash_words(hash_words(head, self.tail[0]), hash_words(self.tail[1], kind))
    }
}

/// The highest bit of each byte that is 128 or reaches it when a limit, below 128, is added.
#[inline]
fn beyond(bytes: u64, limits: u64) -> u64 {
    // Without their highest bits no two bytes add up to more than a byte.
    (((bytes & (ONES * 127)) + limits) | bytes) & (ONES * 128)
}

/// The number of sixteen decimal digits, a byte each, the first the lowest byte.
#[inline]
fn number_of_digits(digits: Sixteen) -> u64 {
    number_of_eight(digits[0]) * 100_000_000 + number_of_eight(digits[1])
}

/// The number of eight digits: neighbours are brought together in two, four and eight.
///
/// The factor adds to each lane the lane below it times 10, 100 or 10,000; what that writes to the
/// lanes between is masked away in the next step.
#[inline]
fn number_of_eight(digits: u64) -> u64 {
    let twos = digits.wrapping_mul((10 << 8) + 1) >> 8 & 0x00FF_00FF_00FF_00FF;
    let fours = twos.wrapping_mul((100 << 16) + 1) >> 16 & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul((10_000 << 32) + 1) >> 32
}

/// The sixteen digits of a number.
#[inline]
fn digits_of_number(number: u64) -> Sixteen {
    [eight_of_number(number / 100_000_000), eight_of_number(number % 100_000_000)]
}

/// Eight digits of a number, halved into four, two and one.
///
/// A lane is divided by multiplying with the inverse, rounded up, which is exact for numbers below 10,000 by
/// 100 and below 100 by 10 (a test tries all of them).
#[inline]
fn eight_of_number(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((twos * 103) >> 10) & 0x000F_000F_000F_000F;
    tens | (twos - tens * 10) << 8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_are_read_and_written_as_the_standard_library_does(number in 0..10_u64.pow(16)) {
            let mut digits = [0; 16];
            digits.copy_from_slice(format!("{number:016}").as_bytes());
            let digits = halves(u128::from_le_bytes(digits)).map(|half| half - ZEROS);
            prop_assert_eq!(number_of_digits(digits), number);
            prop_assert_eq!(digits_of_number(number), digits);
        }
    }

    #[test]
    fn eight_digits_are_exact_in_every_lane() {
        for lane in 0..10_000 {
            for number in [lane, lane * 10_000, lane * 10_000 + 9_999 - lane] {
                let digits = eight_of_number(number).to_le_bytes();
                let text: String = digits.iter().map(|digit| (digit + b'0') as char).collect();
                assert_eq!(text, format!("{number:08}"));
                assert_eq!(number_of_eight(u64::from_le_bytes(digits)), number);
            }
        }
    }
}
