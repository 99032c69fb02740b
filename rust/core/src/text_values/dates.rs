//! Dates and instants as people, spreadsheets and programs write them.

use super::blanks::{after_blanks, blank_length};
use super::date_parts::{
    MILLISECOND, SECOND, day_number, digits, fraction, instant, one_or_two_digits,
    small_first_parts, time_of_day,
};
use super::iso::iso_instant;
use super::null_words::NullWords;
use super::read_columns::{ReadColumn, Refused, read_columns};
use crate::calendar::DAY;
use crate::columns::{Column, Texts};
use crate::error::{Error, Result};

/// How dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateForm {
    /// ISO 8601.
    Iso,
    /// `25/12/2025`
    DayMonthYear,
    /// `12/25/2025`
    MonthDayYear,
    /// `2025/12/25`
    YearMonthDay,
    /// Days of spreadsheets, of which 1 is the first of January 1900.
    Excel,
    /// Seconds since 1970-01-01 of UTC.
    EpochSeconds,
    /// Milliseconds.
    EpochMilliseconds,
    /// Microseconds.
    EpochMicroseconds,
}

/// The forms as they are named.
const FORMS: [(&str, DateForm); 8] = [
    ("iso", DateForm::Iso),
    ("dmy", DateForm::DayMonthYear),
    ("mdy", DateForm::MonthDayYear),
    ("ymd", DateForm::YearMonthDay),
    ("excel", DateForm::Excel),
    ("epoch-s", DateForm::EpochSeconds),
    ("epoch-ms", DateForm::EpochMilliseconds),
    ("epoch-us", DateForm::EpochMicroseconds),
];

impl DateForm {
    /// The form of a name.
    ///
    /// # Errors
    /// If there is none: the sentence names those there are.
    pub fn new(name: &str) -> Result<Self> {
        FORMS.iter().find(|form| form.0 == name).map(|form| form.1).ok_or_else(|| {
            let names = FORMS.map(|(name, _)| name).join(", ");
            Error::Option(format!("the form of dates is \"{name}\": take one of {names}"))
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        FORMS[self as usize].0
    }

    /// Read an instant without blanks around it, and whether its zone is known.
    pub(crate) fn read(self, text: &[u8]) -> Option<(i64, bool)> {
        match self {
            Self::Iso => iso_instant(text),
            Self::DayMonthYear => day_month_year(text),
            Self::MonthDayYear => month_day_year(text),
            Self::YearMonthDay => year_month_day(text),
            Self::Excel => excel_serial(text),
            Self::EpochSeconds => epoch(text, 6),
            Self::EpochMilliseconds => epoch(text, 3),
            Self::EpochMicroseconds => epoch(text, 0),
        }
    }
}

#[inline]
pub(crate) fn day_month_year(text: &[u8]) -> Option<(i64, bool)> {
    let (day, month, year, rest) = small_first(text)?;
    with_time(day_number(year, month, day)?, rest)
}

fn month_day_year(text: &[u8]) -> Option<(i64, bool)> {
    let (month, day, year, rest) = small_first(text)?;
    with_time(day_number(year, month, day)?, rest)
}

/// Two numbers of one or two digits, and a year.
#[inline]
fn small_first(text: &[u8]) -> Option<(u32, u32, u32, &[u8])> {
    if let Some((&date, rest)) = text.split_first_chunk()
        && let Some((first, second, year)) = small_first_parts(date)
    {
        return Some((first, second, year, rest));
    }
    let (first, rest) = one_or_two_digits(text)?;
    let (separator, rest) = separator(rest)?;
    let (second, rest) = one_or_two_digits(rest)?;
    let (&[again, y0, y1, y2, y3], rest) = rest.split_first_chunk()?;
    if again != separator {
        return None;
    }
    Some((first, second, digits([y0, y1, y2, y3])?, rest))
}

fn year_month_day(text: &[u8]) -> Option<(i64, bool)> {
    let (&year, rest) = text.split_first_chunk::<4>()?;
    let (first, rest) = separator(rest)?;
    let (month, rest) = one_or_two_digits(rest)?;
    let (again, rest) = separator(rest)?;
    let (day, rest) = one_or_two_digits(rest)?;
    if again != first {
        return None;
    }
    with_time(day_number(digits(year)?, month, day)?, rest)
}

#[inline]
fn separator(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [separator @ (b'/' | b'-' | b'.'), rest @ ..] => Some((*separator, rest)),
        _ => None,
    }
}

/// A day with the time that may follow it: `T`, blanks or a comma and blanks, then a time of 24
/// hours, or of 12 with AM or PM, then a zone.
#[inline]
fn with_time(day: i64, text: &[u8]) -> Option<(i64, bool)> {
    if text.is_empty() {
        return Some((day * DAY, false));
    }
    let time = match text {
        [b'T' | b't', time @ ..] => time,
        [b',', time @ ..] if blank_length(time) > 0 => after_blanks(time),
        _ if blank_length(text) > 0 => after_blanks(text),
        _ => return None,
    };
    let (time, rest) = time_of_day(time)?;
    let (time, rest) = match after_blanks(rest) {
        [half @ (b'a' | b'A' | b'p' | b'P'), b'm' | b'M', rest @ ..] => {
            (of_half_day(time, half.eq_ignore_ascii_case(&b'p'))?, rest)
        }
        _ => (time, rest),
    };
    instant(day, time, rest)
}

/// A time of twelve hours, of which the twelfth is the first, as one of the day.
fn of_half_day(time: i64, afternoon: bool) -> Option<i64> {
    const HOUR: i64 = 3600 * SECOND;
    let hour = time / HOUR;
    if !(1..=12).contains(&hour) {
        return None;
    }
    Some(time % (12 * HOUR) + if afternoon { 12 * HOUR } else { 0 })
}

/// A day of spreadsheets with its time as a fraction, to the millisecond that they keep.
///
/// Spreadsheets count a 29 February 1900, which never was, as day 60.
fn excel_serial(text: &[u8]) -> Option<(i64, bool)> {
    /// 1899-12-30, from which days count after that February; and 9999-12-31.
    const START: i64 = -25_569;
    const LAST: i64 = 2_958_465;
    /// Digits to read: they are less than a microsecond, as is what a float of these days holds,
    /// and what they make of a day fits 64 bits.
    const PLACES: usize = 11;
    const UNIT: i64 = 10i64.pow(PLACES as u32);
    let (serial, rest) = whole(text)?;
    if !(1..=LAST).contains(&serial) || serial == 60 {
        return None;
    }
    let fraction = match rest {
        [] => 0,
        [b'.' | b',', rest @ ..] => match fraction(rest, PLACES)? {
            (fraction, []) => fraction,
            _ => return None,
        },
        _ => return None,
    };
    let milliseconds = (fraction * (DAY / MILLISECOND) + UNIT / 2) / UNIT;
    let day = START + serial + i64::from(serial < 60);
    let micros = day * DAY + milliseconds * MILLISECOND;
    // The last millisecond of all may be rounded into a year of five digits.
    (micros < (START + LAST + 1) * DAY).then_some((micros, false))
}

/// A number of units of 10^`places` µs since 1970-01-01 of UTC, in the years −9999 to 9999, beyond
/// which there is no calendar. Finer fractions are cut, as those of finer columns are: downwards.
fn epoch(text: &[u8], places: usize) -> Option<(i64, bool)> {
    const EARLIEST: i64 = -377_705_116_800_000_000;
    const LATEST: i64 = 253_402_300_799_999_999;
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (units, rest) = whole(digits)?;
    let (fraction, finer) = match rest {
        [] => (0, false),
        [b'.' | b',', digits @ ..] => match fraction(digits, places)? {
            (found, []) => (found, digits.iter().skip(places).any(|&digit| digit != b'0')),
            _ => return None,
        },
        _ => return None,
    };
    let micros = units.checked_mul(10i64.pow(places as u32))?.checked_add(fraction)?;
    let micros = if negative { -micros - i64::from(finer) } else { micros };
    (EARLIEST..=LATEST).contains(&micros).then_some((micros, true))
}

/// The whole number that a text begins with, and what follows it.
fn whole(text: &[u8]) -> Option<(i64, &[u8])> {
    let (mut number, mut length) = (0i64, 0);
    while let Some(byte @ b'0'..=b'9') = text.get(length) {
        number = number.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
        length += 1;
    }
    (length > 0).then(|| (number, &text[length..]))
}

/// The instants of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadDates {
    /// The instants, in microseconds since 1970-01-01: of UTC if they are zoned, else wall times.
    pub column: ReadColumn<i64>,
    /// Whether they are zoned; what was known before, where the column holds no value.
    pub zoned: Option<bool>,
}

/// Why a text is no date of its column.
enum Fault {
    NoDate,
    OtherZone { zoned: bool },
}

/// Read the dates of a column, of which all have a zone or none: as `zoned` says, or the first.
///
/// # Errors
/// The first text that is no date of the form, or has a zone where those before have none, or none
/// where they have one.
pub fn parse_dates(
    columns: &[Column<Texts>],
    form: DateForm,
    null_words: &NullWords,
    zoned: Option<bool>,
) -> Result<ReadDates> {
    // What the first text lacks is found when it is read in its turn.
    let zoned = zoned.or_else(|| form.read(first_text(columns, null_words)?).map(|read| read.1));
    let expected = zoned.unwrap_or_default();
    macro_rules! read {
        ($read:expr) => {
            read_columns(columns, null_words, |text| match $read(text) {
                Some((instant, zoned)) if zoned == expected => Ok(instant),
                Some((_, zoned)) => Err(Fault::OtherZone { zoned }),
                None => Err(Fault::NoDate),
            })
        };
    }
    // ISO texts are the most, and have a loop of their own.
    let read = match form {
        DateForm::Iso => read!(iso_instant),
        form => read!(|text| form.read(text)),
    };
    let column = read.map_err(|refused| unreadable(refused, form))?;
    Ok(ReadDates { column, zoned })
}

/// The first text that is neither missing nor a null word.
fn first_text<'a>(columns: &'a [Column<Texts>], null_words: &NullWords) -> Option<&'a [u8]> {
    columns.iter().find_map(|column| {
        (0..column.values.views.len())
            .filter(|&row| column.is_valid(row))
            .map(|row| super::blanks::trimmed(column.values.get(row)))
            .find(|text| !null_words.has(text))
    })
}

fn unreadable(Refused { row, text, fault }: Refused<Fault>, form: DateForm) -> Error {
    let value = String::from_utf8_lossy(text).into_owned();
    let message = match fault {
        Fault::NoDate => format!("\"{value}\" is no date in the form {}", form.name()),
        Fault::OtherZone { zoned: true } => {
            format!("\"{value}\" has a zone, and rows before have none")
        }
        Fault::OtherZone { zoned: false } => {
            format!("\"{value}\" has no zone, and rows before have one")
        }
    };
    Error::Unreadable { message, row, value }
}
