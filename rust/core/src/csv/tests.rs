//! The reader against the rules, read character by character.

use std::io::{self, Read};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::format::Sizes;
use super::text::in_windows_1252;
use super::{
    Block, CsvOptions, CsvReader, Encoding, FieldColumn, FieldForm, FieldValues, LineEnd, ReadError,
};
use crate::bitmap::Bitmap;
use crate::columns::{Column, Texts, view_of};
use crate::error::Error;
use crate::text_values::{
    DateForm, NullWords, NumberForm, ReadColumn, find_words, parse_dates, parse_numbers,
};

type Row = Vec<Option<String>>;

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    header: Vec<String>,
    rows: Vec<Row>,
    /// The line on which each row begins.
    lines: Vec<u64>,
    blank_lines: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

/// The rules: a whole file at once, one byte after the other.
struct Oracle<'a> {
    bytes: &'a [u8],
    options: CsvOptions,
    longest: usize,
    line: u64,
    quoted_line: Option<u64>,
    inner_line: Option<u64>,
}

impl Oracle<'_> {
    fn table(mut self) -> Result<Table, String> {
        let mut at = 0;
        if self.options.encoding == Encoding::Utf8 && self.bytes.starts_with(b"\xEF\xBB\xBF") {
            at = 3;
        }
        let no_header = match self.options.skip_lines {
            0 => "there is no header: no line holds anything".to_owned(),
            lines => {
                format!("there is no header: no line holds anything after the {lines} skipped")
            }
        };
        for _ in 0..self.options.skip_lines {
            if at == self.bytes.len() {
                return Err(no_header);
            }
            let start = at;
            while self.bytes.get(at).is_some_and(|&byte| byte != self.newline()) {
                at += 1;
            }
            if at - start > self.longest {
                return Err(self.long(self.line));
            }
            for place in start..at {
                self.check_character(place)?;
            }
            for place in start..at {
                self.check_nul(place)?;
            }
            at = (at + 1).min(self.bytes.len());
            self.line += 1;
        }
        let mut table = Table::default();
        let mut records = Vec::new();
        while at < self.bytes.len() {
            let line = self.line;
            let (fields, next) = self.record(at)?;
            let width = records.first().map(|(fields, _): &(Vec<String>, u64)| fields.len());
            match (fields, width) {
                (None, _) => table.blank_lines += 1,
                (Some(fields), Some(width)) if fields.len() != width => {
                    let s = if fields.len() == 1 { "" } else { "s" };
                    return Err(format!(
                        "line {line} has {} field{s}, and the header {width}",
                        fields.len()
                    ));
                }
                (Some(fields), _) => records.push((fields, line)),
            }
            at = next;
        }
        let mut records = records.into_iter();
        table.header = records.next().ok_or(no_header)?.0;
        for (fields, line) in records {
            table.rows.push(
                fields.into_iter().map(|text| Some(text).filter(|text| !text.is_empty())).collect(),
            );
            table.lines.push(line);
        }
        Ok(table)
    }

    fn newline(&self) -> u8 {
        if self.options.line_end == LineEnd::Newline { b'\n' } else { b'\r' }
    }

    fn long(&self, line: u64) -> String {
        format!(
            "line {line} begins a record of more than {} bytes: a quote may not be closed",
            self.longest
        )
    }

    /// Fields of the record at a place, none of a blank line, and where the next begins.
    fn record(&mut self, start: usize) -> Result<(Option<Vec<String>>, usize), String> {
        let (mut fields, mut field) = (Vec::new(), Vec::new());
        let (mut state, mut at) = (State::FieldStart, start);
        let (first_line, mut opened) = (self.line, 0);
        let next = loop {
            let Some(&byte) = self.bytes.get(at) else {
                if state == State::Quoted {
                    return Err(format!("the quote that opens on line {opened} is never closed"));
                }
                break at;
            };
            let windows = self.options.line_end == LineEnd::Newline
                && byte == b'\r'
                && self.bytes.get(at + 1) == Some(&b'\n');
            if state != State::Quoted && (byte == self.newline() || windows) {
                self.line += 1;
                break at + if windows { 2 } else { 1 };
            }
            if at - start >= self.longest {
                return Err(self.long(first_line));
            }
            self.check_nul(at)?;
            match state {
                State::Quoted if byte == b'"' => state = State::QuoteInQuoted,
                State::Quoted => {
                    self.line += u64::from(byte == self.newline());
                    field.push(byte);
                }
                State::QuoteInQuoted if byte == b'"' => {
                    field.push(byte);
                    state = State::Quoted;
                }
                _ if byte == self.options.separator => {
                    fields.push(self.text(&std::mem::take(&mut field)));
                    state = State::FieldStart;
                }
                State::QuoteInQuoted => {
                    return Err(format!(
                        "line {opened}: a quote inside a quoted field is not doubled"
                    ));
                }
                State::FieldStart if byte == b'"' => {
                    opened = self.line;
                    if let Some(inner) = self.inner_line {
                        return Err(format!(
                            "line {opened} quotes a field, while line {inner} has a quote inside a field that is not quoted"
                        ));
                    }
                    self.quoted_line.get_or_insert(opened);
                    state = State::Quoted;
                }
                _ if byte == b'"' => {
                    let line = self.line;
                    if let Some(quoted) = self.quoted_line {
                        return Err(format!(
                            "line {line} has a quote inside a field that is not quoted, while line {quoted} quotes its fields"
                        ));
                    }
                    self.inner_line.get_or_insert(line);
                    field.push(byte);
                }
                _ if byte == b'\r' => {
                    return Err(format!(
                        "line {} holds a carriage return without a line feed after it",
                        self.line
                    ));
                }
                _ if byte == b'\n' => {
                    return Err(format!(
                        "line {} holds a line feed, where lines end with carriage returns",
                        self.line
                    ));
                }
                _ => {
                    field.push(byte);
                    state = State::Plain;
                }
            }
            self.check_character(at)?;
            at += 1;
        };
        if at == start {
            return Ok((None, next));
        }
        fields.push(self.text(&field));
        Ok((Some(fields), next))
    }

    fn text(&self, bytes: &[u8]) -> String {
        match self.options.encoding {
            Encoding::Utf8 => String::from_utf8(bytes.to_vec()).unwrap(),
            Encoding::Windows1252 => bytes
                .iter()
                .map(|&byte| match byte {
                    0x80 => '€',
                    0x99 => '™',
                    _ => char::from(byte),
                })
                .collect(),
        }
    }

    fn check_nul(&self, at: usize) -> Result<(), String> {
        if self.bytes[at] == 0 {
            return Err(format!("line {} holds a NUL byte, and so is no text", self.line));
        }
        Ok(())
    }

    /// Whether the character that begins at a place, if one does, is one in the encoding.
    fn check_character(&self, at: usize) -> Result<(), String> {
        let line = self.line;
        let byte = self.bytes[at];
        if self.options.encoding == Encoding::Windows1252 {
            if !in_windows_1252(byte) {
                return Err(format!(
                    "line {line} is no Windows-1252: it holds the byte {byte:02X}"
                ));
            }
            return Ok(());
        }
        let mut place = 0;
        for chunk in self.bytes.utf8_chunks() {
            place += chunk.valid().len();
            if place == at && !chunk.invalid().is_empty() {
                let s = if chunk.invalid().len() == 1 { "" } else { "s" };
                let shown: Vec<String> =
                    chunk.invalid().iter().map(|byte| format!("{byte:02X}")).collect();
                return Err(format!(
                    "line {line} is no UTF-8: it holds the byte{s} {}",
                    shown.join(" ")
                ));
            }
            place += chunk.invalid().len();
        }
        Ok(())
    }
}

fn oracle(bytes: &[u8], options: CsvOptions, longest: usize) -> Result<Table, String> {
    Oracle { bytes, options, longest, line: 1, quoted_line: None, inner_line: None }.table()
}

fn is_valid(column: &FieldColumn, row: usize) -> bool {
    column.validity.as_ref().is_none_or(|bits| bits[row / 8] >> (row % 8) & 1 == 1)
}

/// The columns at some positions, as plain text.
fn texts(positions: impl IntoIterator<Item = usize>) -> Vec<(usize, &'static FieldForm)> {
    static PLAIN: LazyLock<FieldForm> = LazyLock::new(FieldForm::plain_text);
    positions.into_iter().map(|position| (position, &*PLAIN)).collect()
}

/// The rows of a block, read from its views.
fn rows(block: &Block) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in &block.batches {
        for row in 0..batch.rows {
            let fields = batch.columns.iter().map(|column| {
                let valid = is_valid(column, row);
                let FieldValues::Texts(column) = &column.values else { panic!("{column:?}") };
                assert_eq!(column.views.len(), batch.rows);
                let view = column.views[row];
                let length = view as u32 as usize;
                assert_eq!(valid, length > 0, "a missing text is empty");
                let bytes = if length <= 12 {
                    let bytes = view.to_le_bytes();
                    assert!(bytes[4 + length..].iter().all(|&byte| byte == 0));
                    bytes[4..4 + length].to_vec()
                } else {
                    let buffer = if (view >> 64) as u32 == 0 {
                        assert!(column.in_block);
                        &block.bytes
                    } else {
                        &column.decoded
                    };
                    let start = (view >> 96) as usize;
                    let bytes = &buffer[start..start + length];
                    assert_eq!(bytes[..4], view.to_le_bytes()[4..8]);
                    bytes.to_vec()
                };
                valid.then(|| String::from_utf8(bytes).unwrap())
            });
            rows.push(fields.collect());
        }
    }
    rows
}

fn sentence(error: &ReadError) -> String {
    assert!(matches!(error, ReadError::Refused(Error::Source { .. })), "{error:?}");
    error.to_string()
}

/// A file that comes a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.1.min(self.0.len()).min(buffer.len());
        let (now, later) = self.0.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.0 = later;
        Ok(length)
    }
}

fn read_all(bytes: &[u8], options: CsvOptions, sizes: Sizes) -> Result<Table, String> {
    let mut reader =
        CsvReader::with_sizes(bytes, &options, sizes).map_err(|error| sentence(&error))?;
    let columns = texts(0..reader.header().len());
    let mut table = Table { header: reader.header().to_vec(), ..Table::default() };
    while let Some(block) = reader.read(&columns).map_err(|error| sentence(&error))? {
        table.rows.extend(rows(&block));
        assert_eq!(reader.rows(), table.rows.len() as u64);
    }
    assert!(reader.read(&columns).unwrap().is_none());
    table.blank_lines = reader.blank_lines();
    Ok(table)
}

/// Read with some sizes, and hold what comes against the rules.
fn check(bytes: &[u8], options: CsvOptions, sizes: Sizes) -> Result<(), TestCaseError> {
    let expected = oracle(bytes, options, sizes.record);
    let mut found = read_all(bytes, options, sizes);
    if let Ok(found) = &mut found {
        let expected = expected.as_ref().map_err(|error| TestCaseError::fail(error.clone()))?;
        for row in 0..=expected.rows.len() as u64 + 1 {
            let mut reader = CsvReader::with_sizes(bytes, &options, sizes).unwrap();
            let line = reader.line_of_row(row.max(1), || Ok(())).unwrap();
            let index = row.max(1) as usize - 1;
            prop_assert_eq!(line, expected.lines.get(index).copied());
        }
        found.lines.clone_from(&expected.lines);
    }
    prop_assert_eq!(found, expected);
    Ok(())
}

const SIZES: Sizes = Sizes { block: 64, piece: 16, chunk: 64, headroom: 32, record: 1000 };

fn options() -> CsvOptions {
    CsvOptions::default()
}

/// What single bytes of the file may be, those that break rules the rarest.
fn token() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![
        8 => Just(&b"a"[..]),
        4 => Just(&b","[..]),
        4 => Just(&b"\n"[..]),
        2 => Just(&b"\r\n"[..]),
        2 => Just(&b"\""[..]),
        1 => Just("é".as_bytes()),
    ]
}

fn rare_token() -> impl Strategy<Value = &'static [u8]> {
    prop_oneof![
        Just(&b"a"[..]),
        Just(&b","[..]),
        Just(&b"\n"[..]),
        Just(&b"\r"[..]),
        Just(&b"\""[..]),
        Just(&b"\xC3"[..]),
        Just(&b"\xFF"[..]),
        Just(&b"\x81"[..]),
        Just(&b"\0"[..]),
    ]
}

/// Any bytes of a small alphabet.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(token(), 0..60).prop_map(|tokens| tokens.concat())
}

fn field(quotes: u8) -> impl Strategy<Value = Vec<u8>> {
    let plain = prop::collection::vec(prop_oneof![Just("a"), Just("bcdefghij"), Just("é")], 0..4);
    let inner = prop::collection::vec(prop_oneof![Just("a"), Just("a\"")], 0..4);
    let between_quotes = prop::collection::vec(
        prop_oneof![
            4 => Just("a"), 2 => Just("bcdefghij"), 1 => Just("\n"), 1 => Just("\r"),
            1 => Just("\r\n"), 1 => Just(","), 1 => Just("\"\""), 1 => Just("é"),
        ],
        0..6,
    )
    .prop_map(|parts| format!("\"{}\"", parts.concat()));
    let plain = plain.prop_map(|parts| parts.concat());
    match quotes {
        0 => plain.boxed(),
        1 => prop_oneof![plain, between_quotes].boxed(),
        _ => inner.prop_map(|parts| parts.concat()).boxed(),
    }
    .prop_map(String::into_bytes)
}

/// Records of one width that obey the rules, but for one byte perhaps.
fn records() -> impl Strategy<Value = Vec<u8>> {
    let end =
        prop_oneof![8 => Just("\n"), 4 => Just("\r\n"), 1 => Just("\n\n"), 1 => Just("\r\n\r\n\n")];
    let file = (1..4_usize, 0..3_u8).prop_flat_map(move |(width, quotes)| {
        let record =
            prop::collection::vec(field(quotes), width).prop_map(|fields| fields.join(&b","[..]));
        prop::collection::vec((record, end.clone()), 0..16)
    });
    let fault = prop::option::weighted(0.4, (any::<prop::sample::Index>(), rare_token()));
    (file, fault, any::<bool>()).prop_map(|(file, fault, whole)| {
        let mut bytes: Vec<u8> =
            file.into_iter().flat_map(|(record, end)| [record, end.into()].concat()).collect();
        if !whole {
            bytes.pop();
        }
        if let (Some((place, token)), false) = (fault, bytes.is_empty()) {
            let place = place.index(bytes.len());
            bytes.splice(place..place, token.iter().copied());
        }
        bytes
    })
}

fn any_sizes() -> impl Strategy<Value = Sizes> {
    let block = prop_oneof![1..64_usize, Just(1), Just(4096)];
    let piece = prop_oneof![1..64_usize, Just(1), Just(4096)];
    let longest = prop_oneof![4 => Just(10_000), 1 => 8..40_usize];
    (block, piece, 1..3_usize, 0..40_usize, longest).prop_map(
        |(block, piece, words, headroom, record)| Sizes {
            block,
            piece,
            chunk: 64 * words,
            headroom,
            record,
        },
    )
}

fn any_options() -> impl Strategy<Value = CsvOptions> {
    let threads = prop_oneof![Just(1_usize), Just(2), Just(7)];
    let skip_lines = prop_oneof![4 => Just(0), 1 => 1..4_u64];
    (threads, skip_lines, prop::bool::weighted(0.2)).prop_map(|(threads, skip_lines, windows)| {
        CsvOptions {
            threads: Some(threads),
            skip_lines,
            encoding: if windows { Encoding::Windows1252 } else { Encoding::Utf8 },
            ..options()
        }
    })
}

/// The same text, its line ends written in the other way.
fn swapped(bytes: &[u8]) -> Vec<u8> {
    let text = bytes.iter().map(|&byte| match byte {
        b'\n' => b'\r',
        b'\r' => b'a',
        _ => byte,
    });
    text.collect()
}

proptest! {
    #[test]
    fn any_bytes_are_read_by_the_rules(bytes in soup(), options in any_options(), sizes in any_sizes()) {
        check(&bytes, options, sizes)?;
        let classic = CsvOptions { line_end: LineEnd::CarriageReturn, ..options };
        check(&bytes, classic, sizes)?;
        check(&swapped(&bytes), classic, sizes)?;
    }

    #[test]
    fn records_are_read_by_the_rules(bytes in records(), options in any_options(), sizes in any_sizes()) {
        check(&bytes, options, sizes)?;
        check(&swapped(&bytes), CsvOptions { line_end: LineEnd::CarriageReturn, ..options }, sizes)?;
    }

    #[test]
    fn columns_come_in_the_order_asked_for(bytes in records(), sizes in any_sizes()) {
        let sizes = Sizes { record: 10_000, ..sizes };
        if let Ok(table) = oracle(&bytes, options(), sizes.record) {
            let width = table.header.len();
            let columns: Vec<usize> = (0..width).rev().chain([0]).collect();
            let mut reader = CsvReader::with_sizes(Trickle(&bytes, 3), &options(), sizes).unwrap();
            let mut found = Vec::new();
            while let Some(block) = reader.read(&texts(columns.iter().copied())).unwrap() {
                found.extend(rows(&block));
            }
            let expected: Vec<Row> = table
                .rows
                .iter()
                .map(|row| columns.iter().map(|&column| row[column].clone()).collect())
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}

/// Values of a column, and how many were null words.
type Values<T> = (Vec<Option<T>>, usize);

/// What one of the kernels for columns of texts makes of some.
fn kernel<T: Copy>(
    texts: &[Option<String>],
    read: impl Fn(&[Column<'_, Texts<'_>>]) -> Result<ReadColumn<T>, Error>,
) -> Result<Values<T>, Error> {
    let (mut views, mut bytes, mut bits) = (Vec::new(), Vec::new(), Vec::new());
    for text in texts {
        let text_bytes = text.as_deref().unwrap_or_default().as_bytes();
        views.push(view_of(text_bytes, 0, bytes.len() as u32));
        bytes.extend_from_slice(text_bytes);
        bits.push(u8::from(text.is_some()));
    }
    let packed: Vec<u8> =
        bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit)).collect();
    let values = Texts { views: &views, buffers: vec![&bytes] };
    let validity = Some(Bitmap { bytes: &packed, offset: 0 });
    let found = read(&[Column { values, validity }])?;
    let chunk = &found.chunks[0];
    let is_there =
        |row: usize| chunk.validity.as_ref().is_none_or(|bits| bits[row / 8] >> (row % 8) & 1 == 1);
    let values = chunk.values.iter().enumerate();
    Ok((values.map(|(row, value)| is_there(row).then_some(*value)).collect(), found.null_words))
}

/// The values of a column of a block, and how many were null words.
fn values<T: Copy>(block: &Block, of: impl Fn(&FieldValues) -> &[T], column: usize) -> Values<T> {
    let (mut values, mut words) = (Vec::new(), 0);
    for batch in &block.batches {
        let column = &batch.columns[column];
        let found = of(&column.values).iter().enumerate();
        values.extend(found.map(|(row, value)| is_valid(column, row).then_some(*value)));
        words += column.null_words.iter().sum::<u64>() as usize;
    }
    (values, words)
}

/// A field of a column of texts, numbers or dates, and rarely of another.
fn written(kind: usize) -> impl Strategy<Value = &'static str> {
    const TEXTS: [&str; 5] = ["7", "a longer text than views hold", "été", "N", "nul"];
    const NUMBERS: [&str; 6] = ["12", "-1.5", "1234.25", "1e3", "0.1", "(5)"];
    const DATES: [&str; 5] = [
        "2024-01-05",
        "2024-02-29 23:59:59",
        "2024-01-05T9:05",
        " 2023-12-31",
        "2000-01-01  01:02",
    ];
    const ANY: [&str; 7] = ["", "", "NULL", " NULL", "NULL\u{a0}", "\u{a0}-", "x"];
    let of_kind = prop::sample::select(match kind {
        0 => TEXTS.to_vec(),
        1 => NUMBERS.to_vec(),
        _ => DATES.to_vec(),
    });
    prop_oneof![60 => of_kind, 6 => prop::sample::select(ANY[..6].to_vec()), 1 => Just(ANY[6])]
}

/// Rows of a text, a number and a date, between quotes or not, in an encoding.
fn typed_rows() -> impl Strategy<Value = (Vec<u8>, Encoding)> {
    let row = (written(0), written(1), written(2));
    let rows = prop::collection::vec((row, any::<[bool; 3]>(), 0..6_u8), 0..24);
    (rows, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(rows, quote, cr, windows)| {
        let mut text = String::from("id,number,date\n");
        for ((id, number, date), quoted, end) in rows {
            let fields = [id, number, date].into_iter().zip(quoted).map(|(field, quoted)| {
                if quote && quoted { format!("\"{field}\"") } else { field.to_owned() }
            });
            text += &fields.collect::<Vec<_>>().join(",");
            text += if cr { "\r\n" } else { "\n" };
            text += if end == 0 { "\n" } else { "" };
        }
        if !windows {
            return (text.into_bytes(), Encoding::Utf8);
        }
        // The characters above are those of Latin 1, which Windows-1252 writes alike.
        (text.chars().map(|c| c as u8).collect(), Encoding::Windows1252)
    })
}

proptest! {
    /// Columns are read as the kernels for columns of texts read them, or as the texts they are.
    #[test]
    fn forms_give_what_the_kernels_for_texts_give(
        (bytes, encoding) in typed_rows(), sizes in any_sizes(),
    ) {
        let sizes = Sizes { record: 10_000, ..sizes };
        let options = CsvOptions { encoding, ..options() };
        let words = NullWords::new(&["NULL", "-"]);
        let number = NumberForm::new(Some("."), None, None).unwrap();
        let forms = [
            FieldForm::Text { null_words: words.clone() },
            FieldForm::Numbers { form: number.clone(), null_words: words.clone() },
            FieldForm::Instants { form: DateForm::Iso, zoned: false, null_words: words.clone() },
        ];
        let wanted: Vec<_> = forms.iter().enumerate().collect();
        let mut plain = CsvReader::with_sizes(&*bytes, &options, sizes).unwrap();
        let mut reader = CsvReader::with_sizes(&*bytes, &options, sizes).unwrap();
        while let Some(block) = plain.read(&texts(0..3)).unwrap() {
            let found = reader.read(&wanted).unwrap().unwrap();
            let columns: Vec<Vec<_>> =
                (0..3).map(|n| rows(&block).into_iter().map(|row| row[n].clone()).collect()).collect();
            let ids = kernel(&columns[0], |texts| find_words(texts, &words)).unwrap();
            let numbers = kernel(&columns[1], |texts| parse_numbers(texts, &number, &words));
            let dates = kernel(&columns[2], |texts| {
                parse_dates(texts, DateForm::Iso, &words, Some(false)).map(|read| read.column)
            });
            let (Ok(numbers), Ok(dates)) = (numbers, dates) else {
                prop_assert!(found.as_texts);
                prop_assert_eq!(rows(&found), rows(&block));
                continue;
            };
            prop_assert!(!found.as_texts);
            let numbers_found = values(&found, |values| match values {
                FieldValues::Numbers(values) => values,
                other => panic!("{other:?}"),
            }, 1);
            prop_assert_eq!(numbers_found, numbers);
            let dates_found = values(&found, |values| match values {
                FieldValues::Instants(values) => values,
                other => panic!("{other:?}"),
            }, 2);
            prop_assert_eq!(dates_found, dates);
            let left: Vec<Row> = columns[0]
                .iter()
                .zip(&ids.0)
                .map(|(text, there)| vec![there.and(text.clone())])
                .collect();
            let count: u64 =
                found.batches.iter().flat_map(|batch| &batch.columns[0].null_words).sum();
            prop_assert_eq!(count as usize, ids.1);
            let mut found = found;
            found.batches.iter_mut().for_each(|batch| batch.columns.truncate(1));
            prop_assert_eq!(rows(&found), left);
        }
        prop_assert!(reader.read(&wanted).unwrap().is_none());
        prop_assert_eq!(reader.rows(), plain.rows());
    }
}

/// The rows of a file, with fields as they are written in it, or the sentence that refuses it.
fn read(text: impl AsRef<[u8]>) -> Result<Table, String> {
    let bytes = text.as_ref();
    check(bytes, options(), SIZES).unwrap();
    read_all(bytes, options(), Sizes { record: 1000, ..Sizes::DEFAULT })
}

fn row(fields: &[&str]) -> Row {
    fields.iter().map(|&text| Some(text.to_owned()).filter(|text| !text.is_empty())).collect()
}

#[test]
fn a_file_without_a_header_is_refused() {
    for text in ["", "\n\n\r\n", "\u{FEFF}"] {
        assert_eq!(read(text).unwrap_err(), "there is no header: no line holds anything");
    }
}

#[test]
fn a_header_alone_has_no_rows() {
    for text in ["a,b", "a,b\n", "\n\r\na,b\r\n\n"] {
        let table = read(text).unwrap();
        assert_eq!(table.header, ["a", "b"]);
        assert!(table.rows.is_empty());
    }
}

#[test]
fn the_header_is_told_as_it_stands() {
    let table = read("\u{FEFF}\" a\"\"\n\",é, b\n").unwrap();
    assert_eq!(table.header, [" a\"\n", "é", " b"]);
}

#[test]
fn a_last_line_without_a_line_end_is_a_row() {
    assert_eq!(read("a,b\n1,2\n3,").unwrap().rows, [row(&["1", "2"]), row(&["3", ""])]);
    assert_eq!(read("a,b\n1,\"2\"").unwrap().rows, [row(&["1", "2"])]);
}

#[test]
fn blank_lines_are_counted_and_are_no_rows() {
    let table = read("\na\n\n1\r\n\r\n\n\"\"\n\n").unwrap();
    assert_eq!(table.rows, [row(&["1"]), row(&[""])]);
    assert_eq!(table.blank_lines, 5);
}

#[test]
fn fields_of_any_length_are_read_at_every_place_of_a_word() {
    for length in 0..140 {
        let long = "x".repeat(length);
        let table =
            read(format!("{long}a,b\n{long},2\r\n1,{long}\n\"{long}\",\"\"\"\"\n")).unwrap();
        assert_eq!(table.rows, [row(&[&long, "2"]), row(&["1", &long]), row(&[&long, "\""])]);
    }
}

#[test]
fn line_ends_and_separators_may_be_quoted() {
    let table = read("a,b\n\"1\r\n2\n\",\",\"\n3,4\n").unwrap();
    assert_eq!(table.rows, [row(&["1\r\n2\n", ","]), row(&["3", "4"])]);
}

#[test]
fn the_first_fault_of_a_file_is_told_with_its_line() {
    let faults = [
        ("a,b\n1,2,3\n", "line 2 has 3 fields, and the header 2"),
        ("a,b\n1,2\n\n1\n", "line 4 has 1 field, and the header 2"),
        ("a\n\"1\"2\n", "line 2: a quote inside a quoted field is not doubled"),
        ("a\n\"1\n\n2", "the quote that opens on line 2 is never closed"),
        (
            "a\n\"1\"\n5\" nail\n",
            "line 3 has a quote inside a field that is not quoted, while line 2 quotes its fields",
        ),
        (
            "a\n5\" nail\n\"1\"\n",
            "line 3 quotes a field, while line 2 has a quote inside a field that is not quoted",
        ),
        ("a\n\n1\r2\n", "line 3 holds a carriage return without a line feed after it"),
        ("a\n1\r", "line 2 holds a carriage return without a line feed after it"),
        ("a\n1\0\n", "line 2 holds a NUL byte, and so is no text"),
    ];
    for (text, expected) in faults {
        assert_eq!(read(text).unwrap_err(), expected);
    }
    assert_eq!(read(b"a\n\"\n\xC3(\"\n").unwrap_err(), "line 3 is no UTF-8: it holds the byte C3");
    assert_eq!(read(b"a\n1\xE2\x82").unwrap_err(), "line 2 is no UTF-8: it holds the bytes E2 82");
}

#[test]
fn a_quote_that_nobody_closes_ends_the_run_before_the_memory() {
    let mut text = b"a\n1\n\"2\n".to_vec();
    text.extend(std::iter::repeat_n(&b"1\n"[..], 1000).flatten());
    assert_eq!(
        read(text).unwrap_err(),
        "line 3 begins a record of more than 1000 bytes: a quote may not be closed"
    );
}

#[test]
fn windows_1252_becomes_utf8() {
    let options = CsvOptions { encoding: Encoding::Windows1252, ..options() };
    let bytes = b"\x80,b\n\xE9t\xE9,\"12 \x80 \"\"and a long text\x99\"\n";
    let table = read_all(bytes, options, SIZES).unwrap();
    assert_eq!(table.header, ["€", "b"]);
    assert_eq!(table.rows, [row(&["été", "12 € \"and a long text™"])]);
    for byte in [0x81, 0x8D, 0x8F, 0x90, 0x9D] {
        let error = read_all(&[b'a', b'\n', byte], options, SIZES).unwrap_err();
        assert_eq!(error, format!("line 2 is no Windows-1252: it holds the byte {byte:02X}"));
    }
}

#[test]
fn classic_lines_end_with_carriage_returns() {
    let options = CsvOptions { line_end: LineEnd::CarriageReturn, ..options() };
    let table = read_all(b"a,b\r1,\"\n2\"\r\r3,4", options, SIZES).unwrap();
    assert_eq!(table.rows, [row(&["1", "\n2"]), row(&["3", "4"])]);
    assert_eq!(
        read_all(b"a\r1\n", options, SIZES).unwrap_err(),
        "line 2 holds a line feed, where lines end with carriage returns"
    );
}

#[test]
fn a_separator_is_an_ascii_character_with_no_other_use() {
    for separator in [b'"', b'\n', b'\r', 0, 0xE9] {
        let options = CsvOptions { separator, ..options() };
        assert!(matches!(
            CsvReader::new(&b"a"[..], &options),
            Err(ReadError::Refused(Error::Option(_)))
        ));
    }
    let options = CsvOptions { separator: b' ', ..options() };
    assert_eq!(read_all(b"a b\n1 2\n", options, SIZES).unwrap().rows, [row(&["1", "2"])]);
}

#[test]
fn a_source_that_fails_is_told_after_the_rows_before() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or_else(|| io::Error::other("gone"))?;
            buffer[..2].copy_from_slice(b"1\n");
            Ok(2)
        }
    }
    let sizes = Sizes { block: 4, ..SIZES };
    let mut reader = CsvReader::with_sizes(Failing(5), &options(), sizes).unwrap();
    assert!(reader.read(&texts([0])).unwrap().is_some());
    assert!(reader.read(&texts([0])).unwrap().is_some());
    assert!(matches!(reader.read(&texts([0])), Err(ReadError::Source(_))));
}

/// Sales in one of many dialects.
struct Sales {
    text: Vec<u8>,
    options: CsvOptions,
    forms: [FieldForm; 4],
}

impl Sales {
    /// So many lines, in the dialect of a number.
    fn new(lines: usize, number: u64) -> Self {
        let mut state = number;
        // SplitMix64 (Steele, Lea and Flood, 2014), which needs no more than its state.
        let mut below = move |count: u64| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            (mixed ^ mixed >> 31) % count
        };
        let separator = [b',', b';', b'\t', b'|'][below(4) as usize];
        let (line_end, end) =
            [(LineEnd::Newline, "\n"), (LineEnd::Newline, "\r\n"), (LineEnd::CarriageReturn, "\r")]
                [below(3) as usize];
        let windows = below(2) == 0;
        let day_first = below(2) == 0;
        let comma = separator != b',' && below(2) == 0;
        let quotes = below(3);
        let quote = |field: String, wanted: bool| {
            if wanted { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
        };
        let mut text =
            ["client", "date", "amount", "note"].join(&char::from(separator).to_string());
        text += end;
        for _ in 0..lines {
            let client = format!("K{}", below(lines as u64 / 4 + 1));
            let (day, month, hour) = (1 + below(28), 1 + below(12), below(24));
            let date = if day_first {
                format!("{day:02}/{month:02}/2025 {hour}:30")
            } else {
                format!("2025-{month:02}-{day:02} {hour:02}:30:00")
            };
            let amount = format!("{}.{:02}", below(1000), below(100));
            let amount = if comma { amount.replace('.', ",") } else { amount };
            let mut note = ["", "caisse", "été", "NULL", "une note plus longue que douze octets"]
                [below(5) as usize]
                .to_owned();
            if quotes == 2 && below(2) == 0 {
                note += [" \"soldes\"", ", puis", "; encore", end][below(4) as usize];
            }
            let fields = [
                quote(client, quotes == 1),
                quote(date, quotes == 1),
                quote(amount, quotes == 1),
                quote(note, quotes > 0),
            ];
            text += &fields.join(&char::from(separator).to_string());
            text += end;
        }
        let text = if windows {
            // The letters above are those of Latin 1, which Windows-1252 writes alike.
            text.chars().map(|c| c as u8).collect()
        } else {
            text.into_bytes()
        };
        let encoding = if windows { Encoding::Windows1252 } else { Encoding::Utf8 };
        let null_words = NullWords::new(&["NULL"]);
        let form = NumberForm::new(Some(if comma { "," } else { "." }), None, None).unwrap();
        let dates = if day_first { DateForm::DayMonthYear } else { DateForm::Iso };
        Self {
            text,
            options: CsvOptions { separator, line_end, encoding, ..options() },
            forms: [
                FieldForm::Text { null_words: null_words.clone() },
                FieldForm::Instants { form: dates, zoned: false, null_words: null_words.clone() },
                FieldForm::Numbers { form, null_words },
                FieldForm::plain_text(),
            ],
        }
    }

    /// The rows of a text in this dialect, in one block; none if the text is refused.
    fn read(&self, text: &[u8]) -> Option<Block> {
        let sizes = Sizes {
            block: 2 * text.len() + 1,
            piece: 16 << 10,
            chunk: 4 << 10,
            headroom: 0,
            record: 1 << 20,
        };
        let mut reader = CsvReader::with_sizes(text, &self.options, sizes).ok()?;
        let columns: Vec<_> = self.forms.iter().enumerate().collect();
        let block = reader.read(&columns).ok()??;
        assert!(reader.read(&columns).unwrap().is_none());
        (!block.as_texts).then_some(block)
    }
}

/// A value of a block, in a form in which values of two blocks are compared.
#[derive(Debug, PartialEq)]
enum Cell<'a> {
    Missing,
    Bits(u128),
    LongText(&'a [u8]),
}

fn cells(block: &Block, column: usize) -> impl Iterator<Item = Cell<'_>> {
    block.batches.iter().flat_map(move |batch| {
        let column = &batch.columns[column];
        (0..batch.rows).map(move |row| match &column.values {
            _ if !is_valid(column, row) => Cell::Missing,
            FieldValues::Numbers(values) => Cell::Bits(values[row].to_bits().into()),
            FieldValues::Instants(values) => Cell::Bits(values[row] as u128),
            FieldValues::Texts(texts) => match texts.views[row] {
                view if view as u32 <= 12 => Cell::Bits(view),
                view => {
                    let in_block = (view >> 64) as u32 == 0;
                    let bytes = if in_block { &block.bytes } else { &texts.decoded };
                    let start = (view >> 96) as usize;
                    Cell::LongText(&bytes[start..start + view as u32 as usize])
                }
            },
        })
    })
}

/// Whether a block has the rows of another, and all of its values but one at most.
fn differs_in_one_value(found: &Block, whole: &Block) -> bool {
    let rows = |block: &Block| block.batches.iter().map(|batch| batch.rows).sum::<usize>();
    let differing = |column| {
        cells(found, column)
            .zip(cells(whole, column))
            .filter(|(found, whole)| found != whole)
            .count()
    };
    rows(found) == rows(whole) && (0..4).map(differing).sum::<usize>() <= 1
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// No byte that is dropped, doubled or changed takes a line or a field unseen: the file is refused, or
/// one value is the one that the fault spells.
///
/// `GRC_FAST_FAULT_FILES` and `GRC_FAST_FAULT_LINES` try more, from the file
/// `GRC_FAST_FAULT_FIRST_FILE` on.
#[test]
fn no_single_fault_takes_a_line_or_a_field() {
    const OTHERS: &[u8] = b"0,;\"\n\r. -Kx\xE9\t|\0/";
    let lines = from_environment("GRC_FAST_FAULT_LINES", 12) as usize;
    let first = from_environment("GRC_FAST_FAULT_FIRST_FILE", 0);
    let files = from_environment("GRC_FAST_FAULT_FILES", 24);
    let (mut refused, mut read) = (0_u64, 0_u64);
    for number in first..first + files {
        let sales = Sales::new(lines, number);
        let whole = sales.read(&sales.text).expect("what is written by the rules is read");
        let header = sales.text.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap();
        let mut faulty = Vec::with_capacity(sales.text.len() + 1);
        for place in header..sales.text.len() {
            let byte = sales.text[place];
            let other = OTHERS[(place + number as usize) % OTHERS.len()];
            for fault in [&[][..], &[byte, byte], &[other]] {
                faulty.clear();
                faulty.extend_from_slice(&sales.text[..place]);
                faulty.extend_from_slice(fault);
                faulty.extend_from_slice(&sales.text[place + 1..]);
                let Some(found) = sales.read(&faulty) else {
                    refused += 1;
                    continue;
                };
                read += 1;
                assert!(
                    differs_in_one_value(&found, &whole),
                    "file {number} with {fault:?} for the byte {place}, {:?}",
                    String::from_utf8_lossy(
                        &faulty[place.saturating_sub(60)..]
                            [..80.min(faulty.len() - place.saturating_sub(60))]
                    ),
                );
            }
        }
    }
    assert!(refused > 0 && read > 0);
    println!("{read} faults read as the value that they spell, {refused} refused");
}
