//! What clients are worth, for Python.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands extracted arguments over by value")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::types::{Float64Type, Int32Type, UInt32Type};
use arrow_array::{ArrayRef, Float64Array, Int32Array, RecordBatch, UInt32Array};
use arrow_buffer::ScalarBuffer;
use grc_core::value::{
    self, ClientSimulation, Dropout, Estimate, ForecastPeriods, Histories, HistoryCells, LogGaps,
    PurchaseModel, PurchaseParameters, PurchaseProcess, RegularFit, SpendHistories,
    SpendParameters, UncertainModels, ValuedClients,
};
use grc_core::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::{PyArray, PyChunkedArray, PyTable};

use crate::errors::exception;
use crate::ffi::{self, values};
use crate::threads::on_threads;

/// The columns of histories, held for as long as the kernels need them.
struct Clients {
    repeats: ScalarBuffer<u32>,
    last: ScalarBuffer<i32>,
    observed: ScalarBuffer<i32>,
}

impl Clients {
    fn new(
        repeats: PyChunkedArray,
        last: PyChunkedArray,
        observed: PyChunkedArray,
    ) -> PyResult<Self> {
        Ok(Self {
            repeats: values::<UInt32Type>(repeats)?,
            last: values::<Int32Type>(last)?,
            observed: values::<Int32Type>(observed)?,
        })
    }

    fn histories(&self) -> Histories<'_> {
        Histories { repeats: &self.repeats, last: &self.last, observed: &self.observed }
    }
}

fn purchase_model(name: &str, regularity: u32) -> Result<PurchaseModel> {
    match (name, regularity) {
        ("bgnbd", 1) => Ok(PurchaseModel::BgNbd),
        ("bgnbd", _) => Err(Error::Option("bgnbd has a regularity of 1: take mbgnbd".to_owned())),
        ("mbgnbd", _) => PurchaseModel::regular(regularity),
        _ => Err(Error::Option(format!("model must be bgnbd or mbgnbd, not \"{name}\""))),
    }
}

fn process(
    model: &str,
    regularity: u32,
    parameters: [f64; 4],
    unit: f64,
) -> Result<PurchaseProcess> {
    Ok(PurchaseProcess {
        model: purchase_model(model, regularity)?,
        parameters: PurchaseParameters::new(parameters)?,
        unit: value::check_unit(unit)?,
    })
}

fn estimate<'py, const P: usize>(
    py: Python<'py>,
    found: &Estimate<P>,
) -> PyResult<Bound<'py, PyDict>> {
    let written = PyDict::new(py);
    written.set_item("parameters", found.parameters.to_vec())?;
    written.set_item("standard_errors", found.standard_errors().to_vec())?;
    written.set_item("log_likelihood", found.log_likelihood)?;
    written.set_item("clients", found.clients as u64)?;
    Ok(written)
}

fn floats(values: Vec<f64>) -> PyArray {
    PyArray::from_array_ref(Arc::new(Float64Array::from(values)))
}

/// The maximum-likelihood parameters r, alpha, a, b of a purchase model; without a regularity, of the
/// one that makes the purchase days likeliest.
#[pyfunction]
#[pyo3(signature = (
    repeats, last, observed, *, model, unit, regularity=None, log_gaps=None, threads=None
))]
#[expect(clippy::too_many_arguments, reason = "all by name, in Python")]
pub fn fit_purchases<'py>(
    py: Python<'py>,
    repeats: PyChunkedArray,
    last: PyChunkedArray,
    observed: PyChunkedArray,
    model: &str,
    unit: f64,
    regularity: Option<u32>,
    log_gaps: Option<PyChunkedArray>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let clients = Clients::new(repeats, last, observed)?;
    let log_gaps = log_gaps.map(values::<Float64Type>).transpose()?;
    let regular = on_threads(py, threads, || {
        let cells = HistoryCells::new(&clients.histories())?;
        let log_gaps =
            log_gaps.map(|column| LogGaps::new(&clients.histories(), &column)).transpose()?;
        if purchase_model(model, 1)? == PurchaseModel::BgNbd {
            let fit = value::fit_purchases(&cells, PurchaseModel::BgNbd, unit)?;
            let tried = BTreeMap::from([(1, fit.estimate.log_likelihood)]);
            return Ok(RegularFit { regularity: 1, fit, tried });
        }
        value::fit_regularity(&cells, regularity, unit, log_gaps)
    })?;
    let found = regular.fit;
    let dropout = match found.limits.dropout {
        Dropout::Own => None,
        Dropout::Common => Some("common_dropout"),
        Dropout::Nobody => Some("no_dropout"),
    };
    let rate = found.limits.one_rate.then_some("one_rate");
    let written = estimate(py, &found.estimate)?;
    written.set_item("prior", found.prior)?;
    written.set_item("covariance", found.estimate.covariance.map(|row| row.to_vec()).to_vec())?;
    written.set_item("regularity", regular.regularity)?;
    written.set_item("tried", regular.tried)?;
    written.set_item("limits", rate.into_iter().chain(dropout).collect::<Vec<_>>())?;
    Ok(written)
}

/// The maximum-likelihood parameters p, q, v of the spend model, and the correlation of number and
/// mean of repeat purchases.
#[pyfunction]
#[pyo3(signature = (repeats, means, *, threads=None))]
pub fn fit_spend(
    py: Python<'_>,
    repeats: PyChunkedArray,
    means: PyChunkedArray,
    threads: Option<usize>,
) -> PyResult<Bound<'_, PyDict>> {
    let (repeats, means) = (values::<UInt32Type>(repeats)?, values::<Float64Type>(means)?);
    let (found, correlation) = on_threads(py, threads, || {
        let histories = SpendHistories::new(&repeats, &means)?;
        let found = value::fit_spend(&histories)?;
        SpendParameters::new(found.estimate.parameters)?;
        Ok((found, histories.correlation()))
    })?;
    let written = estimate(py, &found.estimate)?;
    written.set_item("correlation", correlation)?;
    written.set_item("one_price", found.one_price)?;
    written.set_item("prior", found.prior)?;
    written.set_item("covariance", found.estimate.covariance.map(|row| row.to_vec()).to_vec())?;
    Ok(written)
}

/// The probability not to have left, and purchases up to each horizon, whole and discounted.
#[pyfunction]
#[pyo3(signature = (
    repeats, last, observed, *, model, regularity, parameters, unit, period_ends, discount_factors, horizons,
    threads=None
))]
#[expect(clippy::too_many_arguments, reason = "all by name, in Python")]
pub fn predict_purchases(
    py: Python<'_>,
    repeats: PyChunkedArray,
    last: PyChunkedArray,
    observed: PyChunkedArray,
    model: &str,
    regularity: u32,
    parameters: [f64; 4],
    unit: f64,
    period_ends: Vec<f64>,
    discount_factors: Vec<f64>,
    horizons: Vec<usize>,
    threads: Option<usize>,
) -> PyResult<(PyArray, Vec<PyArray>, Vec<PyArray>)> {
    let clients = Clients::new(repeats, last, observed)?;
    let found = on_threads(py, threads, || {
        let process = process(model, regularity, parameters, unit)?;
        let periods = ForecastPeriods {
            ends: &period_ends,
            discount_factors: &discount_factors,
            horizons: &horizons,
        };
        value::predict(&process, &clients.histories(), &periods)
    })?;
    Ok((
        floats(found.p_alive),
        found.purchases.into_iter().map(floats).collect(),
        found.discounted.into_iter().map(floats).collect(),
    ))
}

/// The expected spend of a purchase of each client.
#[pyfunction]
#[pyo3(signature = (repeats, means, *, parameters, threads=None))]
pub fn expected_spend(
    py: Python<'_>,
    repeats: PyChunkedArray,
    means: PyChunkedArray,
    parameters: [f64; 3],
    threads: Option<usize>,
) -> PyResult<PyArray> {
    let (repeats, means) = (values::<UInt32Type>(repeats)?, values::<Float64Type>(means)?);
    let spends = on_threads(py, threads, || {
        Ok(SpendParameters::new(parameters)?.expected_of_each(&repeats, &means))
    })?;
    Ok(floats(spends))
}

/// What intervals are simulated from: models, clients, and the periods ahead.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Outlook {
    model: String,
    regularity: u32,
    purchases: [f64; 4],
    spend: [f64; 3],
    of_purchases: [[f64; 4]; 4],
    of_spend: [[f64; 3]; 3],
    unit: f64,
    period_ends: Vec<f64>,
    discount_factors: Vec<f64>,
    horizons: Vec<usize>,
    draws: usize,
    seed: u64,
}

impl Outlook {
    fn models(&self) -> Result<UncertainModels> {
        Ok(UncertainModels {
            process: process(&self.model, self.regularity, self.purchases, self.unit)?,
            spend: SpendParameters::new(self.spend)?,
            of_purchases: self.of_purchases,
            of_spend: self.of_spend,
        })
    }

    fn periods(&self) -> ForecastPeriods<'_> {
        ForecastPeriods {
            ends: &self.period_ends,
            discount_factors: &self.discount_factors,
            horizons: &self.horizons,
        }
    }
}

/// Columns of clients and of what they spend.
struct Spenders {
    histories: Clients,
    counts: ScalarBuffer<u32>,
    means: ScalarBuffer<f64>,
    shares: ScalarBuffer<f64>,
}

impl Spenders {
    fn new(
        histories: Clients,
        counts: PyChunkedArray,
        means: PyChunkedArray,
        shares: PyChunkedArray,
    ) -> PyResult<Self> {
        let counts = values::<UInt32Type>(counts)?;
        let (means, shares) = (values::<Float64Type>(means)?, values::<Float64Type>(shares)?);
        Ok(Self { histories, counts, means, shares })
    }

    fn valued(&self) -> ValuedClients<'_> {
        ValuedClients {
            histories: self.histories.histories(),
            counts: &self.counts,
            means: &self.means,
            shares: &self.shares,
        }
    }
}

/// Simulated totals of purchases and gains by draw, of one simulation and of another, and how many
/// clients one that was simulated stands for.
#[pyfunction]
#[pyo3(signature = (repeats, last, observed, counts, means, shares, outlook, *, threads=None))]
#[expect(clippy::too_many_arguments, reason = "columns, as they come")]
#[expect(clippy::type_complexity, reason = "a tuple of what Python takes apart")]
pub fn simulate_totals(
    py: Python<'_>,
    repeats: PyChunkedArray,
    last: PyChunkedArray,
    observed: PyChunkedArray,
    counts: PyChunkedArray,
    means: PyChunkedArray,
    shares: PyChunkedArray,
    outlook: Outlook,
    threads: Option<usize>,
) -> PyResult<(Vec<Vec<f64>>, Vec<Vec<f64>>, f64)> {
    let histories = Clients::new(repeats, last, observed)?;
    let clients = Spenders::new(histories, counts, means, shares)?;
    let found = on_threads(py, threads, || {
        let periods = outlook.periods();
        value::simulate_totals(
            &outlook.models()?,
            &clients.valued(),
            &periods,
            outlook.draws,
            outlook.seed,
        )
    })?;
    Ok((found.first, found.second, found.scale))
}

/// The lower and the upper end of the purchases of each horizon, then of the gains, of each client.
#[pyfunction]
#[pyo3(signature = (repeats, last, observed, counts, means, shares, outlook, *, level, threads=None))]
#[expect(clippy::too_many_arguments, reason = "columns, as they come")]
pub fn client_intervals(
    py: Python<'_>,
    repeats: PyChunkedArray,
    last: PyChunkedArray,
    observed: PyChunkedArray,
    counts: PyChunkedArray,
    means: PyChunkedArray,
    shares: PyChunkedArray,
    outlook: Outlook,
    level: f64,
    threads: Option<usize>,
) -> PyResult<Vec<(PyArray, PyArray)>> {
    let histories = Clients::new(repeats, last, observed)?;
    let clients = Spenders::new(histories, counts, means, shares)?;
    let found = on_threads(py, threads, || {
        let (models, periods) = (outlook.models()?, outlook.periods());
        value::client_intervals(
            &models,
            &clients.valued(),
            &periods,
            level,
            outlook.draws,
            outlook.seed,
        )
    })?;
    Ok(found.into_iter().map(|[low, high]| (floats(low), floats(high))).collect())
}

/// The quantile of a probability of Beta(a, b).
#[pyfunction]
pub fn beta_quantile(a: f64, b: f64, probability: f64) -> PyResult<f64> {
    let fits = |shape: f64| shape > 0.0 && shape.is_finite();
    if fits(a) && fits(b) && (0.0..=1.0).contains(&probability) {
        return Ok(value::beta_quantile(a, b, probability));
    }
    Err(exception(&Error::Option(format!("Beta({a}, {b}) has no quantile of {probability}"))))
}

/// Clients who behave as the models say, one row each.
#[pyfunction]
#[pyo3(signature = (
    clients, *, model, regularity, purchases, spend, unit, shortest, longest, horizon, seed, threads=None
))]
#[expect(clippy::too_many_arguments, reason = "all by name, in Python")]
pub fn simulate_clients(
    py: Python<'_>,
    clients: usize,
    model: &str,
    regularity: u32,
    purchases: [f64; 4],
    spend: [f64; 3],
    unit: f64,
    shortest: u32,
    longest: u32,
    horizon: u32,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<PyTable> {
    let made = on_threads(py, threads, || {
        let process = process(model, regularity, purchases, unit)?;
        let spend = SpendParameters::new(spend)?;
        value::simulate_clients(&ClientSimulation {
            clients,
            process,
            spend,
            shortest,
            longest,
            horizon,
            seed,
        })
    })?;
    let columns: [(&str, ArrayRef); 8] = [
        ("repeats", Arc::new(UInt32Array::from(made.repeats))),
        ("last", Arc::new(Int32Array::from(made.last))),
        ("log_gaps", Arc::new(Float64Array::from(made.log_gaps))),
        ("observed", Arc::new(Int32Array::from(made.observed))),
        ("mean", Arc::new(Float64Array::from(made.means))),
        ("first", Arc::new(Float64Array::from(made.first))),
        ("future", Arc::new(UInt32Array::from(made.future))),
        ("future_money", Arc::new(Float64Array::from(made.future_money))),
    ];
    ffi::py_table(RecordBatch::try_from_iter(columns).expect("all columns have a row a client"))
}
