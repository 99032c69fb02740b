//! The strict reader of separated text, for Python.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands extracted arguments over by value")]

use std::error::Error as StdError;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use grc_core::Error;
use grc_core::csv::{
    CsvOptions, CsvReader as Reader, Encoding, FieldForm as Form, LineEnd, ReadError,
};
use grc_core::text_values::{DateForm, NullWords, NumberForm};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use pyo3_arrow::PyTable;

use crate::errors::{SourceError, exception};
use crate::ffi;

/// Where bytes come from: a file, or a Python object with `read(n)`.
enum Source {
    File(File),
    Object(Py<PyAny>),
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            // Wrapped, so that no kind of error is taken for one that asks to try again.
            Self::Object(object) => read_object(object, buffer).map_err(io::Error::other),
        }
    }
}

fn read_object(object: &Py<PyAny>, buffer: &mut [u8]) -> PyResult<usize> {
    Python::attach(|py| {
        py.check_signals()?;
        let read = object.bind(py).call_method1("read", (buffer.len(),))?;
        let bytes = read.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes();
        let found = buffer.get_mut(..bytes.len()).ok_or_else(|| {
            PyTypeError::new_err("read(n) of a source has returned more than n bytes")
        })?;
        found.copy_from_slice(bytes);
        Ok(bytes.len())
    })
}

/// Let Ctrl+C end a search that Python does not see.
fn see_signals() -> io::Result<()> {
    Python::attach(|py| {
        py.check_signals()?;
        Ok(())
    })
    .map_err(io::Error::other::<PyErr>)
}

/// The exception of an error of reading; one that Python has raised comes back as it was.
fn read_exception(error: ReadError) -> PyErr {
    match error {
        ReadError::Refused(error) => exception(&error),
        ReadError::Source(error) => {
            if error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<PyErr>) {
                return error.into();
            }
            SourceError::new_err(format!("cannot be read: {error}"))
        }
    }
}

/// What the fields of a column are read as.
#[pyclass(module = "grc_fast._core", frozen)]
pub struct FieldForm(Form);

#[pymethods]
impl FieldForm {
    /// Text, but for words that stand for a missing value.
    #[staticmethod]
    fn text(null_words: Vec<String>) -> Self {
        Self(Form::Text { null_words: NullWords::new(&null_words) })
    }

    /// Numbers.
    #[staticmethod]
    #[pyo3(signature = (*, decimal, thousands, currency, null_words))]
    fn numbers(
        decimal: Option<&str>,
        thousands: Option<&str>,
        currency: Option<&str>,
        null_words: Vec<String>,
    ) -> PyResult<Self> {
        let form = NumberForm::new(decimal, thousands, currency).map_err(|e| exception(&e))?;
        Ok(Self(Form::Numbers { form, null_words: NullWords::new(&null_words) }))
    }

    /// Dates, or dates and times, which have a zone or have none.
    #[staticmethod]
    #[pyo3(signature = (*, form, zoned, null_words))]
    fn dates(form: &str, zoned: bool, null_words: Vec<String>) -> PyResult<Self> {
        let form = DateForm::new(form).map_err(|e| exception(&e))?;
        Ok(Self(Form::Instants { form, zoned, null_words: NullWords::new(&null_words) }))
    }
}

/// A table, whether it holds plain texts, and how often each null word of each column stood there.
type ReadBlock = (PyTable, bool, Vec<Vec<u64>>);

/// A strict reader of separated text: blocks of rows out, in the columns asked for.
#[pyclass(module = "grc_fast._core")]
pub struct CsvReader {
    reader: Reader<Source>,
    options: CsvOptions,
    /// None where the source is an object, which is read once.
    path: Option<PathBuf>,
}

#[pymethods]
impl CsvReader {
    #[new]
    #[pyo3(signature = (source, *, separator, newline, encoding, skip_lines, threads, block_bytes=None))]
    #[expect(clippy::too_many_arguments, reason = "they are the keywords of a Python constructor")]
    fn new(
        py: Python<'_>,
        source: Bound<'_, PyAny>,
        separator: &str,
        newline: &str,
        encoding: &str,
        skip_lines: u64,
        threads: Option<usize>,
        block_bytes: Option<usize>,
    ) -> PyResult<Self> {
        let options = CsvOptions {
            separator: separator_named(separator)?,
            line_end: line_end_named(newline)?,
            encoding: encoding_named(encoding)?,
            skip_lines,
            threads,
            block_bytes,
        };
        let path: Option<PathBuf> =
            source.is_instance_of::<PyString>().then(|| source.extract()).transpose()?;
        let object = source.unbind();
        let reader = py
            .detach(|| {
                let source = match &path {
                    Some(path) => Source::File(File::open(path)?),
                    None => Source::Object(object),
                };
                Reader::new(source, &options)
            })
            .map_err(read_exception)?;
        Ok(Self { reader, options, path })
    }

    /// The names of the columns.
    #[getter]
    fn header(&self) -> Vec<String> {
        self.reader.header().to_vec()
    }

    /// Rows read so far.
    #[getter]
    fn rows(&self) -> u64 {
        self.reader.rows()
    }

    /// Blank lines so far.
    #[getter]
    fn blank_lines(&self) -> u64 {
        self.reader.blank_lines()
    }

    /// The next rows, in columns named by their positions in the header; None at the end.
    ///
    /// A column without a form is text. If any value cannot be read by the form of its column, all
    /// columns of the block are the texts that stand in the file.
    fn read(
        &mut self,
        py: Python<'_>,
        columns: Vec<(usize, Option<Py<FieldForm>>)>,
    ) -> PyResult<Option<ReadBlock>> {
        py.check_signals()?;
        let plain = Form::plain_text();
        let wanted: Vec<(usize, &Form)> = columns
            .iter()
            .map(|(position, form)| (*position, form.as_ref().map_or(&plain, |form| &form.get().0)))
            .collect();
        let block = py
            .detach(|| {
                Ok(self.reader.read(&wanted)?.map(|block| ffi::field_batches(block, &wanted)))
            })
            .map_err(read_exception)?;
        let Some((batches, as_texts, null_words)) = block else { return Ok(None) };
        let schema = batches[0].schema();
        Ok(Some((PyTable::try_new(batches, schema)?, as_texts, null_words)))
    }

    /// The line on which a row begins, counted from 1; None if there are fewer rows.
    fn line_of_row(&mut self, py: Python<'_>, row: u64) -> PyResult<Option<u64>> {
        py.detach(|| {
            if let Some(path) = &self.path {
                let source = Source::File(File::open(path)?);
                return Reader::new(source, &self.options)?.line_of_row(row, see_signals);
            }
            if self.reader.rows() > 0 {
                return Err(Error::Option(
                    "rows of this source have been read: take a new reader to find a line"
                        .to_owned(),
                )
                .into());
            }
            self.reader.line_of_row(row, see_signals)
        })
        .map_err(read_exception)
    }
}

fn separator_named(separator: &str) -> PyResult<u8> {
    match separator.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(exception(&Error::Option(format!(
            "the separator is {separator:?}: take one ASCII character"
        )))),
    }
}

fn line_end_named(name: &str) -> PyResult<LineEnd> {
    match name {
        "lf" => Ok(LineEnd::Newline),
        "cr" => Ok(LineEnd::CarriageReturn),
        other => {
            Err(exception(&Error::Option(format!("newline is \"{other}\": take \"lf\" or \"cr\""))))
        }
    }
}

fn encoding_named(name: &str) -> PyResult<Encoding> {
    match name {
        "utf-8" => Ok(Encoding::Utf8),
        "cp1252" => Ok(Encoding::Windows1252),
        other => Err(exception(&Error::Option(format!(
            "encoding is \"{other}\": take \"utf-8\" or \"cp1252\""
        )))),
    }
}
