//! CSV files: what a reader of lines without quotes reads is read alike, and in small blocks too.

use grc_core::csv::{
    Block, CsvOptions, CsvReader, Encoding, FieldColumn, FieldForm, FieldValues, LineEnd,
};

use crate::bytes::{Bytes, on_threads};

type Row = Vec<Option<String>>;

/// Read a file, after two bytes that say how.
pub fn csv(data: &[u8]) {
    on_threads(data, |threads| check(data, threads));
}

fn check(data: &[u8], threads: usize) {
    let mut bytes = Bytes(data);
    let separator = [b',', b';', b'\t', b'|', b'"', b'a'][bytes.below(6)];
    let flags = bytes.byte();
    let options = CsvOptions {
        separator,
        line_end: if flags & 1 == 0 { LineEnd::Newline } else { LineEnd::CarriageReturn },
        encoding: if flags & 2 == 0 { Encoding::Utf8 } else { Encoding::Windows1252 },
        skip_lines: u64::from(flags >> 2 & 3),
        threads: Some(threads),
        block_bytes: None,
    };
    let file = bytes.0;
    let whole = read(file, options);
    let small = read(file, CsvOptions { block_bytes: Some(1), threads: Some(1), ..options });
    assert_eq!(whole, small);
    if options
        == (CsvOptions { separator: b',', threads: options.threads, ..CsvOptions::default() })
        && let Some(expected) = by_lines(file)
    {
        assert_eq!(whole, Ok(expected));
    }
}

fn read(file: &[u8], options: CsvOptions) -> Result<(Vec<String>, Vec<Row>), String> {
    let mut reader = CsvReader::new(file, &options).map_err(|error| error.to_string())?;
    let text = FieldForm::plain_text();
    let columns: Vec<_> = (0..reader.header().len()).map(|column| (column, &text)).collect();
    let mut found = Vec::new();
    while let Some(block) = reader.read(&columns).map_err(|error| error.to_string())? {
        add_rows(&block, &mut found);
    }
    assert_eq!(reader.rows(), found.len() as u64);
    Ok((reader.header().to_vec(), found))
}

fn add_rows(block: &Block, found: &mut Vec<Row>) {
    for batch in &block.batches {
        for row in 0..batch.rows {
            let field = |column: &FieldColumn| {
                let FieldValues::Texts(column) = &column.values else {
                    panic!("texts were asked for")
                };
                let view = column.views[row];
                let length = view as u32 as usize;
                let bytes = if length <= 12 {
                    view.to_le_bytes()[4..4 + length].to_vec()
                } else {
                    let start = (view >> 96) as usize;
                    let buffer =
                        if (view >> 64) as u32 == 0 { &block.bytes } else { &column.decoded };
                    buffer[start..start + length].to_vec()
                };
                (length > 0).then(|| String::from_utf8(bytes).expect("text is UTF-8"))
            };
            found.push(batch.columns.iter().map(field).collect());
        }
    }
}

/// The rows of a file that has nothing but fields, commas and line ends; none where it has more.
fn by_lines(file: &[u8]) -> Option<(Vec<String>, Vec<Row>)> {
    let text = std::str::from_utf8(file).ok()?;
    if text.contains(['"', '\r', '\0', '\u{feff}']) {
        return None;
    }
    let mut lines = text.split('\n').filter(|line| !line.is_empty());
    let header: Vec<String> = lines.next()?.split(',').map(str::to_owned).collect();
    let rows: Vec<Row> = lines
        .map(|line| line.split(',').map(|f| Some(f.to_owned()).filter(|f| !f.is_empty())).collect())
        .collect();
    rows.iter().all(|row| row.len() == header.len()).then_some((header, rows))
}
