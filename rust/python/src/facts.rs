//! The pass over sales, for Python.

use arrow_array::ArrayRef;
use grc_core::calendar::{self, Duration};
use grc_core::facts::{
    Batch, Fact, FactsAccount, FactsOptions, FactsPass, LineDropReason, Request, Returns,
};
use grc_core::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::{PyChunkedArray, PyTable};

use crate::errors::exception;
use crate::ffi;
use crate::pass::Pass;
use crate::states;

/// The day a window begins after: `as_of` − `window`, in days since 1970-01-01.
#[pyfunction]
pub fn window_start(as_of: i32, window: &str) -> PyResult<i32> {
    calendar::window_start(as_of, window).map_err(|error| exception(&error))
}

/// The last day of a period after a day: `from` + `period`, in days since 1970-01-01.
#[pyfunction]
#[pyo3(signature = (day, period))]
pub fn period_end(day: i32, period: &str) -> PyResult<i32> {
    calendar::period_end(day, period).map_err(|error| exception(&error))
}

/// The count and the unit of a duration.
#[pyfunction]
pub fn parse_duration(text: &str) -> PyResult<(i32, &'static str)> {
    let duration = Duration::parse(text).map_err(|error| exception(&error))?;
    Ok((duration.count, duration.unit_text()))
}

/// A pass over sales lines in progress: batches in, one row a client out.
#[pyclass(module = "grc_fast._core")]
pub struct FactsBuilder {
    pass: Pass<FactsPass>,
    id_type: ffi::SeenIdType,
    /// Whether clients have states that can be merged, for the facts that are asked for.
    #[pyo3(get)]
    is_mergeable: bool,
}

#[pymethods]
impl FactsBuilder {
    #[new]
    #[pyo3(signature = (*, facts, as_of, returns="net", order=false, money_scale=4, timezone="UTC", plain_integer_ids=false, threads=None))]
    #[expect(clippy::too_many_arguments, reason = "they are the keywords of a Python constructor")]
    fn new(
        facts: Vec<(String, Option<String>)>,
        as_of: Option<i32>,
        returns: &str,
        order: bool,
        money_scale: u8,
        timezone: &str,
        plain_integer_ids: bool,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let build = || -> Result<(FactsPass, bool)> {
            let requests = facts
                .into_iter()
                .map(|(name, window)| Ok(Request { fact: Fact::named(&name)?, window }))
                .collect::<Result<Vec<_>>>()?;
            let options = FactsOptions {
                facts: requests,
                as_of,
                returns: returns_named(returns)?,
                order,
                money_scale,
                timezone: timezone.to_owned(),
                plain_integer_ids,
                threads,
            };
            let is_mergeable = options.is_mergeable();
            Ok((FactsPass::new(options)?, is_mergeable))
        };
        let (pass, is_mergeable) = build().map_err(|error| exception(&error))?;
        Ok(Self {
            pass: Pass::new(pass, "pass", threads),
            id_type: ffi::SeenIdType::default(),
            is_mergeable,
        })
    }

    /// Take a batch of equally long columns in.
    #[pyo3(signature = (client, date, amount, order=None, keep=None))]
    fn push(
        &mut self,
        py: Python<'_>,
        client: PyChunkedArray,
        date: PyChunkedArray,
        amount: PyChunkedArray,
        order: Option<Vec<PyChunkedArray>>,
        keep: Option<PyChunkedArray>,
    ) -> PyResult<()> {
        self.id_type.see(client.data_type());
        let orders: Vec<Vec<ArrayRef>> =
            order.unwrap_or_default().into_iter().map(ffi::id_chunks).collect();
        let order_columns = orders.len();
        let mut columns = vec![ffi::id_chunks(client), ffi::chunks(date), ffi::chunks(amount)];
        columns.extend(orders);
        columns.extend(keep.map(ffi::chunks));
        self.pass.count(ffi::rows(&columns[0]));
        self.pass.step(py, |pass| {
            let pieces = ffi::align(&columns)?;
            let batches = (0..pieces[0].len())
                .map(|piece| batch(&pieces, piece, order_columns))
                .collect::<Result<Vec<_>>>()?;
            pass.push(batches)
        })
    }

    /// Enter the clients of the whole base, after the first batch.
    fn add_clients(&mut self, py: Python<'_>, client: PyChunkedArray) -> PyResult<()> {
        self.id_type.see(client.data_type());
        let chunks = ffi::id_chunks(client);
        self.pass.count(ffi::rows(&chunks));
        self.pass.step(py, |pass| {
            let columns =
                chunks.iter().map(|chunk| ffi::ids(chunk, "client")).collect::<Result<Vec<_>>>()?;
            pass.add_clients(&columns)
        })
    }

    /// Take in what other passes with the same options know of their clients, after the first batch.
    fn add_states(&mut self, py: Python<'_>, states: PyTable) -> PyResult<()> {
        let (batches, _) = states.into_inner();
        self.pass.step(py, |pass| {
            let clients = batches.iter().map(states::clients).collect::<Result<Vec<_>>>()?;
            let states = clients
                .iter()
                .zip(&batches)
                .map(|(clients, batch)| states::batch(clients, batch))
                .collect::<Result<Vec<_>>>()?;
            pass.add_states(&states)
        })
    }

    /// Clients so far, but for those whose lines still wait to be taken in.
    #[getter]
    fn clients(&self) -> usize {
        self.pass.get().map_or(0, FactsPass::clients)
    }

    /// Lines read so far.
    #[getter]
    fn rows_read(&self) -> u64 {
        self.pass.get().map_or(0, FactsPass::rows_read)
    }

    /// End the pass: the table of facts, and the account.
    #[pyo3(signature = (*, returns_only, base))]
    fn finish<'py>(
        &mut self,
        py: Python<'py>,
        returns_only: bool,
        base: bool,
    ) -> PyResult<(PyTable, Bound<'py, PyDict>)> {
        let id_type = self.id_type.take();
        let (batch, account) = self.pass.end(py, |pass| {
            let outcome = pass.finish(returns_only, base)?;
            let ids = ffi::id_array(outcome.ids, &id_type);
            Ok((ffi::table(ids, outcome.status, outcome.facts), outcome.account))
        })?;
        Ok((ffi::py_table(batch)?, account_dict(py, &account)?))
    }

    /// End the pass with the states of its clients, to be merged with those of passes over other
    /// lines, and the account.
    fn finish_states<'py>(&mut self, py: Python<'py>) -> PyResult<(PyTable, Bound<'py, PyDict>)> {
        let id_type = self.id_type.take();
        let (batch, account) = self.pass.end(py, |pass| {
            let states = pass.finish_states()?;
            let account = states.account.clone();
            Ok((states::table(states, &id_type)?, account))
        })?;
        Ok((ffi::py_table(batch)?, account_dict(py, &account)?))
    }
}

fn returns_named(name: &str) -> Result<Returns> {
    match name {
        "net" => Ok(Returns::Net),
        "drop" => Ok(Returns::Drop),
        "keep" => Ok(Returns::Keep),
        other => Err(Error::Option(format!("returns is \"{other}\": take net, drop or keep"))),
    }
}

/// One piece of the aligned columns: client, date, amount, orders, and what to keep.
fn batch(pieces: &[Vec<ArrayRef>], piece: usize, orders: usize) -> Result<Batch<'_>> {
    let column = |number: usize| pieces[number][piece].as_ref();
    Ok(Batch {
        rows: column(0).len(),
        client: ffi::ids(column(0), "client")?,
        date: ffi::dates(column(1))?,
        amount: ffi::amounts(column(2))?,
        order: (3..3 + orders)
            .map(|number| ffi::ids(column(number), "order"))
            .collect::<Result<_>>()?,
        keep: pieces
            .get(3 + orders)
            .map(|keep| ffi::flags(&keep[piece], "where condition"))
            .transpose()?,
    })
}

fn account_dict<'py>(py: Python<'py>, account: &FactsAccount) -> PyResult<Bound<'py, PyDict>> {
    let dropped = PyDict::new(py);
    for (reason, (rows, money)) in LineDropReason::ALL.iter().zip(account.dropped) {
        dropped.set_item(reason.name(), (rows, money))?;
    }
    let money_read =
        account.money_used + account.dropped.iter().map(|(_, money)| money).sum::<i128>();
    let dict = PyDict::new(py);
    dict.set_item("rows_read", account.rows_read)?;
    dict.set_item("rows_used", account.rows_used)?;
    dict.set_item("dropped", dropped)?;
    dict.set_item("money_used", account.money_used)?;
    dict.set_item("money_read", money_read)?;
    dict.set_item("returns", account.returns)?;
    dict.set_item("clients", account.clients[0])?;
    dict.set_item("clients_returns_only", account.clients[1])?;
    dict.set_item("clients_never_bought", account.clients[2])?;
    dict.set_item("clients_outside_base", account.clients_outside_base)?;
    dict.set_item("orders_on_two_dates", account.orders_on_two_dates)?;
    dict.set_item("rows_without_order", account.rows_without_order)?;
    dict.set_item("base_rows_dropped", account.base_rows_dropped)?;
    dict.set_item("first_day", account.days.map(|(first, _)| first))?;
    dict.set_item("last_day", account.days.map(|(_, last)| last))?;
    dict.set_item("first_day_read", account.first_day_read)?;
    dict.set_item("as_of", account.as_of)?;
    dict.set_item("money_scale", account.money_places)?;
    Ok(dict)
}
