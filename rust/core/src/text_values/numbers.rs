//! Numbers as people, spreadsheets and banks write them.

use super::blanks::{after_blanks, blank_length};
use super::null_words::NullWords;
use super::read_columns::{ReadColumn, Refused, read_columns};
use crate::columns::{Column, Texts};
use crate::error::{Error, Result};

/// How numbers are written.
#[derive(Debug, Clone)]
pub struct NumberForm {
    decimal: u8,
    thousands: Option<Thousands>,
    currency: Vec<u8>,
}

/// What stands between thousands.
#[derive(Debug, Clone)]
enum Thousands {
    /// Any blank.
    Blank,
    /// An apostrophe, upright or curved.
    Apostrophe,
    /// A character.
    Mark(Vec<u8>),
}

/// Stands for a mark that no number has: no text in UTF-8 holds this byte.
const NO_MARK: u8 = 0xFF;
/// ’, as it is encoded.
const CURVED_APOSTROPHE: &[u8] = "\u{2019}".as_bytes();
/// −, as it is encoded: typesetters' minus, which spreadsheets of some languages write.
const MINUS: &[u8] = "\u{2212}".as_bytes();

impl NumberForm {
    /// Numbers with a decimal mark, and perhaps marks between thousands and a currency. Without a
    /// decimal mark there are whole numbers alone.
    ///
    /// # Errors
    /// If a mark or the currency cannot be told from the other parts of a number.
    pub fn new(
        decimal: Option<&str>,
        thousands: Option<&str>,
        currency: Option<&str>,
    ) -> Result<Self> {
        let decimal = match decimal.map(str::as_bytes) {
            Some(&[mark @ (b'.' | b',')]) => mark,
            None => NO_MARK,
            Some(other) => {
                return Err(Error::Option(format!(
                    "the decimal mark is \"{}\": take \".\" or \",\"",
                    String::from_utf8_lossy(other)
                )));
            }
        };
        let thousands = thousands.map(|mark| thousands_mark(mark, decimal)).transpose()?;
        let currency = currency.unwrap_or_default();
        if currency.chars().any(|c| c.is_ascii_digit() || "+-()\u{2212}".contains(c))
            || currency.trim() != currency
        {
            return Err(Error::Option(format!(
                "the currency is \"{currency}\": take a sign or a code such as \"€\" or \"EUR\""
            )));
        }
        Ok(Self { decimal, thousands, currency: currency.into() })
    }

    /// Read a number without blanks around it.
    #[inline]
    pub(crate) fn read(&self, text: &[u8]) -> Option<f64> {
        plain_number(text, self.decimal).or_else(|| self.any_number(text))
    }

    /// Read a number with everything that may stand around it.
    #[inline(never)]
    fn any_number(&self, text: &[u8]) -> Option<f64> {
        // Spreadsheets mark what they shall take as text by an apostrophe.
        let text = after_apostrophe(text).unwrap_or(text);
        if let Some(found) = no_finite_number(text) {
            return Some(found);
        }
        let mut around = Around { form: self, currency: false, negation: Negation::None };
        let (number, rest) = self.digits(around.before(text))?;
        around.after(rest)?;
        Some(if around.is_negative() { -number } else { number })
    }

    /// The length of the mark between thousands that a text begins with; 0 if it begins with none.
    fn mark_length(&self, text: &[u8]) -> usize {
        match &self.thousands {
            None => 0,
            Some(Thousands::Blank) => blank_length(text),
            Some(Thousands::Apostrophe) => {
                after_apostrophe(text).map_or(0, |rest| text.len() - rest.len())
            }
            Some(Thousands::Mark(mark)) => {
                text.strip_prefix(mark.as_slice()).map_or(0, |_| mark.len())
            }
        }
    }

    /// Read digits, marks and an exponent at the start of a text, and what follows them.
    fn digits<'a>(&self, text: &'a [u8]) -> Option<(f64, &'a [u8])> {
        let mut read = Digits::default();
        let marked = self.whole_digits(text, &mut read)?;
        if text.get(read.length) == Some(&self.decimal) {
            read.length += 1;
            let whole = read.count;
            read.take_digits(text);
            read.exponent = -((read.count - whole) as i64);
        }
        if read.count == 0 {
            return None;
        }
        read.take_exponent(text);
        let (number, rest) = text.split_at(read.length);
        let exact = if read.is_exact { exact_float(read.mantissa, read.exponent) } else { None };
        let float = match exact {
            Some(float) => float,
            None if !marked && self.decimal == b'.' => std_float(number)?,
            None => std_float(&self.without_marks(number))?,
        };
        Some((float, rest))
    }

    /// Read the digits before the decimal mark: whether marks stand between them.
    fn whole_digits(&self, text: &[u8], read: &mut Digits) -> Option<bool> {
        let (mut marks, mut before) = (0, 0);
        loop {
            read.take_digits(text);
            let group = read.count - before;
            if marks > 0 && group != 3 {
                return None;
            }
            let length = self.mark_length(&text[read.length..]);
            let is_mark =
                length > 0 && text.get(read.length + length).is_some_and(u8::is_ascii_digit);
            if !is_mark {
                return Some(marks > 0);
            }
            // Nobody writes `0,500` for five hundred: it is a decimal of another form.
            if marks == 0 && (!(1..=3).contains(&group) || text[0] == b'0') {
                return None;
            }
            marks += 1;
            before = read.count;
            read.length += length;
        }
    }

    /// A number as the standard library reads it.
    fn without_marks(&self, number: &[u8]) -> Vec<u8> {
        number
            .iter()
            .filter_map(|&byte| match byte {
                b'0'..=b'9' | b'e' | b'E' | b'+' | b'-' => Some(byte),
                byte if byte == self.decimal => Some(b'.'),
                _ => None,
            })
            .collect()
    }
}

fn thousands_mark(mark: &str, decimal: u8) -> Result<Thousands> {
    let mut chars = mark.chars();
    match (chars.next(), chars.next()) {
        (Some('\'' | '\u{2019}'), None) => Ok(Thousands::Apostrophe),
        (Some(_), None) if blank_length(mark.as_bytes()) == mark.len() => Ok(Thousands::Blank),
        (Some(c), None)
            if !c.is_alphanumeric()
                && !"+-()\u{2212}".contains(c)
                && mark.as_bytes() != [decimal] =>
        {
            Ok(Thousands::Mark(mark.into()))
        }
        _ => Err(Error::Option(format!(
            "the mark between thousands is \"{mark}\" beside the decimal mark \"{}\": take another character, such as a blank, an apostrophe, a point or a comma",
            char::from(decimal)
        ))),
    }
}

/// Digits as they are read.
#[derive(Default)]
struct Digits {
    /// How many bytes of the text were read.
    length: usize,
    /// How many digits.
    count: usize,
    /// The number that the digits write, if it is exact.
    mantissa: u64,
    is_exact: bool,
    exponent: i64,
}

impl Digits {
    fn take_digits(&mut self, text: &[u8]) {
        while let Some(byte @ b'0'..=b'9') = text.get(self.length) {
            self.mantissa = self.mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
            self.count += 1;
            self.length += 1;
        }
        // 19 digits fit 64 bits, whatever they are.
        self.is_exact = self.count <= 19;
    }

    /// Read an exponent, if one follows whole: an `e` may also begin a currency.
    fn take_exponent(&mut self, text: &[u8]) {
        let rest = &text[self.length..];
        let (sign, start) = match rest {
            [b'e' | b'E', b'-', ..] => (-1, 2),
            [b'e' | b'E', b'+', ..] => (1, 2),
            [b'e' | b'E', ..] => (1, 1),
            _ => return,
        };
        let digits = rest[start..].iter().take_while(|byte| byte.is_ascii_digit());
        let (mut exponent, mut count) = (0i64, 0);
        for digit in digits {
            exponent = exponent.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
            count += 1;
        }
        if count > 0 {
            self.length += start + count;
            self.exponent = self.exponent.saturating_add(sign * exponent);
        }
    }
}

/// How a number is said to be negative, or not to be.
#[derive(PartialEq, Eq)]
enum Negation {
    None,
    Plus,
    Minus,
    /// Brackets, which are still open or closed.
    Open,
    Closed,
}

/// What stands around the digits, each of it at most once.
struct Around<'f> {
    form: &'f NumberForm,
    currency: bool,
    negation: Negation,
}

impl Around<'_> {
    fn is_negative(&self) -> bool {
        matches!(self.negation, Negation::Minus | Negation::Closed)
    }

    /// Take what stands before the digits.
    fn before<'a>(&mut self, mut text: &'a [u8]) -> &'a [u8] {
        loop {
            if let Some(rest) = self.take_currency(text) {
                text = after_blanks(rest);
            } else if self.negation != Negation::None {
                return text;
            } else if let Some(rest) = text.strip_prefix(b"(") {
                (self.negation, text) = (Negation::Open, rest);
            } else if let Some(rest) = after_minus(text) {
                (self.negation, text) = (Negation::Minus, rest);
            } else if let Some(rest) = text.strip_prefix(b"+") {
                (self.negation, text) = (Negation::Plus, rest);
            } else {
                return text;
            }
        }
    }

    /// Take what stands after the digits, to the end.
    fn after(&mut self, mut text: &[u8]) -> Option<()> {
        while !text.is_empty() {
            if let Some(rest) = self.take_currency(after_blanks(text)) {
                text = rest;
            } else if self.negation == Negation::Open
                && let Some(rest) = text.strip_prefix(b")")
            {
                (self.negation, text) = (Negation::Closed, rest);
            } else if self.negation == Negation::None
                && let Some(rest) = after_minus(text)
            {
                (self.negation, text) = (Negation::Minus, rest);
            } else {
                return None;
            }
        }
        (self.negation != Negation::Open).then_some(())
    }

    fn take_currency<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        if self.currency || self.form.currency.is_empty() {
            return None;
        }
        let rest = text.strip_prefix(self.form.currency.as_slice())?;
        self.currency = true;
        Some(rest)
    }
}

fn after_apostrophe(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"'").or_else(|| text.strip_prefix(CURVED_APOSTROPHE))
}

fn after_minus(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"-").or_else(|| text.strip_prefix(MINUS))
}

/// Infinities and no numbers, as programs write them.
fn no_finite_number(text: &[u8]) -> Option<f64> {
    let (sign, word) = match text {
        [b'-', word @ ..] => (-1.0, word),
        _ => (1.0, text.strip_prefix(b"+").unwrap_or(text)),
    };
    if !word.first()?.is_ascii_alphabetic() {
        return None;
    }
    if word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity") {
        return Some(sign * f64::INFINITY);
    }
    word.eq_ignore_ascii_case(b"nan").then_some(f64::NAN)
}

/// Read digits with a minus and a decimal mark at most, where the float is exact.
#[inline]
fn plain_number(text: &[u8], decimal: u8) -> Option<f64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if let Some((mantissa, places)) = short_decimal(text, decimal) {
        let float = exact_float(mantissa, -(places as i64))?;
        return Some(if negative { -float } else { float });
    }
    // 19 digits fit 64 bits, whatever they are.
    if text.len() > 19 {
        return None;
    }
    let mut mantissa = 0;
    let whole = leading_digits(text, &mut mantissa);
    let places = match &text[whole..] {
        [] => 0,
        [mark, fraction @ ..] if *mark == decimal => {
            if leading_digits(fraction, &mut mantissa) < fraction.len() {
                return None;
            }
            fraction.len()
        }
        _ => return None,
    };
    if whole + places == 0 {
        return None;
    }
    let float = exact_float(mantissa, -(places as i64))?;
    Some(if negative { -float } else { float })
}

/// The digits and the decimal places of a text of up to eight bytes, all at once: digits with a mark
/// among them at most. Any other text gives none.
#[inline]
fn short_decimal(text: &[u8], decimal: u8) -> Option<(u64, u32)> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let length = text.len();
    // The text in one word, the first byte lowest.
    let word = match length {
        4..=8 => {
            let part = |bytes: &[u8]| bytes.first_chunk().map_or(0, |b| u32::from_le_bytes(*b));
            let (start, end) = (u64::from(part(text)), u64::from(part(&text[length - 4..])));
            // What stands in both is the same in both.
            start | end << (8 * (length - 4))
        }
        1..=3 => text.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        _ => return None,
    };
    // Zeros before it, so that the last byte is the highest.
    let mut word =
        word << (8 * (8 - length)) | (EACH * 0x30).checked_shr(8 * length as u32).unwrap_or(0);
    // The lowest of the bytes that are the mark has its highest bit set here, and no lower one has.
    let other = word ^ (EACH * u64::from(decimal));
    let marks = other.wrapping_sub(EACH) & !other & (EACH * 0x80);
    let mut places = 0;
    if marks != 0 {
        if length == 1 {
            return None;
        }
        // A zero in front takes the place of the mark.
        let bit = marks.trailing_zeros() - 7;
        let before = word & ((1 << bit) - 1);
        let after = word.checked_shr(bit + 8).map_or(0, |after| after << (bit + 8));
        word = after | before << 8 | 0x30;
        places = (56 - bit) / 8;
    }
    let digits = word ^ (EACH * 0x30);
    if (digits | digits.wrapping_add(EACH * 0x76)) & (EACH * 0x80) != 0 {
        return None;
    }
    // Neighbours are put together three times: digits, pairs, fours.
    let pairs = (digits * 10 + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    Some(((fours * 10_000 + (fours >> 32)) & 0xFFFF_FFFF, places))
}

/// Append the digits that a text begins with to a number: how many they are.
#[inline]
fn leading_digits(text: &[u8], number: &mut u64) -> usize {
    for (i, byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return i;
        }
        *number = *number * 10 + u64::from(digit);
    }
    text.len()
}

/// `mantissa` × 10^`exponent`, where both are floats: what one operation makes of them is rounded
/// once, and so correctly (W. D. Clinger, “How to read floating point numbers accurately”, 1990).
#[inline]
fn exact_float(mantissa: u64, exponent: i64) -> Option<f64> {
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    if mantissa >> 53 != 0 {
        return None;
    }
    let power = *POWERS.get(usize::try_from(exponent.unsigned_abs()).ok()?)?;
    let float = mantissa as f64;
    Some(if exponent < 0 { float / power } else { float * power })
}

fn std_float(number: &[u8]) -> Option<f64> {
    str::from_utf8(number).ok()?.parse().ok()
}

/// Read the numbers of a column.
///
/// # Errors
/// The first text that is no number of the form.
pub fn parse_numbers(
    columns: &[Column<Texts>],
    form: &NumberForm,
    null_words: &NullWords,
) -> Result<ReadColumn<f64>> {
    read_columns(columns, null_words, |text| form.read(text).ok_or(())).map_err(
        |Refused { row, text, fault: () }| {
            let value = String::from_utf8_lossy(text).into_owned();
            Error::Unreadable { row, message: format!("\"{value}\" is no number"), value }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn short_decimals_are_their_digits(text in "[0-9]{0,8}|[0-9]{0,7},[0-9]{0,7}|[0-9,.;x/:]{0,9}") {
            let (whole, fraction) = text.split_once(',').unwrap_or((&text, ""));
            let digits = format!("{whole}{fraction}");
            let expected = (1..=8).contains(&text.len())
                && !digits.is_empty()
                && digits.bytes().all(|byte| byte.is_ascii_digit());
            let expected = expected.then(|| (digits.parse().unwrap(), fraction.len() as u32));
            prop_assert_eq!(short_decimal(text.as_bytes(), b','), expected);
        }
    }
}
