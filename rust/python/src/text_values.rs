//! Texts as numbers and instants, for Python.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands extracted arguments over by value")]

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, PrimitiveArray, StringViewArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};
use grc_core::columns::{Column, Texts};
use grc_core::text_values::{self, DateForm, NullWords, NumberForm, ReadChunk, ReadColumn};
use grc_core::{Error, Result};
use pyo3::prelude::*;
use pyo3_arrow::PyChunkedArray;

use crate::errors::exception;
use crate::ffi::{self, Chunks};
use crate::threads::on_threads;

/// The chunks of a column of texts.
fn text_chunks(column: PyChunkedArray) -> PyResult<Chunks> {
    let chunks = ffi::chunks(column).into_iter().map(|chunk| match chunk.data_type() {
        DataType::Utf8View => Ok(chunk),
        other => Err(exception(&Error::Column(format!(
            "a column to be read as text is of type {other}: cast it to text"
        )))),
    });
    chunks.collect()
}

fn texts(chunks: &Chunks) -> Vec<Column<'_, Texts<'_>>> {
    chunks
        .iter()
        .map(|chunk| Column {
            values: ffi::texts(chunk.as_string_view()),
            validity: ffi::validity(chunk),
        })
        .collect()
}

/// What was read, in the chunks in which it came.
fn chunked<T: ArrowPrimitiveType>(
    read: ReadColumn<T::Native>,
    data_type: DataType,
) -> PyResult<PyChunkedArray> {
    let arrays = read.chunks.into_iter().map(|chunk| {
        let rows = chunk.values.len();
        let nulls = chunk
            .validity
            .map(|bits| NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(bits), 0, rows)));
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(chunk.values), nulls);
        Arc::new(array.with_data_type(data_type.clone())) as _
    });
    let field = Field::new("", data_type.clone(), true);
    PyChunkedArray::try_new(arrays.collect(), Arc::new(field))
}

/// The numbers that texts write, and how many texts were null words.
#[pyfunction]
#[pyo3(signature = (column, *, decimal, thousands, currency, null_words, threads=None))]
pub fn parse_numbers(
    py: Python<'_>,
    column: PyChunkedArray,
    decimal: Option<&str>,
    thousands: Option<&str>,
    currency: Option<&str>,
    null_words: Vec<String>,
    threads: Option<usize>,
) -> PyResult<(PyChunkedArray, usize)> {
    let chunks = text_chunks(column)?;
    let read = on_threads(py, threads, || {
        let form = NumberForm::new(decimal, thousands, currency)?;
        text_values::parse_numbers(&texts(&chunks), &form, &NullWords::new(&null_words))
    })?;
    let null_words = read.null_words;
    Ok((chunked::<Float64Type>(read, DataType::Float64)?, null_words))
}

/// The instants that texts write, how many texts were null words, and whether they are zoned.
#[pyfunction]
#[pyo3(signature = (column, *, form, null_words, zoned=None, threads=None))]
pub fn parse_dates(
    py: Python<'_>,
    column: PyChunkedArray,
    form: &str,
    null_words: Vec<String>,
    zoned: Option<bool>,
    threads: Option<usize>,
) -> PyResult<(PyChunkedArray, usize, Option<bool>)> {
    let chunks = text_chunks(column)?;
    let read = on_threads(py, threads, || -> Result<_> {
        let form = DateForm::new(form)?;
        text_values::parse_dates(&texts(&chunks), form, &NullWords::new(&null_words), zoned)
    })?;
    let null_words = read.column.null_words;
    let data_type = ffi::instants(read.zoned == Some(true));
    let array = chunked::<TimestampMicrosecondType>(read.column, data_type)?;
    Ok((array, null_words, read.zoned))
}

/// Ids without those that are null words, and how many were; ids that are there stay as they are.
#[pyfunction]
#[pyo3(signature = (column, words, threads=None))]
pub fn without_words(
    py: Python<'_>,
    column: PyChunkedArray,
    words: Vec<String>,
    threads: Option<usize>,
) -> PyResult<(PyChunkedArray, usize)> {
    let chunks = text_chunks(column)?;
    let read = on_threads(py, threads, || {
        text_values::find_words(&texts(&chunks), &NullWords::new(&words))
    })?;
    let found = read.null_words;
    let arrays = if found == 0 {
        chunks
    } else {
        chunks.into_iter().zip(read.chunks).map(without).collect()
    };
    let field = Field::new("", DataType::Utf8View, true);
    Ok((PyChunkedArray::try_new(arrays, Arc::new(field))?, found))
}

/// The texts of a chunk that are there.
fn without((chunk, found): (ArrayRef, ReadChunk<()>)) -> ArrayRef {
    let texts = chunk.as_string_view();
    let nulls = found
        .validity
        .map(|bits| NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(bits), 0, texts.len())));
    let (views, buffers) = (texts.views().clone(), texts.data_buffers().to_vec());
    Arc::new(StringViewArray::new(views, buffers, nulls))
}
