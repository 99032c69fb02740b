//! Days, durations and time zones, all through `jiff` and its bundled zone rules.

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};

use crate::error::{Error, Result};
use crate::text_values::parse_instant;

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;

/// A unit of a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationUnit {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
    /// `w`
    Week,
    /// `mo`, a calendar month.
    Month,
    /// `q`, three calendar months.
    Quarter,
    /// `y`, a calendar year.
    Year,
}

/// A length of time in the one grammar of the package: `<integer><unit>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration {
    /// How many units, at least 1.
    pub count: i32,
    /// The unit.
    pub unit: DurationUnit,
}

/// The units as they are written, in their order.
const UNITS: [(&str, DurationUnit); 8] = [
    ("s", DurationUnit::Second),
    ("m", DurationUnit::Minute),
    ("h", DurationUnit::Hour),
    ("d", DurationUnit::Day),
    ("w", DurationUnit::Week),
    ("mo", DurationUnit::Month),
    ("q", DurationUnit::Quarter),
    ("y", DurationUnit::Year),
];

impl Duration {
    /// Read `3w`, `24mo`, `1y`, …
    ///
    /// # Errors
    /// If the text is anything else: the sentence says which units there are.
    pub fn parse(text: &str) -> Result<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let Some(&(_, unit)) = UNITS.iter().find(|(name, _)| *name == &text[digits..]) else {
            return Err(not_a_duration(text));
        };
        let significant = text[..digits].trim_start_matches('0');
        if significant.is_empty() {
            return Err(not_a_duration(text));
        }
        match significant.parse::<i32>() {
            Ok(count) if count <= MAX_UNITS => Ok(Self { count, unit }),
            // Digits alone fail for nothing but their number.
            _ => Err(Error::Option(format!(
                "the duration \"{text}\" is too long: a duration has at most {MAX_UNITS} units"
            ))),
        }
    }

    /// The unit as it is written.
    pub fn unit_text(self) -> &'static str {
        UNITS[self.unit as usize].0
    }

    /// The day this long before `day`; months and years clamp at the ends of months.
    ///
    /// # Errors
    /// If the unit is finer than a day, or the result lies before the year −9999.
    pub fn before(self, day: i32) -> Result<i32> {
        self.span().and_then(|span| {
            let before = span.and_then(|span| date_of(day)?.checked_sub(span)).map(day_of);
            before.map_err(|_| self.out_of_calendar("before the calendar begins"))
        })
    }

    /// The day this long after `day`; months and years clamp at the ends of months.
    ///
    /// # Errors
    /// If the unit is finer than a day, or the result lies beyond the year 9999.
    pub fn after(self, day: i32) -> Result<i32> {
        self.span().and_then(|span| {
            let after = span.and_then(|span| date_of(day)?.checked_add(span)).map(day_of);
            after.map_err(|_| self.out_of_calendar("beyond the year 9999"))
        })
    }

    fn out_of_calendar(self, bound: &str) -> Error {
        let written = format!("{}{}", self.count, self.unit_text());
        Error::Option(format!("the duration \"{written}\" reaches {bound}: take a shorter one"))
    }

    /// The calendar's own form, or what is wrong with it; a unit finer than a day is refused.
    fn span(self) -> Result<std::result::Result<Span, jiff::Error>> {
        let written = format!("{}{}", self.count, self.unit_text());
        Ok(match self.unit {
            DurationUnit::Second | DurationUnit::Minute | DurationUnit::Hour => {
                let hint = if self.unit == DurationUnit::Minute {
                    format!("it is {} minutes, for months write {}mo", self.count, self.count)
                } else {
                    "take a unit of d, w, mo, q or y".to_owned()
                };
                return Err(Error::Option(format!(
                    "the duration \"{written}\" is finer than a day, and days are what is counted here: {hint}"
                )));
            }
            DurationUnit::Day => Span::new().try_days(self.count),
            DurationUnit::Week => Span::new().try_weeks(self.count),
            DurationUnit::Month => Span::new().try_months(self.count),
            DurationUnit::Quarter => Span::new().try_months(i64::from(self.count) * 3),
            DurationUnit::Year => Span::new().try_years(self.count),
        })
    }
}

/// Ten thousand years of days: more than any calendar here holds, small enough to multiply.
const MAX_UNITS: i32 = 3_660_000;

fn not_a_duration(text: &str) -> Error {
    Error::Option(format!(
        "\"{text}\" is not a duration: write a whole number above 0 and a unit, one of s, m (minutes), h, d, w, mo (months), q, y, as in \"3w\" or \"24mo\""
    ))
}

/// 1970-01-01, day 0.
fn epoch() -> Date {
    jiff::civil::date(1970, 1, 1)
}

/// The number of a date, in days since 1970-01-01.
pub(crate) fn day_of(date: Date) -> i32 {
    // Both ends lie within ±9999 years, so the difference in days fits.
    (date - epoch()).get_days()
}

/// The date of a day number.
fn date_of(day: i32) -> std::result::Result<Date, jiff::Error> {
    epoch().checked_add(Span::new().try_days(day)?)
}

/// The day of an instant in microseconds since 1970-01-01 00:00.
#[inline]
pub fn day_of_instant(micros: i64) -> i32 {
    // ±2^63 µs are ±292,000 years, 107 million days: it always fits. Cut to units of 2^13 µs, of
    // which a day has a whole number, they leave room to be moved above zero, where to divide takes
    // one multiplication.
    const UNITS: i64 = DAY >> 13;
    const BELOW_ALL: i64 = 106_751_992;
    let units = (micros >> 13) + BELOW_ALL * UNITS;
    (units as u64 / UNITS as u64) as i32 - BELOW_ALL as i32
}

/// What a column's zone-carrying instants, and its ISO texts, mean in wall time.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: TimeZone,
    is_utc: bool,
}

impl Clock {
    /// A clock of an IANA zone such as `Europe/Paris`.
    ///
    /// # Errors
    /// If no such zone is known.
    pub fn new(zone: &str) -> Result<Self> {
        let found = TimeZoneDatabase::bundled().get(zone).map_err(|_| {
            Error::Option(format!(
                "no time zone is named \"{zone}\": write an IANA name such as \"Europe/Paris\" or \"UTC\""
            ))
        })?;
        Ok(Self { is_utc: found == TimeZone::UTC || zone.eq_ignore_ascii_case("utc"), zone: found })
    }

    /// The wall time, in microseconds, of an instant of UTC in microseconds.
    #[inline]
    pub fn wall(&self, micros: i64) -> i64 {
        if self.is_utc {
            return micros;
        }
        let Ok(instant) = Timestamp::from_microsecond(micros) else {
            return micros; // beyond the calendar, where zones have no meaning either
        };
        micros + i64::from(self.zone.to_offset(instant).seconds()) * 1_000_000
    }

    /// The instant of UTC, in microseconds, at which clocks show a wall time; where they show it
    /// twice it is the first, where they skip it the time after the gap.
    pub fn instant(&self, wall: i64) -> i64 {
        if self.is_utc {
            return wall;
        }
        let found = Timestamp::from_microsecond(wall)
            .map(|shown| TimeZone::UTC.to_datetime(shown))
            .and_then(|shown| self.zone.to_timestamp(shown));
        found.map_or(wall, Timestamp::as_microsecond)
    }

    /// Read an ISO 8601 date or date and time: the instant to order it by, and its wall time here.
    ///
    /// A text with an offset (`Z`, `+02:00`) is an instant of UTC, and converted; one without is
    /// taken as it stands, for both.
    ///
    /// # Errors
    /// As [`parse_instant`].
    #[inline]
    pub fn parse(&self, text: &[u8]) -> Result<(i64, i64)> {
        let (instant, zoned) = parse_instant(text)?;
        Ok((instant, if zoned { self.wall(instant) } else { instant }))
    }
}

/// The first day of a window that ends on `as_of`, less one: it holds the days above the result.
///
/// # Errors
/// As [`Duration::parse`] and [`Duration::before`].
pub fn window_start(as_of: i32, window: &str) -> Result<i32> {
    Duration::parse(window)?.before(as_of)
}

/// The day that ends a period after `from`.
///
/// # Errors
/// As [`Duration::parse`] and [`Duration::after`].
pub fn period_end(from: i32, period: &str) -> Result<i32> {
    Duration::parse(period)?.after(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> i32 {
        day_of(text.parse().unwrap())
    }

    #[test]
    fn days_of_instants_are_those_of_a_division() {
        let edges =
            |day: i64| [-1, 0, 1].map(|aside| day.saturating_mul(DAY).saturating_add(aside));
        for day in [-106_751_991, -719_162, -1, 0, 1, 20_000, 2_932_896, 106_751_991, i64::MAX] {
            for micros in edges(day).into_iter().chain(edges(-day)).chain([i64::MIN]) {
                assert_eq!(i64::from(day_of_instant(micros)), micros.div_euclid(DAY), "{micros}");
            }
        }
    }

    #[test]
    fn calendar_units_clamp_at_month_ends() {
        for (from, window, to) in [
            ("2026-05-31", "3mo", "2026-02-28"),
            ("2024-05-31", "3mo", "2024-02-29"),
            ("2024-02-29", "1y", "2023-02-28"),
            ("2026-05-31", "1q", "2026-02-28"),
            ("2026-03-01", "3w", "2026-02-08"),
            ("1970-01-01", "1d", "1969-12-31"),
        ] {
            assert_eq!(window_start(day(from), window), Ok(day(to)), "{from} − {window}");
        }
    }

    #[test]
    fn periods_end_in_the_calendar_too() {
        for (from, period, to) in [
            ("2026-01-31", "1mo", "2026-02-28"),
            ("2024-02-29", "1y", "2025-02-28"),
            ("2026-11-30", "1q", "2027-02-28"),
            ("2026-12-31", "1d", "2027-01-01"),
        ] {
            assert_eq!(period_end(day(from), period), Ok(day(to)), "{from} + {period}");
        }
        assert!(matches!(period_end(0, "9000y"), Err(Error::Option(m)) if m.contains("9999")));
        assert!(period_end(0, "36h").is_err());
    }

    #[test]
    fn other_texts_are_no_durations() {
        for text in
            ["", "3", "w", "3 w", "-3w", "+3w", "0d", "3.5d", "3M", "3months", "0000y", "é", "3wé"]
        {
            assert!(
                matches!(Duration::parse(text), Err(Error::Option(m)) if m.contains("is not a duration")),
                "{text}"
            );
        }
        for text in ["99999999999y", "3660001d", "0099999999999999999999s"] {
            assert!(
                matches!(Duration::parse(text), Err(Error::Option(m)) if m.contains("is too long")),
                "{text}"
            );
        }
        assert!(Duration::parse("3660000d").is_ok() && Duration::parse("007d").is_ok());
        assert!(
            matches!(window_start(0, "3m"), Err(Error::Option(m)) if m.contains("3 minutes") && m.contains("3mo"))
        );
        assert!(matches!(window_start(0, "36h"), Err(Error::Option(_))));
        assert!(matches!(window_start(0, "3660000y"), Err(Error::Option(_))));
    }

    #[test]
    fn iso_texts_are_read_in_wall_time() {
        let utc = Clock::new("UTC").unwrap();
        let paris = Clock::new("Europe/Paris").unwrap();
        let midnight = i64::from(day("2026-11-01")) * DAY;
        assert_eq!(utc.parse(b"2026-11-01"), Ok((midnight, midnight)));
        assert_eq!(
            utc.parse(b"2026-11-01 10:00:00.25").map(|read| read.0),
            Ok(midnight + 36_000_250_000)
        );
        assert_eq!(utc.parse(b"2026-11-01T23:30:00-02:00"), utc.parse(b"2026-11-02T01:30"));
        let (instant, wall) = paris.parse(b"2026-07-14T22:30:00Z").unwrap();
        assert_eq!(utc.parse(b"2026-07-14T22:30:00"), Ok((instant, instant)));
        assert_eq!(paris.parse(b"2026-07-15T00:30:00"), Ok((wall, wall)));
        assert_eq!(paris.wall(0), 3_600_000_000);
        assert!(Clock::new("Europe/Lyon").is_err());
    }

    #[test]
    fn ambiguous_and_unreadable_texts_say_so() {
        let utc = Clock::new("UTC").unwrap();
        for text in ["11/12/2010", "1.2.03", "12/01/2010 08:26", "01-02-2010"] {
            assert!(
                matches!(utc.parse(text.as_bytes()), Err(Error::Value { message, .. }) if message.contains("ambiguous")),
                "{text}"
            );
        }
        for text in ["", "soon", "2026-13-01", "2026-02-30", "2026-11", "20h"] {
            assert!(
                matches!(utc.parse(text.as_bytes()), Err(Error::Value { message, .. }) if message.contains("cannot be read")),
                "{text}"
            );
        }
    }
}
