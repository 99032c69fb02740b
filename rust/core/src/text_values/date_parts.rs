//! The parts of written instants: numbers of digits, days of the calendar, times of day, zones.

use super::blanks::after_blanks;
use crate::calendar::DAY;

pub(super) const MILLISECOND: i64 = 1_000;
pub(super) const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// The number that `N` bytes write; none if one of them is no digit.
#[inline]
pub(super) fn digits<const N: usize>(bytes: [u8; N]) -> Option<u32> {
    let (mut number, mut wrong) = (0, false);
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        wrong |= digit > 9;
        number = number * 10 + u32::from(digit);
    }
    (!wrong).then_some(number)
}

/// A number of one or two digits, and what follows them.
#[inline]
pub(super) fn one_or_two_digits(text: &[u8]) -> Option<(u32, &[u8])> {
    match *text {
        [tens @ b'0'..=b'9', units @ b'0'..=b'9', ref rest @ ..] => {
            Some((u32::from(tens - b'0') * 10 + u32::from(units - b'0'), rest))
        }
        [units @ b'0'..=b'9', ref rest @ ..] => Some((u32::from(units - b'0'), rest)),
        _ => None,
    }
}

/// The numbers of two digits that eight bytes write, each in the lower half of 16 bits, the first
/// lowest; none if one of the bytes is no digit.
#[inline]
fn pairs(bytes: u64) -> Option<u64> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // A digit is now 0 to 9, and what is none has its highest bit set, or gets it by 0x76.
    let digits = bytes ^ (EACH * 0x30);
    if (digits | digits.wrapping_add(EACH * 0x76)) & (EACH * 0x80) != 0 {
        return None;
    }
    Some(((digits * 10) + (digits >> 8)) & 0x00FF_00FF_00FF_00FF)
}

/// The days since 1970-01-01 of `2024-01-05`.
#[inline]
pub(super) fn hyphened_day(text: [u8; 10]) -> Option<i64> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text else {
        return None;
    };
    let pairs = pairs(u64::from_le_bytes([y0, y1, y2, y3, m0, m1, d0, d1]))?;
    let pair = |number: u32| (pairs >> (16 * number)) as u32 & 0xFF;
    day_number(pair(0) * 100 + pair(1), pair(2), pair(3))
}

/// The two small numbers and the year of `05/01/2024`, whose separators are alike.
#[inline]
pub(super) fn small_first_parts(text: [u8; 10]) -> Option<(u32, u32, u32)> {
    let [a0, a1, separator @ (b'/' | b'-' | b'.'), b0, b1, again, y0, y1, y2, y3] = text else {
        return None;
    };
    if again != separator {
        return None;
    }
    let pairs = pairs(u64::from_le_bytes([a0, a1, b0, b1, y0, y1, y2, y3]))?;
    let pair = |number: u32| (pairs >> (16 * number)) as u32 & 0xFF;
    Some((pair(0), pair(1), pair(2) * 100 + pair(3)))
}

/// The days since 1970-01-01 of a date of the years 0 to 9999, if there is such a day.
#[inline]
pub(super) fn day_number(year: u32, month: u32, day: u32) -> Option<i64> {
    // Days from the first of March of year −400 to 1970-01-01.
    const EPOCH: u32 = 719_468 + 146_097;
    if !(1..=12).contains(&month) || day == 0 || (day > 28 && day > month_length(year, month)) {
        return None;
    }
    // Years begin in March here, so that the day that leap years add is their last.
    let before_march = u32::from(month < 3);
    let year = year + 400 - before_march;
    let month = month + 12 * before_march - 3;
    let century = year / 100;
    let days = year * 365 + year / 4 - century + century / 4 + (153 * month + 2) / 5 + day - 1;
    Some(i64::from(days) - i64::from(EPOCH))
}

fn month_length(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A time of day with its hour from 0 to 23, in microseconds, and what follows it.
///
/// The hour has one digit or two; minutes are written, seconds and a fraction of any length may be.
/// A leap second is the second before it, as `jiff` has it.
#[inline]
pub(super) fn time_of_day(text: &[u8]) -> Option<(i64, &[u8])> {
    if let Some((&[h0, h1, b':', m0, m1, b':', s0, s1], rest)) = text.split_first_chunk() {
        let pairs = pairs(u64::from_le_bytes([h0, h1, m0, m1, s0, s1, b'0', b'0']))?;
        let pair = |number: u32| (pairs >> (16 * number)) as u32 & 0xFF;
        return with_fraction((micros_of_day(pair(0), pair(1), pair(2))?, rest));
    }
    let (hour, rest) = one_or_two_digits(text)?;
    let &[b':', m0, m1, ref rest @ ..] = rest else {
        return None;
    };
    let minute = digits([m0, m1])?;
    let &[b':', s0, s1, ref rest @ ..] = rest else {
        return Some((micros_of_day(hour, minute, 0)?, rest));
    };
    with_fraction((micros_of_day(hour, minute, digits([s0, s1])?)?, rest))
}

/// A time of day in microseconds, if there is such a time.
#[inline]
fn micros_of_day(hour: u32, minute: u32, second: u32) -> Option<i64> {
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(i64::from(hour * 3600 + minute * 60 + second.min(59)) * SECOND)
}

/// A time with the fraction of its second that may follow.
#[inline]
fn with_fraction((micros, rest): (i64, &[u8])) -> Option<(i64, &[u8])> {
    match rest {
        [b'.' | b',', rest @ ..] => fraction(rest, 6).map(|(more, rest)| (micros + more, rest)),
        _ => Some((micros, rest)),
    }
}

/// A fraction in units of 10^-`places`, finer ones cut, and what follows; none without a digit.
#[inline]
pub(super) fn fraction(text: &[u8], places: usize) -> Option<(i64, &[u8])> {
    let (mut units, mut length) = (0, 0);
    while let Some(byte @ b'0'..=b'9') = text.get(length) {
        if length < places {
            units = units * 10 + i64::from(byte - b'0');
        }
        length += 1;
    }
    for _ in length..places {
        units *= 10;
    }
    (length > 0).then(|| (units, &text[length..]))
}

/// The instant of a day, a time of it and the zone that ends the text, and whether there is one.
#[inline]
pub(super) fn instant(day: i64, time: i64, zone: &[u8]) -> Option<(i64, bool)> {
    let wall = day * DAY + time;
    if zone.is_empty() { Some((wall, false)) } else { Some((wall - offset(zone)?, true)) }
}

/// The offset of a zone in microseconds.
fn offset(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *after_blanks(text) {
        [b'Z' | b'z'] | [b'U', b'T', b'C'] => return Some(0),
        [sign @ (b'+' | b'-'), a, b] => (sign, [a, b], [b'0', b'0']),
        [sign @ (b'+' | b'-'), a, b, c, d] | [sign @ (b'+' | b'-'), a, b, b':', c, d] => {
            (sign, [a, b], [c, d])
        }
        _ => return None,
    };
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    // The farthest offsets that `jiff` knows.
    if hours > 25 || minutes > 59 {
        return None;
    }
    let offset = i64::from(hours) * HOUR + i64::from(minutes) * MINUTE;
    Some(if sign == b'-' { -offset } else { offset })
}
