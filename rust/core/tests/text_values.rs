//! Numbers and dates of texts against slower readings of them.

use std::sync::LazyLock;

use grc_core::bitmap::Bitmap;
use grc_core::columns::{Column, Texts};
use grc_core::error::{Error, Result};
use grc_core::text_values::{
    DateForm, NullWords, NumberForm, ReadColumn, parse_dates, parse_instant, parse_numbers,
};
use proptest::prelude::*;
use rayon::ThreadPoolBuilder;
use regex::Regex;

/// The storage of a chunk of texts.
struct Stored {
    views: Vec<u128>,
    buffer: Vec<u8>,
    validity: Vec<u8>,
}

impl Stored {
    fn new<T: AsRef<str>>(texts: &[Option<T>]) -> Self {
        let (mut views, mut buffer) = (Vec::new(), Vec::new());
        let mut validity = vec![0; texts.len().div_ceil(8)];
        for (i, text) in texts.iter().enumerate() {
            // What stands under a missing value is looked at by nobody.
            let bytes = text.as_ref().map_or("not there", AsRef::as_ref).as_bytes();
            validity[i / 8] |= u8::from(text.is_some()) << (i % 8);
            let mut view = [0; 16];
            view[..4].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
            if bytes.len() <= 12 {
                view[4..4 + bytes.len()].copy_from_slice(bytes);
            } else {
                view[4..8].copy_from_slice(&bytes[..4]);
                view[12..].copy_from_slice(&(buffer.len() as u32).to_le_bytes());
                buffer.extend_from_slice(bytes);
            }
            views.push(u128::from_le_bytes(view));
        }
        Self { views, buffer, validity }
    }

    fn column(&self) -> Column<'_, Texts<'_>> {
        let values = Texts { views: &self.views, buffers: vec![&self.buffer] };
        Column { values, validity: Some(Bitmap { bytes: &self.validity, offset: 0 }) }
    }
}

/// What was read, a value a row.
fn rows<T: Copy>(read: &ReadColumn<T>) -> Vec<Option<T>> {
    let chunks = read.chunks.iter();
    let rows = chunks.flat_map(|chunk| {
        chunk.values.iter().enumerate().map(|(i, &value)| {
            let there = chunk.validity.as_ref().is_none_or(|bits| bits[i / 8] >> (i % 8) & 1 == 1);
            there.then_some(value)
        })
    });
    rows.collect()
}

/// The signs around and in numbers: decimal mark, mark between thousands, currency.
type Signs = (&'static str, Option<&'static str>, Option<&'static str>);

const PLAIN: Signs = (".", None, None);
const FRENCH: Signs = (",", Some(" "), Some("€"));
const GERMAN: Signs = (",", Some("."), Some("EUR"));
const AMERICAN: Signs = (".", Some(","), Some("US$"));
const SWISS: Signs = (".", Some("'"), Some("CHF"));
const DANISH: Signs = (",", Some("."), Some("kr."));
const SIGNS: [Signs; 7] = [PLAIN, FRENCH, GERMAN, AMERICAN, SWISS, DANISH, (",", None, None)];

fn form((decimal, thousands, currency): Signs) -> NumberForm {
    NumberForm::new(Some(decimal), thousands, currency).unwrap()
}

fn number(signs: Signs, text: &str) -> Option<f64> {
    let stored = Stored::new(&[Some(text)]);
    match parse_numbers(&[stored.column()], &form(signs), &NullWords::new::<&str>(&[])) {
        Ok(read) => rows(&read)[0],
        Err(Error::Unreadable { row: 0, value, message }) => {
            assert_eq!(value, text);
            assert_eq!(message, format!("\"{text}\" is no number"));
            None
        }
        Err(other) => panic!("{other}"),
    }
}

fn date(form: &str, text: &str) -> Option<(i64, bool)> {
    let (form, none) = (DateForm::new(form).unwrap(), NullWords::new::<&str>(&[]));
    let stored = Stored::new(&[Some(text)]);
    match parse_dates(&[stored.column()], form, &none, None) {
        Ok(read) => Some((rows(&read.column)[0].unwrap(), read.zoned.unwrap())),
        Err(Error::Unreadable { row: 0, value, message }) => {
            assert_eq!(value, text);
            assert_eq!(message, format!("\"{text}\" is no date in the form {}", form.name()));
            None
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn numbers_are_read_as_they_are_written() {
    for (signs, text, wanted) in [
        (PLAIN, "1234.56", 1234.56),
        (PLAIN, "-1234.56", -1234.56),
        (PLAIN, "+7", 7.0),
        (PLAIN, "\u{2212}7", -7.0),
        (PLAIN, ".5", 0.5),
        (PLAIN, "5.", 5.0),
        (PLAIN, "-.5", -0.5),
        (PLAIN, "007", 7.0),
        (PLAIN, " \u{a0}12.5\t\u{202f}\u{2009}", 12.5),
        (PLAIN, "1e5", 1e5),
        (PLAIN, "1.5E-07", 1.5e-7),
        (PLAIN, "1e+400", f64::INFINITY),
        (PLAIN, "1e-99999999999999999999", 0.0),
        (PLAIN, "0.1000000000000000055511151231257827", 0.1),
        (PLAIN, "9007199254740993", 9_007_199_254_740_992.0),
        (PLAIN, "18446744073709551616", 18_446_744_073_709_551_616.0),
        (PLAIN, "12.50-", -12.5),
        (PLAIN, "12.50\u{2212}", -12.5),
        (PLAIN, "(12.50)", -12.5),
        (PLAIN, "'-12.50", -12.5),
        (PLAIN, "\u{2019}12.50", 12.5),
        (PLAIN, "'(5)", -5.0),
        (PLAIN, "inf", f64::INFINITY),
        (PLAIN, "+Infinity", f64::INFINITY),
        (PLAIN, "-INF", f64::NEG_INFINITY),
        (FRENCH, "1234,5", 1234.5),
        (FRENCH, "1 234,50 €", 1234.5),
        (FRENCH, "-1\u{a0}234\u{202f}567\u{2009}890,5\u{a0}€", -1_234_567_890.5),
        (FRENCH, "12€", 12.0),
        (FRENCH, "€ 12", 12.0),
        (FRENCH, "€-12", -12.0),
        (FRENCH, "-€12", -12.0),
        (FRENCH, "-€ 12", -12.0),
        (FRENCH, "€ -12", -12.0),
        (FRENCH, "12,50- €", -12.5),
        (FRENCH, "12,50 €-", -12.5),
        (FRENCH, "(12,50 €)", -12.5),
        (FRENCH, "(12,50) €", -12.5),
        (FRENCH, "€ (12,50)", -12.5),
        (FRENCH, "(€12,50)", -12.5),
        (FRENCH, "1,5e3 €", 1500.0),
        (GERMAN, "1.234,56", 1234.56),
        (GERMAN, "12EUR", 12.0),
        (GERMAN, "EUR 1.234.567,89", 1_234_567.89),
        (GERMAN, "123,", 123.0),
        (AMERICAN, "US$1,234.50", 1234.5),
        (AMERICAN, "-US$0.50", -0.5),
        (SWISS, "CHF 1'234.50", 1234.5),
        (SWISS, "1\u{2019}234'567", 1_234_567.0),
        (SWISS, "'1'234", 1234.0),
        (DANISH, "12,kr.", 12.0),
        (DANISH, "kr. 1.234", 1234.0),
    ] {
        let found = number(signs, text).map(f64::to_bits);
        assert_eq!(found, Some(wanted.to_bits()), "{text:?} {signs:?}");
    }
    for text in ["nan", "NaN", "NAN"] {
        assert!(number(PLAIN, text).is_some_and(f64::is_nan), "{text}");
    }
}

#[test]
fn other_texts_are_no_numbers() {
    for (signs, text) in [
        (PLAIN, ""),
        (PLAIN, " "),
        (PLAIN, "."),
        (PLAIN, "-"),
        (PLAIN, "-."),
        (PLAIN, "'"),
        (PLAIN, "()"),
        (PLAIN, "12..5"),
        (PLAIN, "1.2.3"),
        (PLAIN, "12,5"),
        (PLAIN, "1,234.5"),
        (PLAIN, "1 234"),
        (PLAIN, "--5"),
        (PLAIN, "-5-"),
        (PLAIN, "+5-"),
        (PLAIN, "(-5)"),
        (PLAIN, "-(5)"),
        (PLAIN, "(5)-"),
        (PLAIN, "(5-)"),
        (PLAIN, "((5))"),
        (PLAIN, "(5"),
        (PLAIN, "5)"),
        (PLAIN, "( 5)"),
        (PLAIN, "- 5"),
        (PLAIN, "5 -"),
        (PLAIN, "5+"),
        (PLAIN, "-'5"),
        (PLAIN, "''5"),
        (PLAIN, "1e"),
        (PLAIN, "1e+"),
        (PLAIN, "e5"),
        (PLAIN, "1e5.5"),
        (PLAIN, "€5"),
        (PLAIN, "0x1F"),
        (PLAIN, "1_000"),
        (PLAIN, "١٢"),
        (PLAIN, "infinite"),
        (PLAIN, "--inf"),
        (PLAIN, "NULL"),
        (FRENCH, "1.5"),
        (FRENCH, "0 123"),
        (GERMAN, "0.500"),
        (FRENCH, "1 23"),
        (FRENCH, "1 2345"),
        (FRENCH, "1234 567"),
        (FRENCH, "1  234"),
        (FRENCH, "12 345 67,5"),
        (FRENCH, "1 234 5 €"),
        (FRENCH, "1,234 5"),
        (FRENCH, "€12€"),
        (FRENCH, "12 $"),
        (FRENCH, "€- 12"),
        (FRENCH, "- €12"),
        (FRENCH, "€"),
        (FRENCH, "€inf"),
        (GERMAN, "1.5"),
        (GERMAN, "1.234.56"),
        (GERMAN, ".234"),
        (GERMAN, "1234.567"),
        (GERMAN, "1.234.567.89"),
        (GERMAN, "12 eur"),
        (GERMAN, "12 EU"),
        (AMERICAN, "$5"),
        (AMERICAN, "1,23,456"),
        (SWISS, "1''234"),
    ] {
        assert_eq!(number(signs, text), None, "{text:?} {signs:?}");
    }
}

#[test]
fn signs_that_cannot_be_told_apart_are_refused() {
    for (decimal, thousands, currency) in [
        ("", None, None),
        (";", None, None),
        ("..", None, None),
        (".", Some("."), None),
        (",", Some(","), None),
        (",", Some(""), None),
        (",", Some("  "), None),
        (",", Some("0"), None),
        (",", Some("e"), None),
        (",", Some("-"), None),
        (",", None, Some("7")),
        (",", None, Some("-")),
        (",", None, Some(" €")),
    ] {
        let made = NumberForm::new(Some(decimal), thousands, currency);
        assert!(matches!(made, Err(Error::Option(_))), "{decimal:?} {thousands:?} {currency:?}");
    }
    assert!(DateForm::new("myd").is_err_and(|error| error.to_string().contains("epoch-ms")));
}

/// Each way of writing what stands before and after the digits, with whether it is negative; C is
/// the currency, B are blanks.
const LAYOUTS: [(&str, &str, bool); 20] = [
    ("", "", false),
    ("[+]", "", false),
    ("M", "", true),
    ("", "M", true),
    (r"\(", r"\)", true),
    ("CB", "", false),
    ("[+]CB", "", false),
    ("MCB", "", true),
    ("CB[+]", "", false),
    ("CBM", "", true),
    ("CB", "M", true),
    (r"\(CB", r"\)", true),
    (r"CB\(", r"\)", true),
    ("", "BC", false),
    ("[+]", "BC", false),
    ("M", "BC", true),
    ("", "MBC", true),
    ("", "BCM", true),
    (r"\(", r"BC\)", true),
    (r"\(", r"\)BC", true),
];

const BLANK: &str = "[ \t\u{a0}\u{202f}\u{2009}]";

/// A second reading of numbers, by regular expressions.
struct Oracle {
    layouts: Vec<(Regex, bool)>,
    words: Regex,
    decimal: &'static str,
}

impl Oracle {
    fn new((decimal, thousands, currency): Signs) -> Self {
        let point = regex::escape(decimal);
        let mark = match thousands {
            None => "[^\\s\\S]".to_owned(),
            Some(" ") => BLANK.to_owned(),
            Some("'") => "['\u{2019}]".to_owned(),
            Some(mark) => regex::escape(mark),
        };
        let digits = format!(
            r"((?:(?:[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+|[0-9]+)(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][-+]?[0-9]+)?)"
        );
        let whole =
            |inner: &str| Regex::new(&format!("^{BLANK}*['\u{2019}]?{inner}{BLANK}*$")).unwrap();
        let part = |layout: &str| {
            let currency = currency.map_or(String::new(), regex::escape);
            let blanks = layout.replace('B', "\u{1}").replace('C', &currency);
            blanks.replace('M', "[-\u{2212}]").replace('\u{1}', &format!("{BLANK}*"))
        };
        let layouts = LAYOUTS
            .iter()
            .filter(|layout| currency.is_some() || !format!("{layout:?}").contains('C'))
            .map(|(before, after, negative)| {
                (whole(&format!("{}{digits}{}", part(before), part(after))), *negative)
            });
        Self { layouts: layouts.collect(), words: whole("([-+]?)(?i:(inf|infinity)|nan)"), decimal }
    }

    fn read(&self, text: &str) -> Option<f64> {
        if let Some(found) = self.words.captures(text) {
            let sign = if &found[1] == "-" { -1.0 } else { 1.0 };
            return Some(if found.get(2).is_some() { sign * f64::INFINITY } else { f64::NAN });
        }
        self.layouts.iter().find_map(|(layout, negative)| {
            let digits = layout.captures(text)?[1].replace(self.decimal, "\u{1}");
            let mut plain: String =
                digits.chars().filter(|c| c.is_ascii_digit() || "eE+-\u{1}".contains(*c)).collect();
            plain = plain.replace('\u{1}', ".");
            let value: f64 = plain.parse().unwrap();
            Some(if *negative { -value } else { value })
        })
    }
}

/// The second reading of numbers with some signs.
fn oracle(signs: Signs) -> &'static Oracle {
    static ORACLES: LazyLock<Vec<Oracle>> = LazyLock::new(|| SIGNS.map(Oracle::new).into());
    &ORACLES[SIGNS.iter().position(|known| *known == signs).unwrap()]
}

/// A number in digits, as a text that the standard library reads and as one with signs.
fn written() -> impl Strategy<Value = (Signs, String, String)> {
    let decimal = (
        "[0-9]{1,3}|[0-9]{1,9}|[0-9]{1,25}",
        prop_oneof![
            2 => Just(String::new()), 3 => "[0-9]{1,2}", 1 => "[0-9]{1,25}",
        ],
        prop_oneof![4 => Just(String::new()), 1 => "[eE][-+]?[0-9]{1,3}"],
    );
    let choices = (any::<bool>(), 0..LAYOUTS.len(), prop::sample::select(vec!["", " ", "\u{a0}"]));
    (prop::sample::select(SIGNS.to_vec()), decimal, choices).prop_map(
        |(signs, (whole, places, exponent), (marked, layout, blank))| {
            let (decimal, thousands, currency) = signs;
            let (mut before, mut after, negative) = LAYOUTS[layout];
            if currency.is_none() && format!("{before}{after}").contains('C') {
                (before, after) = if negative { ("M", "") } else { ("", "") };
            }
            let mark = thousands.unwrap_or_default();
            let mut grouped = String::new();
            for (i, digit) in whole.chars().enumerate() {
                // Nobody groups digits that begin with a zero.
                if marked && !whole.starts_with('0') && i > 0 && (whole.len() - i).is_multiple_of(3)
                {
                    grouped.push_str(mark);
                }
                grouped.push(digit);
            }
            let part = |layout: &str| {
                let layout = layout.replace('\\', "").replace("[+]", "+").replace('B', blank);
                layout.replace('C', currency.unwrap_or_default()).replace('M', "-")
            };
            let point = if places.is_empty() { "" } else { decimal };
            let text = format!("{}{grouped}{point}{places}{exponent}{}", part(before), part(after));
            let sign = if negative { "-" } else { "" };
            (signs, format!("{sign}{whole}.{places}{exponent}"), text)
        },
    )
}

fn same(a: Option<f64>, b: Option<f64>) -> bool {
    a.map(f64::to_bits) == b.map(f64::to_bits)
        || a.is_some_and(f64::is_nan) && b.is_some_and(f64::is_nan)
}

proptest! {
    #[test]
    fn written_numbers_are_the_nearest_floats(
        numbers in prop::collection::vec(written(), 20),
    ) {
        for (signs, plain, text) in numbers {
            let wanted: f64 = plain.parse().unwrap();
            prop_assert!(same(number(signs, &text), Some(wanted)), "{text:?} {signs:?} {plain}");
        }
    }

    #[test]
    fn nearly_numbers_are_refused_or_read_alike(
        (signs, _, text) in written(),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<bool>(), "[-+0-9.,' eE()€\u{a0}\u{202f}\u{2019}\u{2212}]?"),
            1..3,
        ),
    ) {
        let oracle = oracle(signs);
        let mut chars: Vec<char> = text.chars().collect();
        for (at, replace, change) in changes {
            let at = at.index(chars.len() + 1);
            let end = (at + usize::from(replace)).min(chars.len());
            chars.splice(at..end, change.chars());
            let text: String = chars.iter().collect();
            prop_assert!(same(number(signs, &text), oracle.read(&text)), "{text:?} {signs:?}");
        }
    }

    #[test]
    fn odd_texts_are_refused_or_read_alike(
        signs in prop::sample::select(SIGNS.to_vec()),
        texts in prop::collection::vec(
            "[-+ '(0-9€EURCHFkrinfa.,)\u{a0}\u{2212}]{0,6}|[0-9. ]{0,9}|\\PC{0,8}|[-+]?(?i:nan|inf)",
            20,
        ),
    ) {
        let oracle = oracle(signs);
        for text in texts {
            prop_assert!(same(number(signs, &text), oracle.read(&text)), "{text:?} {signs:?}");
        }
    }

    #[test]
    fn odd_texts_are_no_dates(texts in prop::collection::vec(
        "[-+0-9/.:TZUTCapm ,\u{a0}]{0,20}|[0-9]{1,20}[.,]?[0-9]{0,20}|\\PC{0,20}", 20,
    )) {
        for text in texts {
            for form in ["iso", "dmy", "mdy", "ymd", "excel", "epoch-s", "epoch-ms", "epoch-us"] {
                date(form, &text);
            }
        }
    }
}

const DAY: i64 = 86_400_000_000;

/// Every day from a first of January on, to the end of 9999, with the days since 1970-01-01.
fn days(mut year: u32, mut number: i64) -> impl Iterator<Item = (u32, u32, u32, i64)> {
    let (mut month, mut day) = (1, 0);
    std::iter::from_fn(move || {
        let leap =
            (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
        let length = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        day += 1;
        if day > length {
            (day, month) = (1, month + 1);
        }
        if month > 12 {
            (month, year) = (1, year + 1);
        }
        number += 1;
        (year < 10_000).then_some((year, month, day, number - 1))
    })
}

/// 1583-01-01, the first new year after the calendar was reformed.
const REFORMED: (u32, i64) = (1583, -141_349);

#[test]
fn every_day_is_read_in_every_order() {
    let none = NullWords::new::<&str>(&[]);
    let wanted: Vec<Option<i64>> =
        days(REFORMED.0, REFORMED.1).map(|(.., number)| Some(number * DAY)).collect();
    assert_eq!(wanted.last(), Some(&Some(2_932_896 * DAY)));
    for form in ["iso", "dmy", "mdy", "ymd", "excel"] {
        let texts: Vec<Option<String>> = days(REFORMED.0, REFORMED.1)
            .map(|(y, m, d, number)| {
                let s = ["/", "-", "."][number.rem_euclid(3) as usize];
                // Half of the days are written without zeros.
                let (m, d) = if number % 2 == 0 {
                    (m.to_string(), d.to_string())
                } else {
                    (format!("{m:02}"), format!("{d:02}"))
                };
                match form {
                    "iso" => Some(format!("{y:04}-{m:0>2}-{d:0>2}")),
                    "dmy" => Some(format!("{d}{s}{m}{s}{y:04}")),
                    "mdy" => Some(format!("{m}{s}{d}{s}{y:04}")),
                    "ymd" => Some(format!("{y:04}{s}{m}{s}{d}")),
                    _ => (number > -25_509).then(|| (number + 25_569).to_string()),
                }
            })
            .collect();
        let stored = Stored::new(&texts);
        let read = parse_dates(&[stored.column()], DateForm::new(form).unwrap(), &none, None);
        let read = read.unwrap();
        assert_eq!(read.zoned, Some(false));
        let from = texts.iter().position(Option::is_some).unwrap();
        assert!(rows(&read.column)[from..] == wanted[from..], "{form}");
    }
}

/// The instant of an ISO text, which has its own tests.
fn iso(text: &str) -> (i64, bool) {
    parse_instant(text.as_bytes()).unwrap()
}

#[test]
fn dates_are_read_as_they_are_written() {
    for (form, text, same) in [
        ("dmy", "25/12/2025", "2025-12-25"),
        ("dmy", "5/1/2024", "2024-01-05"),
        ("dmy", "05.01.2024", "2024-01-05"),
        ("dmy", "29-02-2024", "2024-02-29"),
        ("dmy", "\u{a0}5-1-2024 ", "2024-01-05"),
        ("dmy", "5/1/2024 9:05", "2024-01-05T09:05"),
        ("dmy", "5/1/2024  9:05", "2024-01-05T09:05"),
        ("dmy", "5/1/2024T09:05:07", "2024-01-05T09:05:07"),
        ("dmy", "5/1/2024, 09:05:07.25", "2024-01-05T09:05:07.25"),
        ("dmy", "5/1/2024 23:59:60", "2024-01-05T23:59:59"),
        ("dmy", "5/1/2024 09:05Z", "2024-01-05T09:05Z"),
        ("dmy", "5/1/2024 09:05 UTC", "2024-01-05T09:05Z"),
        ("dmy", "5/1/2024 9:05 pm +02:00", "2024-01-05T21:05+02:00"),
        ("mdy", "12/25/2025", "2025-12-25"),
        ("mdy", "1/5/2024, 9:05:00\u{202f}PM", "2024-01-05T21:05"),
        ("mdy", "1/5/2024 12:00 AM", "2024-01-05T00:00"),
        ("mdy", "1/5/2024 12:30am", "2024-01-05T00:30"),
        ("mdy", "1/5/2024 12:30 Pm", "2024-01-05T12:30"),
        ("mdy", "1/5/2024 11:59:59.9 PM", "2024-01-05T23:59:59.9"),
        ("mdy", "1/5/2024 1:00 AM", "2024-01-05T01:00"),
        ("ymd", "2025/12/25", "2025-12-25"),
        ("ymd", "2024.1.5 09:05 -0530", "2024-01-05T09:05-05:30"),
        ("ymd", "0000-01-01", "0000-01-01"),
        ("ymd", "9999/12/31 23:59:59.9999999", "9999-12-31T23:59:59.999999"),
        ("iso", "20240105T0905", "2024-01-05T09:05"),
        ("iso", "2024-01-05T09:05[Europe/Paris]", "2024-01-05T09:05"),
        ("excel", "1", "1900-01-01"),
        ("excel", "59", "1900-02-28"),
        ("excel", "61", "1900-03-01"),
        ("excel", "45296", "2024-01-05"),
        ("excel", "45296.5", "2024-01-05T12:00"),
        ("excel", "45296,378472222222", "2024-01-05T09:05"),
        ("excel", "45296.37847222222222222222222222222", "2024-01-05T09:05"),
        ("excel", "45296.00000000578", "2024-01-05"),
        ("excel", "45296.00000000579", "2024-01-05T00:00:00.001"),
        ("excel", "2958465", "9999-12-31"),
        ("excel", "2958465.999999994", "9999-12-31T23:59:59.999"),
        ("epoch-s", "0", "1970-01-01T00:00Z"),
        ("epoch-s", "1704445500", "2024-01-05T09:05Z"),
        ("epoch-s", "+1704445500.1234567", "2024-01-05T09:05:00.123456Z"),
        ("epoch-s", "-1,5", "1969-12-31T23:59:58.5Z"),
        ("epoch-s", "253402300799", "9999-12-31T23:59:59Z"),
        ("epoch-ms", "1704445500123.4567", "2024-01-05T09:05:00.123456Z"),
        ("epoch-ms", "-0.0001", "1969-12-31T23:59:59.999999Z"),
        ("epoch-us", "1704445500123456.9", "2024-01-05T09:05:00.123456Z"),
        ("epoch-us", "-1", "1969-12-31T23:59:59.999999Z"),
        ("epoch-us", "-1.0", "1969-12-31T23:59:59.999999Z"),
        ("epoch-us", "-0.5", "1969-12-31T23:59:59.999999Z"),
    ] {
        assert_eq!(date(form, text), Some(iso(same)), "{form} {text:?}");
    }
}

#[test]
fn other_texts_are_no_dates() {
    for (form, texts) in [
        (
            "dmy",
            "|1/2|1/2/24|1/2/02024|12/25/2025|0/1/2024|32/1/2024|31/4/2024|29/2/2023|1/0/2024|\
             001/1/2024|1/2-2024|1//2024|1/2/2024x|1/2/2024 9:05 ago|2024/1/2|1/2/-024|1/2/2024 9|\
             1/2/2024 9:5|1/2/2024,9:05|1/2/2024 24:00|1/2/2024 9:60|1/2/2024 9:05:61|\
             1/2/2024 9:05.5|1/2/2024 13:05 PM|1/2/2024 0:05 AM|1/2/2024 9:05 XM|1/2/2024 9:05 P|\
             1/2/2024 9 PM|1/2/2024 9:05 PM PM|1/2/2024 UTC|1/2/2024T|1:2:2024|1 2 2024|\
             29/2/1900|1/2/2024 T9:05",
        ),
        ("mdy", "25/12/2025|13/1/2024|2/30/2024|1/2/24"),
        ("ymd", "24/1/2|20240102|2024/13/1|2024/1/32|2024/1-2|2024-01-02Z|02024/1/1"),
        ("iso", "5/1/2024|2024-1-5|2024-01-05 9:05 PM|45296"),
        (
            "excel",
            "|0|0.5|60|60.5|2958466|2958465.9999999999|-1|+1|45296.|.5|4e4|45296.5.5|x|45 296|\
             99999999999999999999999999",
        ),
        (
            "epoch-s",
            "|-|+|.5|5.|1.5.5|1e9|--1|253402300800|-377705116801|1704445500123|x|\u{2212}1",
        ),
        ("epoch-ms", "253402300800000|99999999999999999999999|18446744073709551615|1x"),
        ("epoch-us", "253402300800000000|9223372036854775807|-9223372036854775809"),
    ] {
        for text in texts.split('|') {
            assert_eq!(date(form, text), None, "{form} {text:?}");
        }
    }
}

/// Run on several numbers of threads, which must give the same.
fn on_any_threads<T: PartialEq + std::fmt::Debug + Send>(run: impl Fn() -> T + Sync) -> T {
    let mut found = [1, 2, 7]
        .map(|threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&run))
        .into_iter();
    let first = found.next().unwrap();
    assert!(found.all(|other| other == first));
    first
}

#[test]
fn null_words_and_missing_values_are_null_and_words_are_counted() {
    let words = NullWords::new(&["", "NULL", "-", "0", "n/a"]);
    let texts = ["1", "NULL", "", " - ", "\t", "2", "0", "n/a"].map(Some);
    let (first, second) = (Stored::new(&texts), Stored::new(&[None, Some("3"), Some("NULL")]));
    let columns = [first.column(), second.column()];
    let read = parse_numbers(&columns, &form(PLAIN), &words).unwrap();
    let one = |number: f64| Some(number);
    let wanted = [one(1.0), None, None, None, None, one(2.0), None, None, None, one(3.0), None];
    assert_eq!(rows(&read), wanted);
    assert_eq!(read.null_words, 7);
    assert_eq!(number(PLAIN, "null"), None);

    let full = Stored::new(&[Some("1"); 9]);
    let read = parse_numbers(&[full.column()], &form(PLAIN), &words).unwrap();
    assert_eq!((read.chunks[0].validity.clone(), read.null_words), (None, 0));

    let dates = Stored::new(&[Some("NULL"), None, Some(" ")]);
    for zoned in [None, Some(true), Some(false)] {
        let read = parse_dates(&[dates.column()], DateForm::Iso, &words, zoned).unwrap();
        assert_eq!((read.zoned, read.column.null_words), (zoned, 2));
        assert_eq!(rows(&read.column), [None; 3]);
    }
    assert!(parse_numbers(&[], &form(PLAIN), &words).unwrap().chunks.is_empty());
}

#[test]
fn the_first_row_that_is_refused_is_named_whatever_the_threads() {
    const ROWS: usize = 100_000;
    let none = NullWords::new::<&str>(&[]);
    for bad in [&[0, 1][..], &[40_000, 90_000], &[16_383, 16_384], &[99_999], &[59_999, 60_001]] {
        let texts: Vec<Option<&str>> =
            (0..ROWS).map(|row| Some(if bad.contains(&row) { " 12..5 " } else { "1.5" })).collect();
        let stored = [Stored::new(&texts[..60_000]), Stored::new(&texts[60_000..])];
        let columns: Vec<_> = stored.iter().map(Stored::column).collect();
        let found = on_any_threads(|| parse_numbers(&columns, &form(PLAIN), &none));
        let wanted = Error::Unreadable {
            row: bad[0],
            value: " 12..5 ".to_owned(),
            message: "\" 12..5 \" is no number".to_owned(),
        };
        assert_eq!(found, Err(wanted));
    }
}

#[test]
fn zones_are_of_all_values_or_none() {
    let none = NullWords::new(&["NULL"]);
    let read = |texts: &[&str], form, zoned| -> Result<Option<bool>> {
        let texts: Vec<Option<&str>> = texts.iter().copied().map(Some).collect();
        let stored = Stored::new(&texts);
        on_any_threads(|| parse_dates(&[stored.column()], form, &none, zoned))
            .map(|read| read.zoned)
    };
    let refused = |row, value: &str, end: &str| {
        Err(Error::Unreadable {
            row,
            value: value.to_owned(),
            message: format!("\"{value}\" {end}"),
        })
    };
    let (bare, zoned) = ("2024-01-05 09:05", "2024-01-05 09:05Z");
    let (no_zone, a_zone) =
        ("has no zone, and rows before have one", "has a zone, and rows before have none");
    assert_eq!(read(&["NULL", bare, bare], DateForm::Iso, None), Ok(Some(false)));
    assert_eq!(read(&["NULL", zoned, zoned], DateForm::Iso, None), Ok(Some(true)));
    assert_eq!(read(&["NULL", bare, zoned, "x"], DateForm::Iso, None), refused(2, zoned, a_zone));
    assert_eq!(read(&[zoned, zoned, bare], DateForm::Iso, None), refused(2, bare, no_zone));
    assert_eq!(read(&[bare], DateForm::Iso, Some(true)), refused(0, bare, no_zone));
    assert_eq!(read(&[zoned], DateForm::Iso, Some(false)), refused(0, zoned, a_zone));
    assert_eq!(
        read(&["NULL", "soon", zoned], DateForm::Iso, None),
        refused(1, "soon", "is no date in the form iso")
    );
    assert_eq!(read(&["5"], DateForm::EpochSeconds, None), Ok(Some(true)));
    assert_eq!(read(&["5"], DateForm::Excel, None), Ok(Some(false)));
}

#[test]
fn many_rows_are_read_alike_on_any_threads() {
    let none = NullWords::new(&["NULL"]);
    let texts: Vec<Option<String>> = (0..70_001)
        .map(|row| match row % 11 {
            0 => None,
            3 => Some("NULL".to_owned()),
            _ => Some(format!("{}.{}", row * 7, row % 100)),
        })
        .collect();
    let wanted: Vec<Option<f64>> = texts.iter().map(|text| text.as_ref()?.parse().ok()).collect();
    for cut in [0, 1, 16_384, 50_003] {
        let stored = [Stored::new(&texts[..cut]), Stored::new(&texts[cut..])];
        let columns: Vec<_> = stored.iter().map(Stored::column).collect();
        let read = on_any_threads(|| parse_numbers(&columns, &form(PLAIN), &none)).unwrap();
        assert_eq!(rows(&read), wanted);
        assert_eq!(read.null_words, 6364);
    }
}
