//! Contact plans, for Python.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands extracted arguments over by value")]

use std::sync::Arc;

use arrow_array::types::{Float64Type, UInt8Type, UInt32Type};
use arrow_array::{UInt8Array, UInt32Array, UInt64Array};
use grc_core::plan::{self, ContactPlan, Limits, OfferColumns, Offers};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::{PyArray, PyChunkedArray};

use crate::errors::exception;
use crate::ffi::{concatenated, texts_of, values};
use crate::threads::on_threads;

/// What a plan comes to.
fn certificate<'py>(py: Python<'py>, plan: &ContactPlan) -> PyResult<Bound<'py, PyDict>> {
    let written = PyDict::new(py);
    written.set_item("value", plan.value)?;
    written.set_item("bound", plan.bound)?;
    written.set_item("gap", plan.gap())?;
    written.set_item("cost", plan.cost)?;
    written.set_item("contacts", &plan.contacts)?;
    written.set_item("price_of_money", plan.price_of_money)?;
    written.set_item("prices_of_contacts", &plan.prices_of_contacts)?;
    Ok(written)
}

/// Offers of which plans are made; a row that `order` does not name is none.
#[pyclass(module = "grc_fast._core", frozen)]
pub struct ContactOffers {
    offers: Offers,
    threads: Option<usize>,
}

#[pymethods]
impl ContactOffers {
    #[new]
    #[pyo3(signature = (order, client, household, channel, gain, cost, pressure, *, channels, threads=None))]
    #[expect(clippy::too_many_arguments, reason = "the columns of one table")]
    fn new(
        py: Python<'_>,
        order: PyChunkedArray,
        client: PyChunkedArray,
        household: Option<PyChunkedArray>,
        channel: PyChunkedArray,
        gain: PyChunkedArray,
        cost: PyChunkedArray,
        pressure: Option<PyChunkedArray>,
        channels: Vec<String>,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let (order, client) = (values::<UInt32Type>(order)?, values::<UInt32Type>(client)?);
        let household = household.map(values::<UInt32Type>).transpose()?;
        let channel = values::<UInt8Type>(channel)?;
        let (gain, cost) = (values::<Float64Type>(gain)?, values::<Float64Type>(cost)?);
        let pressure = pressure.map(values::<Float64Type>).transpose()?;
        let offers = on_threads(py, threads, || {
            let columns = OfferColumns {
                order: &order,
                client: &client,
                household: household.as_deref(),
                channel: &channel,
                gain: &gain,
                cost: &cost,
                pressure: pressure.as_deref(),
            };
            Offers::new(&columns, &channels)
        })?;
        Ok(Self { offers, threads })
    }

    /// The plan under some limits: what became of each offer, and the certificate.
    #[pyo3(signature = (*, budget, capacity, minimum, max_contacts))]
    fn plan<'py>(
        &self,
        py: Python<'py>,
        budget: Option<f64>,
        capacity: Vec<Option<u64>>,
        minimum: Vec<u64>,
        max_contacts: Option<u32>,
    ) -> PyResult<(PyArray, Bound<'py, PyDict>)> {
        let limits = Limits { budget, capacity, minimum, max_contacts };
        let plan = on_threads(py, self.threads, || plan::plan_contacts(&self.offers, &limits))?;
        let reasons: Vec<u8> = plan.reasons.iter().map(|reason| *reason as u8).collect();
        let reasons = PyArray::from_array_ref(Arc::new(UInt8Array::from(reasons)));
        Ok((reasons, certificate(py, &plan)?))
    }

    /// The certificates of plans of several budgets.
    #[pyo3(signature = (budgets, *, capacity, minimum, max_contacts))]
    fn sweep<'py>(
        &self,
        py: Python<'py>,
        budgets: Vec<f64>,
        capacity: Vec<Option<u64>>,
        minimum: Vec<u64>,
        max_contacts: Option<u32>,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let limits = Limits { budget: None, capacity, minimum, max_contacts };
        let plans =
            on_threads(py, self.threads, || plan::sweep_budgets(&self.offers, &limits, &budgets))?;
        plans.iter().map(|plan| certificate(py, plan)).collect()
    }
}

/// The rows of offers by client and channel, and the places in that order where both are tied.
#[pyfunction]
pub fn order_of_offers(
    py: Python<'_>,
    client: PyChunkedArray,
    channel: PyChunkedArray,
) -> PyResult<(PyArray, PyArray)> {
    let (client, channel) = (values::<UInt32Type>(client)?, values::<UInt8Type>(channel)?);
    let (order, tied) = on_threads(py, Some(1), || plan::order_of_offers(&client, &channel))?;
    let array = |rows: Vec<u32>| PyArray::from_array_ref(Arc::new(UInt32Array::from(rows)));
    Ok((array(order), array(tied)))
}

/// A number for each text that depends on it and the salt alone.
#[pyfunction]
#[pyo3(signature = (texts, salt, *, threads=None))]
pub fn salted_hashes(
    py: Python<'_>,
    texts: PyChunkedArray,
    salt: &str,
    threads: Option<usize>,
) -> PyResult<PyArray> {
    let array = concatenated(texts).map_err(|error| exception(&error))?;
    let texts = texts_of(&array).map_err(|error| exception(&error))?;
    let hashes = on_threads(py, threads, || Ok(plan::salted_hashes(&texts, salt)))?;
    Ok(PyArray::from_array_ref(Arc::new(UInt64Array::from(hashes))))
}
