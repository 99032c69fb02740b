//! Tables of other libraries, which come through the C interface of Arrow: the columns that are asked
//! for, checked as they come, and no others.

mod batches;
mod checks;
mod stream;
mod texts;

use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::{DataType, Field};
use grc_core::Error;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors::exception;
use batches::{Batches, Column};
use stream::{CheckedBatches, Progress};

// The keys of a field's metadata under which a type of somebody's own is told.
const EXTENSION: &str = "ARROW:extension:";

/// A table of another library: its columns are known, and no row has been read.
#[pyclass(module = "grc_fast._core")]
pub struct ArrowStream {
    /// None once columns were selected. Nothing else is shared between threads by its interface.
    batches: Mutex<Option<Batches>>,
    columns: Vec<Column>,
}

#[pymethods]
impl ArrowStream {
    /// Take the stream, or the one batch, that an object gives.
    #[new]
    fn new(source: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (batches, columns) = batches::of_object(source)?;
        Ok(Self { batches: Mutex::new(Some(batches)), columns })
    }

    /// Each column: its name, its type as Arrow writes it, and whether there is a way to read it.
    #[getter]
    fn columns(&self) -> Vec<(String, String, bool)> {
        let columns = self.columns.iter();
        columns
            .map(|column| match &column.field {
                Ok(field) => {
                    let data_type = field.data_type();
                    (column.name.clone(), data_type.to_string(), is_readable(data_type))
                }
                Err(format) => (column.name.clone(), format.clone(), false),
            })
            .collect()
    }

    /// The time zones of a column, and of what it holds.
    fn time_zones(&self, column: usize) -> Vec<String> {
        let mut zones = Vec::new();
        if let Some(Column { field: Ok(field), .. }) = self.columns.get(column) {
            collect_time_zones(field.data_type(), &mut zones);
        }
        zones
    }

    /// Hand instants of a column over in UTC, as which Arrow stores those of any time zone; false if
    /// it has no time zone.
    fn in_utc(&mut self, column: usize) -> bool {
        let Some(Column { field: Ok(field), .. }) = self.columns.get_mut(column) else {
            return false;
        };
        let DataType::Timestamp(unit, Some(_)) = field.data_type() else { return false };
        let in_utc = DataType::Timestamp(*unit, Some("UTC".into()));
        *field = field.clone().with_data_type(in_utc);
        true
    }

    /// A column alone, without rows.
    fn empty(&self, column: usize) -> PyResult<ArrowColumns> {
        let fields = self.fields(vec![column])?;
        Ok(ArrowColumns::of(CheckedBatches::new(Batches::None, &self.columns, fields)))
    }

    /// Some columns, by position; each array is checked as it comes. To be called once.
    fn select(&mut self, columns: Vec<usize>) -> PyResult<ArrowColumns> {
        let fields = self.fields(columns)?;
        let batches = taken(&mut self.batches)?;
        Ok(ArrowColumns::of(CheckedBatches::new(batches, &self.columns, fields)))
    }
}

impl ArrowStream {
    /// The fields of some columns with their positions, without types of somebody's own.
    fn fields(&self, columns: Vec<usize>) -> PyResult<Vec<(usize, Field)>> {
        let field = |position: usize| match self.columns.get(position) {
            Some(Column { field: Ok(field), .. }) if is_readable(field.data_type()) => {
                let mut metadata = field.metadata().clone();
                metadata.retain(|key, _| !key.starts_with(EXTENSION));
                Ok((position, field.clone().with_metadata(metadata)))
            }
            _ => Err(exception(&Error::Data(format!("column {position} cannot be read")))),
        };
        columns.into_iter().map(field).collect()
    }
}

/// Columns of a table, to be read once through the C interface of Arrow.
#[pyclass(module = "grc_fast._core")]
pub struct ArrowColumns {
    /// None once somebody reads them.
    batches: Mutex<Option<CheckedBatches>>,
    progress: Arc<Progress>,
}

#[pymethods]
impl ArrowColumns {
    /// How many rows were handed over, None before the end was.
    #[getter]
    fn all_rows(&self) -> Option<u64> {
        self.progress.all_rows()
    }

    #[pyo3(signature = (requested_schema=None))]
    #[expect(unused_variables, reason = "whoever reads may wish for types, which need not be met")]
    fn __arrow_c_stream__<'py>(
        &mut self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        PyCapsule::new_with_value(py, taken(&mut self.batches)?.into_ffi(), batches::STREAM)
    }
}

impl ArrowColumns {
    fn of(batches: CheckedBatches) -> Self {
        Self { progress: batches.progress(), batches: Mutex::new(Some(batches)) }
    }
}

/// What can be taken once.
fn taken<T>(once: &mut Mutex<Option<T>>) -> PyResult<T> {
    once.get_mut().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(|| {
        exception(&Error::Data("this stream has been read: give a new one".to_owned()))
    })
}

/// Whether Polars has a type for values of a type of Arrow, and arrays of it are checked here.
fn is_readable(data_type: &DataType) -> bool {
    use DataType::{
        Decimal32, Decimal64, Decimal128, Decimal256, Dictionary, FixedSizeList, Interval,
        LargeList, LargeListView, List, ListView, Map, RunEndEncoded, Struct, Union,
    };
    match data_type {
        Interval(_) | ListView(_) | LargeListView(_) | RunEndEncoded(..) | Union(..)
        | Decimal256(..) => false,
        // Arrow knows scales below zero, which stand for hundreds.
        Decimal32(_, scale) | Decimal64(_, scale) | Decimal128(_, scale) => *scale >= 0,
        List(item) | LargeList(item) | FixedSizeList(item, _) | Map(item, _) => {
            is_readable(item.data_type())
        }
        Struct(fields) => fields.iter().all(|field| is_readable(field.data_type())),
        Dictionary(keys, values) => keys.is_dictionary_key_type() && is_readable(values),
        _ => true,
    }
}

fn collect_time_zones(data_type: &DataType, zones: &mut Vec<String>) {
    use DataType::{Dictionary, FixedSizeList, LargeList, List, Map, Struct, Timestamp};
    match data_type {
        Timestamp(_, Some(zone)) => zones.push(zone.to_string()),
        List(item) | LargeList(item) | FixedSizeList(item, _) | Map(item, _) => {
            collect_time_zones(item.data_type(), zones);
        }
        Struct(fields) => {
            fields.iter().for_each(|field| collect_time_zones(field.data_type(), zones));
        }
        Dictionary(_, values) => collect_time_zones(values, zones),
        _ => {}
    }
}
