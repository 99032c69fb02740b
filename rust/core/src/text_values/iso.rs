//! ISO 8601 dates and instants.

use jiff::fmt::temporal::DateTimeParser;

use super::blanks::{after_blanks, trimmed};
use super::date_parts::{hyphened_day, instant, time_of_day};
use crate::calendar::{DAY, day_of};
use crate::error::{Error, Result};

/// Read an ISO 8601 date or date and time: the instant in microseconds since 1970-01-01, and
/// whether the text has an offset. Without one, the instant is the wall time.
///
/// Date and time may stand apart by blanks, and so may time and offset; an offset may be `UTC`, an
/// hour have one digit. Fractions finer than a microsecond are cut.
///
/// # Errors
/// A sentence that quotes the text and, for `11/12/2010` and the like, says why it is refused.
#[inline]
pub fn parse_instant(text: &[u8]) -> Result<(i64, bool)> {
    iso_instant(text).ok_or_else(|| not_a_date(&String::from_utf8_lossy(text)))
}

/// Read an ISO text as [`parse_instant`] does.
#[inline]
pub(crate) fn iso_instant(text: &[u8]) -> Option<(i64, bool)> {
    common_instant(text).or_else(|| any_instant(text))
}

/// Read the forms that files are full of: `2024-01-05`, and with `T` or blanks a time `9:05`,
/// `09:05:30`, `09:05:30.25` with or without `Z`, `UTC`, `+02`, `+0200`, `+02:00`.
#[inline]
fn common_instant(text: &[u8]) -> Option<(i64, bool)> {
    let (&date, rest) = text.split_first_chunk()?;
    let day = hyphened_day(date)?;
    if rest.is_empty() {
        return Some((day * DAY, false));
    }
    let time = match rest {
        [b'T' | b't', time @ ..] => time,
        _ => after_blanks(rest),
    };
    if time.len() == rest.len() {
        return None;
    }
    let (time, rest) = time_of_day(time)?;
    instant(day, time, rest)
}

/// Read any form, in blanks: the calendar knows those without hyphens and colons, years of six
/// digits, offsets with seconds and names of zones in brackets.
#[cold]
fn any_instant(text: &[u8]) -> Option<(i64, bool)> {
    static PARSER: DateTimeParser = DateTimeParser::new();
    let text = trimmed(text.trim_ascii());
    if let Some(read) = common_instant(text) {
        return Some(read);
    }
    let pieces = PARSER.parse_pieces(text).ok()?;
    let time = pieces.time().unwrap_or_default();
    let of_day =
        i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    let micros = of_day * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1000;
    let wall = i64::from(day_of(pieces.date())) * DAY + micros;
    Some(match pieces.to_numeric_offset() {
        Some(offset) => (wall - i64::from(offset.seconds()) * 1_000_000, true),
        None => (wall, false),
    })
}

fn not_a_date(text: &str) -> Error {
    let parts: Vec<&str> = text.trim().split(['/', '.', '-']).collect();
    let number = |part: &str| {
        !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit())
    };
    let day_first = parts.len() == 3
        && parts[0].len() <= 2
        && number(parts[0])
        && number(parts[1])
        && number(parts[2].split([' ', 'T']).next().unwrap_or_default());
    let message = if day_first {
        format!(
            "the date \"{text}\" is ambiguous (day, month and year may stand in several orders): write dates as YYYY-MM-DD"
        )
    } else {
        format!(
            "the date \"{text}\" cannot be read: write dates as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS"
        )
    };
    Error::Value { message, role: "date", value: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<(i64, bool)> {
        iso_instant(text.as_bytes())
    }

    /// What the calendar alone reads.
    fn calendar(text: &str) -> Option<(i64, bool)> {
        let pieces = DateTimeParser::new().parse_pieces(text.trim_ascii()).ok()?;
        let shown = pieces.date().to_datetime(pieces.time().unwrap_or_default());
        let since = shown.duration_since(date(1970, 1, 1).at(0, 0, 0, 0));
        let micros = i64::try_from(since.as_nanos().div_euclid(1000)).unwrap();
        Some(match pieces.to_numeric_offset() {
            Some(offset) => (micros - i64::from(offset.seconds()) * 1_000_000, true),
            None => (micros, false),
        })
    }

    #[test]
    fn every_day_is_read() {
        let mut day = date(0, 1, 1);
        loop {
            let text = day.to_string();
            assert_eq!(read(&text), calendar(&text), "{text}");
            match day.tomorrow() {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
    }

    #[test]
    fn forms_beyond_the_standard_are_read() {
        let at = |text: &str| calendar(text).unwrap();
        for (text, same) in [
            ("2024-01-05 9:05", "2024-01-05T09:05"),
            ("2024-01-05T9:05:07", "2024-01-05T09:05:07"),
            ("2024-01-05  9:05", "2024-01-05T09:05"),
            ("2024-01-05\u{a0}09:05", "2024-01-05T09:05"),
            ("\u{202f}2024-01-05\u{a0}", "2024-01-05"),
            (" \n2024-01-05T09:05\r", "2024-01-05T09:05"),
            ("2024-01-05 09:05 UTC", "2024-01-05T09:05Z"),
            ("2024-01-05 09:05UTC", "2024-01-05T09:05Z"),
            ("2024-01-05 09:05 Z", "2024-01-05T09:05Z"),
            ("2024-01-05 09:05 +02:00", "2024-01-05T09:05+02:00"),
            ("2024-01-05 09:05:30.5 +0200", "2024-01-05T09:05:30.5+02:00"),
            ("2024-01-05 9:05 -02", "2024-01-05T09:05-02:00"),
            ("2024-01-05 09:05:30.123456789012345", "2024-01-05T09:05:30.123456"),
            ("2024-01-05 09:05:30,9999999999999999999999Z", "2024-01-05T09:05:30.999999Z"),
        ] {
            assert_eq!(read(text), Some(at(same)), "{text:?}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            " ",
            "2024",
            "2024-01",
            "2024-1-05",
            "2024-01-5",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
            "2024-02-30",
            "2023-02-29",
            "1900-02-29",
            "2024-04-31",
            "2024-01-05Z",
            "2024-01-05 UTC",
            "2024-01-05T",
            "2024-01-05T ",
            "2024-01-05 24:00",
            "2024-01-05 24:00:00",
            "2024-01-05 23:60",
            "2024-01-05 23:59:61",
            "2024-01-05 9",
            "2024-01-05 9:5",
            "2024-01-05 09:05.",
            "2024-01-05 09:05:30.",
            "2024-01-05 09:05.5",
            "2024-01-05 09:05 utc",
            "2024-01-05 09:05 GMT",
            "2024-01-05 09:05 +2",
            "2024-01-05 09:05 +26",
            "2024-01-05 09:05 +02:60",
            "2024-01-05 09:05 +02:00:30",
            "2024-01-05 09:05 UTC+2",
            "2024-01-05 9:05 PM",
            "2024-01-05T T09:05",
            "-0001-01-01",
            "10000-01-01",
            "+10000-01-01",
            "2024/01/05",
            "２０２４-01-05",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn leap_seconds_are_the_second_before() {
        for text in ["2016-12-31T23:59:60Z", "2016-12-31 23:59:60.5", "2016-01-01T10:00:60"] {
            assert_eq!(read(text), calendar(text), "{text}");
            assert!(read(text).is_some());
        }
    }

    /// Texts that are instants, or nearly.
    fn nearly() -> impl Strategy<Value = String> {
        let blanks = || prop::sample::select(vec!["", "", "", "", " ", "\t"]);
        let year = prop_oneof![8 => "[0-9]{4}", 1 => "[+-]00[0-9]{4}"];
        let part = || prop_oneof![9 => "[0-5][0-9]", 1 => "[0-9]{1,2}"];
        let date = (year, "-?", "(0[1-9]|1[0-2]|[0-9]{2})", "-?", "([0-2][0-9]|3[01])")
            .prop_map(|(y, a, m, b, d)| format!("{y}{a}{m}{b}{d}"));
        let time = prop_oneof![
            (part(), part(), part(), "([.,][0-9]{0,11})?")
                .prop_map(|(h, m, s, f)| format!("{h}:{m}:{s}{f}")),
            (part(), part()).prop_map(|(h, m)| format!("{h}:{m}")),
            "[0-2][0-9]([0-5][0-9]([0-5][0-9]([.,][0-9]{1,9})?)?)?",
        ];
        let zone = prop_oneof![
            3 => Just(String::new()),
            1 => "[Zz]",
            2 => "[+-][0-2][0-9](:?[0-5][0-9](:?[0-5][0-9](\\.[0-9]{1,3})?)?)?",
            1 => "\\[(Europe/Paris|\\+02:00|UTC)\\]",
        ];
        (blanks(), date, prop::option::weighted(0.9, ("[Tt ]", time, zone)), blanks()).prop_map(
            |(before, date, time, after)| {
                let time = time.map_or(String::new(), |(t, time, zone)| format!("{t}{time}{zone}"));
                format!("{before}{date}{time}{after}")
            },
        )
    }

    /// A text with an hour of one digit or a long fraction, as the standard has them.
    fn standard(text: &str) -> String {
        let (date, time) = text.split_at(10);
        let time = time[1..].trim_start();
        let hour = if time.as_bytes()[1] == b':' { "0" } else { "" };
        let end = time.find(['.', ',']).map_or(time.len(), |at| at + 1);
        let digits = time[end..].bytes().take_while(u8::is_ascii_digit).count();
        format!("{date}T{hour}{}{}", &time[..end + digits.min(9)], &time[end + digits..])
    }

    proptest! {
        #[test]
        fn what_the_calendar_reads_is_read_alike(texts in prop::collection::vec(nearly(), 10)) {
            for text in texts {
                let (found, wanted) = (read(&text), calendar(&text));
                if found.is_some() && wanted.is_none() {
                    prop_assert_eq!(found, calendar(&standard(text.trim_ascii())), "{}", text);
                } else {
                    prop_assert_eq!(found, wanted, "{}", text);
                }
            }
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse_instant(&bytes);
        }

        #[test]
        fn no_change_of_a_text_is_too_strange(
            text in nearly(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let found = iso_instant(&bytes);
            if let Ok(text) = str::from_utf8(&bytes) && let Some(wanted) = calendar(text) {
                prop_assert_eq!(found, Some(wanted));
            }
        }
    }
}
