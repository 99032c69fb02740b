//! Bands and cells, for Python.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands extracted arguments over by value")]

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, Float64Array, UInt8Array, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use grc_core::cells::{self, CellColumn, Lookup};
use grc_core::quantiles::{self, ChunkedColumn, Closed, Edge, Interpolation};
use grc_core::{Error, Result};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3_arrow::{PyArray, PyChunkedArray};

use crate::errors::exception;
use crate::ffi::{self, Chunks};
use crate::threads::on_threads;

/// An edge between bands: integers stay integers, so that edges beyond 2^53 are exact.
#[derive(Debug, Clone, Copy, FromPyObject)]
pub enum EdgeNumber {
    /// A whole number.
    Integer(i128),
    /// Any number.
    Float(f64),
}

impl From<EdgeNumber> for Edge {
    fn from(edge: EdgeNumber) -> Self {
        match edge {
            EdgeNumber::Integer(edge) => Self::Integer(edge),
            EdgeNumber::Float(edge) => Self::Float(edge),
        }
    }
}

/// Run a generic call on the column of the type that an array turns out to have.
macro_rules! with_column {
    ($values:expr, |$column:ident| $call:expr) => {{
        let chunks: &Chunks = $values;
        // Narrow integers are few, and go through the kernels of wider ones.
        let chunks: &Chunks = &chunks.iter().cloned().map(widened).collect();
        macro_rules! call {
            ($type:ty) => {{
                let $column = column::<$type>(chunks);
                $call
            }};
        }
        match chunks.first().map(|chunk| chunk.data_type()) {
            Some(DataType::Int32) => call!(Int32Type),
            Some(DataType::Int64) => call!(Int64Type),
            Some(DataType::UInt32) => call!(UInt32Type),
            Some(DataType::UInt64) => call!(UInt64Type),
            Some(DataType::Float32) => call!(Float32Type),
            Some(DataType::Float64) | None => call!(Float64Type),
            Some(other) => Err(exception(&Error::Column(format!(
                "values of type {other} have no bands: cast them to integers or floats"
            )))),
        }
    }};
}

/// Integers of fewer than 32 bits, in 32 bits.
fn widened(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Int8 => {
            Arc::new(array.as_primitive::<Int8Type>().unary::<_, Int32Type>(i32::from))
        }
        DataType::Int16 => {
            Arc::new(array.as_primitive::<Int16Type>().unary::<_, Int32Type>(i32::from))
        }
        DataType::UInt8 => {
            Arc::new(array.as_primitive::<UInt8Type>().unary::<_, UInt32Type>(u32::from))
        }
        DataType::UInt16 => {
            Arc::new(array.as_primitive::<UInt16Type>().unary::<_, UInt32Type>(u32::from))
        }
        _ => array,
    }
}

fn column<T: ArrowPrimitiveType>(chunks: &Chunks) -> ChunkedColumn<'_, T::Native> {
    ChunkedColumn {
        chunks: chunks
            .iter()
            .map(|array| (array.as_primitive::<T>().values().as_ref(), ffi::validity(array)))
            .collect(),
    }
}

/// Bands as an array, null where the value is missing.
fn band_array(bands: Vec<u8>) -> PyArray {
    let missing = bands.contains(&0);
    let nulls = missing.then(|| bands.iter().map(|&band| band != 0).collect::<NullBuffer>());
    PyArray::from_array_ref(Arc::new(UInt8Array::new(bands.into(), nulls)))
}

fn objects<'py, T: IntoPyObject<'py>>(py: Python<'py>, values: Vec<T>) -> PyResult<Vec<Py<PyAny>>> {
    values.into_iter().map(|value| value.into_py_any(py)).collect()
}

/// Quantile edges and the band of each value.
#[pyfunction]
#[pyo3(signature = (values, bins, *, method, threads=None))]
pub fn quantile_bands(
    py: Python<'_>,
    values: PyChunkedArray,
    bins: usize,
    method: &str,
    threads: Option<usize>,
) -> PyResult<(Vec<Py<PyAny>>, PyArray)> {
    let chunks = values.into_inner().0;
    let interpolation = match method {
        "inverted_cdf" => None,
        "linear" => Some(Interpolation::Qcut),
        "r-rfm" => Some(Interpolation::RRfm),
        other => {
            return Err(exception(&Error::Option(format!(
                "edges is \"{other}\": take inverted_cdf, linear or r-rfm"
            ))));
        }
    };
    with_column!(&chunks, |column| {
        if let Some(interpolation) = interpolation {
            let (edges, bands) =
                on_threads(py, threads, || quantiles::linear_bands(&column, bins, interpolation))?;
            Ok((objects(py, edges)?, band_array(bands)))
        } else {
            let (edges, bands) =
                on_threads(py, threads, || quantiles::quantile_bands(&column, bins))?;
            Ok((objects(py, edges)?, band_array(bands)))
        }
    })
}

/// The band of each value, by frozen edges.
#[pyfunction]
#[pyo3(signature = (values, edges, *, closed="right", threads=None))]
pub fn bands(
    py: Python<'_>,
    values: PyChunkedArray,
    edges: Vec<EdgeNumber>,
    closed: &str,
    threads: Option<usize>,
) -> PyResult<PyArray> {
    let closed = match closed {
        "right" => Closed::Right,
        "left" => Closed::Left,
        other => {
            return Err(exception(&Error::Option(format!(
                "closed is \"{other}\": take right or left"
            ))));
        }
    };
    let chunks = values.into_inner().0;
    with_column!(&chunks, |column| {
        on_threads(py, threads, || quantiles::bands_from_edges(&column, &edges, closed))
            .map(band_array)
    })
}

/// A value and a client, as Python objects.
type Pair = (Py<PyAny>, Py<PyAny>);

/// Bands of equal size, ties split by client; the edges are the last (value, client) of each band.
#[pyfunction]
#[pyo3(signature = (values, ids, bins, *, threads=None))]
pub fn split_bands(
    py: Python<'_>,
    values: PyChunkedArray,
    ids: &Bound<'_, PyAny>,
    bins: usize,
    threads: Option<usize>,
) -> PyResult<(Vec<Pair>, PyArray)> {
    let chunks = values.into_inner().0;
    with_column!(&chunks, |column| {
        let (edges, bands) = on_threads(py, threads, || quantiles::split_bands(&column, bins))?;
        let edges = edges
            .into_iter()
            .map(|(value, row)| Ok((value.into_py_any(py)?, ids.get_item(row)?.unbind())))
            .collect::<PyResult<_>>()?;
        Ok((edges, band_array(bands)))
    })
}

/// The band of each (value, client), by frozen pairs. The clients ascend.
#[pyfunction]
#[pyo3(signature = (values, ids, edges, *, threads=None))]
pub fn bands_by_pair(
    py: Python<'_>,
    values: PyChunkedArray,
    ids: &Bound<'_, PyAny>,
    edges: Vec<(EdgeNumber, Bound<'_, PyAny>)>,
    threads: Option<usize>,
) -> PyResult<PyArray> {
    // Clients ascend, so a client is above an edge's if its row is at or after the edge's end.
    let ends: Vec<usize> = edges
        .iter()
        .map(|(_, id)| {
            let end = ids.call_method1("search_sorted", (id, "right"))?;
            end.extract()
        })
        .collect::<PyResult<_>>()?;
    let numbers: Vec<EdgeNumber> = edges.iter().map(|(number, _)| *number).collect();
    let chunks = values.into_inner().0;
    with_column!(&chunks, |column| {
        on_threads(py, threads, || {
            let by_row = |row, edge: usize| {
                if row >= ends[edge] { Ordering::Greater } else { Ordering::Less }
            };
            quantiles::bands_by_pair(&column, by_row, &numbers)
        })
        .map(band_array)
    })
}

/// A column as one array.
fn concatenated(column: PyChunkedArray) -> PyResult<ArrayRef> {
    ffi::concatenated(column).map_err(|error| exception(&error))
}

/// The bands of one criterion, as one array.
fn whole(bands: PyChunkedArray) -> PyResult<ArrayRef> {
    let array = concatenated(bands)?;
    match array.data_type() {
        DataType::UInt8 if array.null_count() == 0 => Ok(array),
        other => Err(exception(&Error::Column(format!(
            "bands are of type {other} or have nulls: they must be UInt8 without"
        )))),
    }
}

/// How many rows each cell has.
#[pyfunction]
#[pyo3(signature = (bands, sizes, *, threads=None))]
pub fn cell_counts(
    py: Python<'_>,
    bands: Vec<PyChunkedArray>,
    sizes: Vec<usize>,
    threads: Option<usize>,
) -> PyResult<Vec<u64>> {
    let arrays = bands.into_iter().map(whole).collect::<PyResult<Vec<_>>>()?;
    on_threads(py, threads, || cells::cell_counts(&slices(&arrays), &sizes))
}

/// What tables of one entry a cell say for each row.
#[pyfunction]
#[pyo3(signature = (bands, sizes, tables, *, threads=None))]
pub fn cell_lookup(
    py: Python<'_>,
    bands: Vec<PyChunkedArray>,
    sizes: Vec<usize>,
    tables: Vec<PyChunkedArray>,
    threads: Option<usize>,
) -> PyResult<Vec<PyArray>> {
    let arrays = bands.into_iter().map(whole).collect::<PyResult<Vec<_>>>()?;
    let rows = arrays.first().map_or(0, Array::len);
    let tables = tables.into_iter().map(concatenated).collect::<PyResult<Vec<ArrayRef>>>()?;
    let found = on_threads(py, threads, || {
        let mut outs =
            tables.iter().map(|table| Out::new(table, rows)).collect::<Result<Vec<_>>>()?;
        let mut lookups: Vec<Box<dyn CellColumn + '_>> =
            outs.iter_mut().zip(&tables).map(|(out, table)| out.lookup(table)).collect();
        let mut borrowed: Vec<&mut dyn CellColumn> =
            lookups.iter_mut().map(|lookup| &mut **lookup as _).collect();
        cells::cell_lookup(&slices(&arrays), &sizes, &mut borrowed)?;
        drop(lookups);
        Ok(outs)
    })?;
    Ok(found.into_iter().map(|out| PyArray::from_array_ref(out.array())).collect())
}

fn slices(arrays: &[ArrayRef]) -> Vec<&[u8]> {
    arrays.iter().map(|array| array.as_primitive::<UInt8Type>().values().as_ref()).collect()
}

/// A column being looked up.
enum Out {
    U8(Vec<u8>),
    U32(Vec<u32>),
    F64(Vec<f64>),
}

impl Out {
    fn new(table: &ArrayRef, rows: usize) -> Result<Self> {
        match table.data_type() {
            DataType::UInt8 => Ok(Self::U8(vec![0; rows])),
            DataType::UInt32 => Ok(Self::U32(vec![0; rows])),
            DataType::Float64 => Ok(Self::F64(vec![0.0; rows])),
            other => Err(Error::Column(format!(
                "a table of cells is of type {other}: take UInt8, UInt32 or Float64"
            ))),
        }
    }

    fn lookup<'a>(&'a mut self, table: &'a ArrayRef) -> Box<dyn CellColumn + 'a> {
        match self {
            Self::U8(out) => Box::new(Lookup::new(table.as_primitive::<UInt8Type>().values(), out)),
            Self::U32(out) => {
                Box::new(Lookup::new(table.as_primitive::<UInt32Type>().values(), out))
            }
            Self::F64(out) => {
                Box::new(Lookup::new(table.as_primitive::<Float64Type>().values(), out))
            }
        }
    }

    fn array(self) -> ArrayRef {
        match self {
            Self::U8(out) => Arc::new(UInt8Array::from(out)),
            Self::U32(out) => Arc::new(UInt32Array::from(out)),
            Self::F64(out) => Arc::new(Float64Array::from(out)),
        }
    }
}
