//! Keyed hashes, for Python.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands extracted arguments over by value")]

use std::sync::Arc;

use arrow_array::FixedSizeBinaryArray;
use arrow_buffer::Buffer;
use grc_core::keyed_hash::{self, HASH_BYTES};
use pyo3::prelude::*;
use pyo3_arrow::{PyArray, PyChunkedArray};

use crate::errors::exception;
use crate::ffi::{concatenated, texts_of};
use crate::threads::on_threads;

/// The hash of each text under a key, for a purpose, in 16 bytes.
#[pyfunction]
#[pyo3(signature = (texts, key, purpose, *, threads=None))]
pub fn keyed_hashes(
    py: Python<'_>,
    texts: PyChunkedArray,
    key: &[u8],
    purpose: &str,
    threads: Option<usize>,
) -> PyResult<PyArray> {
    let array = concatenated(texts).map_err(|error| exception(&error))?;
    let texts = texts_of(&array).map_err(|error| exception(&error))?;
    let hashes = on_threads(py, threads, || keyed_hash::keyed_hashes(&texts, key, purpose))?;
    let bytes = Buffer::from_vec(hashes.into_flattened());
    let hashes = FixedSizeBinaryArray::new(HASH_BYTES as i32, bytes, None);
    Ok(PyArray::from_array_ref(Arc::new(hashes)))
}
