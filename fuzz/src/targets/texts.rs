//! Numbers, dates, durations and zones that are written as text.

use grc_core::calendar::{Clock, Duration};
use grc_core::columns::{Column, Texts};
use grc_core::text_values::{
    DateForm, NullWords, NumberForm, find_words, parse_dates, parse_instant, parse_numbers,
};

use crate::bytes::{TextData, on_threads};

const FORMS: [&str; 8] = ["iso", "dmy", "mdy", "ymd", "excel", "epoch-s", "epoch-ms", "epoch-us"];

/// Each line is a text of its own, and all are a column.
pub fn texts(data: &[u8]) {
    on_threads(data, |_| check(data));
}

fn check(data: &[u8]) {
    let whole = String::from_utf8_lossy(data);
    let lines: Vec<&str> = whole.lines().collect();
    let words = NullWords::new(&["", "NA", "null"]);
    for line in &lines {
        let one = TextData::new([Some(*line)]);
        check_numbers(line, &one.column(), &words);
        check_dates(line, &one.column(), &words);
        if let Ok(duration) = Duration::parse(line) {
            assert!(duration.count >= 1);
            let _ = (duration.before(20_000), duration.after(20_000));
        }
        if let Ok(clock) = Clock::new(line) {
            let _ =
                (clock.wall(i64::MIN), clock.instant(i64::MAX), clock.wall(1_790_000_000_000_000));
        }
    }
    let all = TextData::new(lines.iter().map(|line| Some(*line)));
    let column = [all.column()];
    let found = find_words(&column, &words);
    let expected =
        lines.iter().filter(|line| ["", "NA", "null"].contains(&line.trim_matches(' '))).count();
    if let Ok(found) = found {
        assert!(found.null_words >= expected.min(found.null_words));
    }
}

fn check_numbers(line: &str, column: &Column<Texts>, words: &NullWords) {
    for (decimal, thousands) in [(Some("."), None), (Some(","), Some(".")), (None, Some(" "))] {
        let Ok(form) = NumberForm::new(decimal, thousands, Some("€")) else { continue };
        let read = parse_numbers(std::slice::from_ref(column), &form, words);
        if let Ok(read) = &read {
            let is_nan = read.chunks[0].values[0].is_nan();
            assert!(!is_nan || line.to_ascii_lowercase().contains("nan"), "{line:?}");
        }
        if decimal == Some(".") && is_plain(line) {
            let read = read.unwrap().chunks[0].values[0];
            assert_eq!(read.to_bits(), line.parse::<f64>().unwrap().to_bits(), "{line:?}");
        }
    }
}

/// Digits, perhaps with a sign and a point between them: what every form with a point can read.
fn is_plain(line: &str) -> bool {
    let digits = line.strip_prefix('-').unwrap_or(line);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let few = |text: &str| {
        (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    few(whole) && few(part)
}

fn check_dates(line: &str, column: &Column<Texts>, words: &NullWords) {
    for name in FORMS {
        let Ok(form) = DateForm::new(name) else { continue };
        for zoned in [None, Some(false), Some(true)] {
            let read = parse_dates(std::slice::from_ref(column), form, words, zoned);
            let Ok(read) = read else { continue };
            assert_eq!(read.column.chunks[0].values.len(), 1);
            if form == DateForm::Iso && zoned.is_none() && read.column.null_words == 0 {
                let alone = parse_instant(line.trim_matches([' ', '\t']).as_bytes());
                if let Ok((instant, has_zone)) = alone {
                    assert_eq!(read.column.chunks[0].values[0], instant, "{line:?}");
                    assert_eq!(read.zoned, Some(has_zone), "{line:?}");
                }
            }
        }
    }
}
