//! Where fields and records end: 64 bytes at a time, as bits of words.

#![allow(clippy::inline_always, reason = "the kernel is compiled for several instruction sets")]

use super::format::LineEnd;

/// Bytes that a word of bits stands for.
pub(super) const WORD: usize = 64;

/// 64 bytes, compared with one byte at once.
#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8, _mm_setzero_si128,
    };

    #[derive(Clone, Copy)]
    pub struct Lanes([__m128i; 4]);

    // SAFETY, of every block below: all x86-64 processors have SSE2. Only the loads touch memory.
    impl Lanes {
        #[inline(always)]
        pub fn load(bytes: &[u8; 64]) -> Self {
            let (lanes, _) = bytes.as_chunks::<16>();
            let lane = |lane: usize| {
                // SAFETY: as above; 16 bytes are read where there are 16, which need not be aligned.
                unsafe { _mm_loadu_si128(lanes[lane].as_ptr().cast()) }
            };
            Self([lane(0), lane(1), lane(2), lane(3)])
        }

        #[inline(always)]
        pub fn equal(self, byte: u8) -> u64 {
            // SAFETY: as above.
            mask(self.0.map(|lane| unsafe { _mm_cmpeq_epi8(lane, _mm_set1_epi8(byte as i8)) }))
        }

        /// The bytes beyond ASCII.
        #[inline(always)]
        pub fn high(self) -> u64 {
            mask(self.0)
        }

        /// Whether any byte is one of two, or zero, and whether any lies beyond ASCII.
        #[inline(always)]
        pub fn any(self, one: u8, other: u8) -> (bool, bool) {
            let [a, b, c, d] = self.0;
            // SAFETY: as above.
            unsafe {
                let (one, other) = (_mm_set1_epi8(one as i8), _mm_set1_epi8(other as i8));
                let either =
                    |lane| _mm_or_si128(_mm_cmpeq_epi8(lane, one), _mm_cmpeq_epi8(lane, other));
                let least = _mm_min_epu8(_mm_min_epu8(a, b), _mm_min_epu8(c, d));
                let found = _mm_or_si128(
                    _mm_or_si128(either(a), either(b)),
                    _mm_or_si128(either(c), either(d)),
                );
                let found = _mm_or_si128(found, _mm_cmpeq_epi8(least, _mm_setzero_si128()));
                let high = _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d));
                (_mm_movemask_epi8(found) != 0, _mm_movemask_epi8(high) != 0)
            }
        }
    }

    #[inline(always)]
    fn mask(lanes: [__m128i; 4]) -> u64 {
        // SAFETY: as above.
        let [a, b, c, d] = lanes.map(|lane| unsafe { _mm_movemask_epi8(lane) } as u64);
        a | b << 16 | c << 32 | d << 48
    }
}

/// 64 bytes, compared with one byte at once.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;

    #[derive(Clone, Copy)]
    pub struct Lanes([u64; 8]);

    impl Lanes {
        #[inline(always)]
        pub fn load(bytes: &[u8; 64]) -> Self {
            let (words, _) = bytes.as_chunks::<8>();
            Self(std::array::from_fn(|word| u64::from_le_bytes(words[word])))
        }

        #[inline(always)]
        pub fn equal(self, byte: u8) -> u64 {
            let wanted = u64::from(byte) * ONES;
            mask(self.0.map(|word| {
                // The high bit of a byte is set where the byte is not the wanted one.
                let differing = word ^ wanted;
                !(((differing & !HIGH) + !HIGH) | differing)
            }))
        }

        /// The bytes beyond ASCII.
        #[inline(always)]
        pub fn high(self) -> u64 {
            mask(self.0)
        }

        /// Whether any byte is one of two, or zero, and whether any lies beyond ASCII.
        #[inline(always)]
        pub fn any(self, one: u8, other: u8) -> (bool, bool) {
            let found = self.equal(one) | self.equal(other) | self.equal(0);
            (found != 0, self.high() != 0)
        }
    }

    /// The high bits of all bytes, side by side.
    #[inline(always)]
    fn mask(words: [u64; 8]) -> u64 {
        let gather = |word: u64| ((word & HIGH) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        words.into_iter().rev().fold(0, |all, word| all << 8 | gather(word))
    }
}

#[cfg(not(target_arch = "x86_64"))]
use portable::Lanes;
#[cfg(target_arch = "x86_64")]
use sse2::Lanes;

/// Bits up to each, added without carry: set between the first quote of a pair and the second.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Where bytes that matter stand among 64, the first of which are looked at.
struct Found {
    separators: u64,
    line_ends: u64,
    quotes: u64,
    strays: u64,
    looked_at: u64,
}

/// What is told of the bytes of a piece, and carried from word to word; one-bit masks are those of
/// the byte before.
///
/// A piece begins where a record does. As long as every quote that is met opens a quoted field,
/// closes it, or is doubled in it, a byte is inside a quoted field if the number of quotes before
/// it is odd. The first quote elsewhere is one inside an unquoted field: since a file uses quotes
/// one way only, all of them are then ordinary characters, as long as no field begins with one.
/// Whatever agrees with neither is a fault.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is told of another thing")]
pub(super) struct Structure {
    separator: u8,
    line_end: LineEnd,
    inside: u64,
    field_start: u64,
    line_start: u64,
    after_quote: u64,
    after_stray: u64,
    after_blank_stray: u64,
    /// Whether quotes are ordinary characters.
    inner: bool,
    /// Where a quoted field first began.
    pub first_quoted: Option<usize>,
    /// Where a quote first stood inside an unquoted field.
    pub first_inner: Option<usize>,
    /// Line ends of all kinds.
    pub line_ends: u64,
    /// Lines with nothing in them.
    pub blanks: u64,
    /// Line ends inside quoted fields.
    pub quoted_line_ends: u64,
    /// After the last line end outside quoted fields.
    pub end: usize,
    /// Bits of what breaks a rule.
    pub faults: u64,
    /// Whether any quote was doubled.
    pub doubled: bool,
    /// Whether a line ended with a carriage return before its line feed.
    pub returns: bool,
    /// Whether a byte lies beyond ASCII.
    pub high: bool,
}

impl Structure {
    pub(super) fn new(separator: u8, line_end: LineEnd, start: usize, inner: bool) -> Self {
        Self {
            separator,
            line_end,
            inside: 0,
            field_start: 1,
            line_start: 1,
            after_quote: 0,
            after_stray: 0,
            after_blank_stray: 0,
            inner,
            first_quoted: None,
            first_inner: None,
            line_ends: 0,
            blanks: 0,
            quoted_line_ends: 0,
            end: start,
            faults: 0,
            doubled: false,
            returns: false,
            high: false,
        }
    }

    /// The bits of the bytes, the first `valid` of which are looked at, that end a field; `base` is
    /// the place of the first.
    #[inline(always)]
    pub(super) fn word(&mut self, bytes: &[u8; WORD], valid: usize, base: usize) -> u64 {
        let lanes = Lanes::load(bytes);
        let stray = self.line_end.stray();
        let mut separators = lanes.equal(self.separator);
        let mut line_ends = lanes.equal(self.line_end.byte());
        let (rare, high) = lanes.any(b'"', stray);
        let (mut quotes, mut strays, mut looked_at) = (0, 0, u64::MAX);
        if valid < WORD {
            looked_at = (1 << valid) - 1;
            separators &= looked_at;
            line_ends &= looked_at;
            self.high |= lanes.high() & looked_at != 0;
        } else {
            self.high |= high;
        }
        if rare {
            quotes = lanes.equal(b'"') & looked_at;
            strays = lanes.equal(stray) & looked_at;
            self.faults |= lanes.equal(0) & looked_at;
        }
        self.line_ends += u64::from(line_ends.count_ones());
        if quotes | strays | self.inside | self.after_quote | self.after_stray != 0 {
            self.quoted_word(&Found { separators, line_ends, quotes, strays, looked_at }, base)
        } else {
            self.ends(separators, line_ends, 0, base)
        }
    }

    /// The ends of fields among separators and line ends outside quoted fields.
    #[inline(always)]
    fn ends(&mut self, separators: u64, line_ends: u64, blank_returns: u64, base: usize) -> u64 {
        let mut ends = separators | line_ends;
        let line_starts = line_ends << 1 | self.line_start;
        let blanks = line_ends & (line_starts | blank_returns << 1 | self.after_blank_stray);
        self.field_start = ends >> (WORD - 1);
        self.line_start = line_ends >> (WORD - 1);
        self.after_blank_stray = blank_returns >> (WORD - 1);
        if line_ends != 0 {
            self.end = base + WORD - line_ends.leading_zeros() as usize;
        }
        if blanks != 0 {
            ends &= !blanks;
            self.blanks += u64::from(blanks.count_ones());
        }
        ends
    }

    /// As `ends`, where quotes, carriage returns or a quoted field from before are about.
    #[inline(always)]
    fn quoted_word(&mut self, found: &Found, base: usize) -> u64 {
        let inside = self.inside_quotes(found, base);
        let line_ends = found.line_ends & !inside;
        let separators = found.separators & !inside;
        let strays = found.strays & !inside;
        self.quoted_line_ends += u64::from((found.line_ends & inside).count_ones());
        if self.inner && found.quotes != 0 {
            let field_starts = (separators | line_ends) << 1 | self.field_start;
            self.faults |= found.quotes & field_starts;
            self.first_inner.get_or_insert(base + found.quotes.trailing_zeros() as usize);
        }
        let mut blank_returns = 0;
        if self.line_end == LineEnd::CarriageReturn {
            self.faults |= strays;
        } else {
            self.faults |= (strays << 1 | self.after_stray) & found.looked_at & !line_ends;
            self.returns |= strays != 0;
            self.after_stray = strays >> (WORD - 1);
            blank_returns = strays & (line_ends << 1 | self.line_start);
        }
        self.ends(separators, line_ends, blank_returns, base)
    }

    /// The bytes inside quoted fields; none once quotes are ordinary characters.
    #[inline(always)]
    fn inside_quotes(&mut self, found: &Found, base: usize) -> u64 {
        if self.inner {
            return 0;
        }
        let inside = prefix_xor(found.quotes) ^ self.inside;
        let ends = (found.separators | found.line_ends) & !inside;
        let field_starts = ends << 1 | self.field_start;
        let (opening, closing) = (found.quotes & inside, found.quotes & !inside);
        let after_closing = closing << 1 | self.after_quote;
        let ends_or_strays = ends | (found.strays & !inside);
        let wrong = (opening & !(field_starts | after_closing))
            | (after_closing & found.looked_at & !(ends_or_strays | opening));
        if wrong != 0 && self.first_quoted.is_none() {
            self.inner = true;
            return 0;
        }
        self.faults |= wrong;
        if found.quotes != 0 {
            self.first_quoted.get_or_insert(base + found.quotes.trailing_zeros() as usize);
        }
        self.doubled |= opening & after_closing != 0;
        self.after_quote = closing >> (WORD - 1);
        // All bits or none.
        self.inside = ((inside as i64) >> (WORD - 1)) as u64;
        inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_compared_at_every_place() {
        for place in 0..WORD {
            for byte in [0, b',', 0x80, 0xFF] {
                let mut bytes = [b'a'; WORD];
                bytes[place] = byte;
                let lanes = Lanes::load(&bytes);
                assert_eq!(lanes.equal(byte), 1 << place);
                assert_eq!(lanes.equal(byte ^ 1), 0);
                assert_eq!(lanes.high(), u64::from(byte >= 0x80) << place);
                assert_eq!(lanes.any(b',', b','), (matches!(byte, 0 | b','), byte >= 0x80));
                let portable = portable::Lanes::load(&bytes);
                assert_eq!(lanes.equal(byte), portable.equal(byte));
                assert_eq!(lanes.equal(b'a'), portable.equal(b'a'));
                assert_eq!(lanes.high(), portable.high());
                assert_eq!(lanes.any(b'b', b','), portable.any(b'b', b','));
            }
        }
    }
}
