//! Simulated sales, for Python.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use grc_core::simulation::{self, SalesSimulation};
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use crate::ffi;
use crate::threads::on_threads;

/// Sales lines as a table of `client_id`, `date`, `amount` and `order_id`.
#[pyfunction]
#[pyo3(signature = (*, lines, clients, first_day, days, seed))]
pub fn simulate_sales(
    py: Python<'_>,
    lines: usize,
    clients: u32,
    first_day: i32,
    days: u32,
    seed: u64,
) -> PyResult<PyTable> {
    let simulation = SalesSimulation { lines, clients, first_day, days, seed };
    let made = on_threads(py, None, || simulation::simulate_sales(simulation))?;
    let amounts: Vec<f64> = made.cents.iter().map(|&cents| cents as f64 / 100.0).collect();
    let columns: [(&str, ArrayRef); 4] = [
        ("client_id", Arc::new(Int64Array::from(made.client))),
        ("date", Arc::new(TimestampMicrosecondArray::from(made.instant))),
        ("amount", Arc::new(Float64Array::from(amounts))),
        ("order_id", Arc::new(Int64Array::from(made.order))),
    ];
    ffi::py_table(RecordBatch::try_from_iter(columns).expect("all columns have a row a line"))
}
