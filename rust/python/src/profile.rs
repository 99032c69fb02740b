//! What profiles rest on, for Python.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use grc_core::profile::{
    ProfileColumns, ProfileOptions, ProfilePass, PurchaseBatch, SidedEventBatch,
};
use grc_core::{Error, Result};
use pyo3::prelude::*;
use pyo3_arrow::{PyChunkedArray, PyTable};

use crate::ffi;
use crate::pass::Pass;

/// A pass over purchases and events in progress: batches in, one row a client out.
#[pyclass(module = "grc_fast._core")]
pub struct ProfileBuilder {
    pass: Pass<ProfilePass>,
    id_type: ffi::SeenIdType,
}

#[pymethods]
impl ProfileBuilder {
    #[new]
    #[pyo3(signature = (*, plain_integer_ids=false, threads=None))]
    fn new(plain_integer_ids: bool, threads: Option<usize>) -> Self {
        let pass = ProfilePass::new(ProfileOptions { plain_integer_ids, threads });
        Self { pass: Pass::new(pass, "pass", threads), id_type: ffi::SeenIdType::default() }
    }

    /// Take in equally long columns of lines of sales that are purchases.
    #[pyo3(signature = (client, instant, *, order=None, category=None, channel=None, promo=None))]
    #[expect(clippy::too_many_arguments, reason = "they are the columns of a line")]
    fn push_purchases(
        &mut self,
        py: Python<'_>,
        client: PyChunkedArray,
        instant: PyChunkedArray,
        order: Option<Vec<PyChunkedArray>>,
        category: Option<PyChunkedArray>,
        channel: Option<PyChunkedArray>,
        promo: Option<PyChunkedArray>,
    ) -> PyResult<()> {
        self.id_type.see(client.data_type());
        let mut columns = vec![ffi::id_chunks(client), ffi::chunks(instant)];
        let optional = [category, channel, promo];
        let present = optional.each_ref().map(Option::is_some);
        columns.extend(optional.into_iter().flatten().map(ffi::chunks));
        columns.extend(order.unwrap_or_default().into_iter().map(ffi::id_chunks));
        self.pass.step(py, |pass| {
            let pieces = ffi::align(&columns)?;
            let batches = (0..pieces[0].len())
                .map(|piece| purchases(&pieces, piece, present))
                .collect::<Result<Vec<_>>>()?;
            pass.push_purchases(&batches)
        })
    }

    /// Take in equally long columns of events.
    #[pyo3(signature = (client, instant, *, active, relational))]
    fn push_events(
        &mut self,
        py: Python<'_>,
        client: PyChunkedArray,
        instant: PyChunkedArray,
        active: PyChunkedArray,
        relational: PyChunkedArray,
    ) -> PyResult<()> {
        self.id_type.see(client.data_type());
        let columns = [
            ffi::id_chunks(client),
            ffi::chunks(instant),
            ffi::chunks(active),
            ffi::chunks(relational),
        ];
        self.pass.step(py, |pass| {
            let pieces = ffi::align(&columns)?;
            let batches = (0..pieces[0].len())
                .map(|piece| events(&pieces, piece))
                .collect::<Result<Vec<_>>>()?;
            pass.push_events(&batches)
        })
    }

    /// End the pass: the counts of each client.
    fn finish(&mut self, py: Python<'_>) -> PyResult<PyTable> {
        let id_type = self.id_type.take();
        let table = self.pass.end(py, |pass| Ok(counts_table(pass.finish()?, &id_type)))?;
        ffi::py_table(table)
    }
}

fn purchases(
    pieces: &[Vec<ArrayRef>],
    piece: usize,
    [category, channel, promo]: [bool; 3],
) -> Result<PurchaseBatch<'_>> {
    let mut columns = pieces.iter().map(|column| column[piece].as_ref());
    let mut next = |is_there: bool| if is_there { columns.next() } else { None };
    let missing = || Error::Column("a column is missing".to_owned());
    let (client, instant) = (next(true).ok_or_else(missing)?, next(true).ok_or_else(missing)?);
    let (category, channel, promo) = (next(category), next(channel), next(promo));
    Ok(PurchaseBatch {
        client: ffi::ids(client, "client")?,
        instant: instants(instant)?,
        category: category.map(|column| ffi::text_column(column, "category")).transpose()?,
        channel: channel.map(|column| ffi::text_column(column, "channel")).transpose()?,
        promo: promo.map(|column| ffi::flags(column, "promo column")).transpose()?,
        order: columns.map(|column| ffi::ids(column, "order")).collect::<Result<_>>()?,
    })
}

fn events(pieces: &[Vec<ArrayRef>], piece: usize) -> Result<SidedEventBatch<'_>> {
    let column = |number: usize| pieces[number][piece].as_ref();
    Ok(SidedEventBatch {
        client: ffi::ids(column(0), "client")?,
        instant: instants(column(1))?,
        active: ffi::flags(column(2), "active column")?,
        relational: ffi::flags(column(3), "relational column")?,
    })
}

/// Microseconds, none of which is missing.
fn instants(array: &dyn Array) -> Result<&[i64]> {
    if *array.data_type() != DataType::Int64 || array.null_count() > 0 {
        return Err(Error::Column(format!(
            "instants are Int64 without nulls, not {} with {} nulls",
            array.data_type(),
            array.null_count()
        )));
    }
    Ok(array.as_primitive::<Int64Type>().values())
}

/// The counts: those of each axis, and the entropies, null where there is nothing to compute them of.
fn counts_table(columns: ProfileColumns, id_type: &DataType) -> RecordBatch {
    let mut arrays = vec![("client_id".to_owned(), ffi::id_array(columns.ids, id_type))];
    for (axis, counts) in ["open", "active", "relational"].into_iter().zip(columns.halves) {
        for (name, counts) in ["events", "hits", "events_odd", "hits_odd"].into_iter().zip(counts) {
            let array: ArrayRef = Arc::new(UInt32Array::from(counts));
            arrays.push((format!("{axis}_{name}"), array));
        }
    }
    let labels = ["categories", "channels"];
    let names = labels
        .iter()
        .flat_map(|label| ["whole", "odd", "even"].map(|half| format!("{label}_{half}")));
    for (name, entropies) in names.zip(columns.entropies) {
        let there: NullBuffer = entropies.iter().map(|entropy| !entropy.is_nan()).collect();
        let nulls = Some(there).filter(|there| there.null_count() > 0);
        let array: ArrayRef = Arc::new(Float64Array::new(entropies.into(), nulls));
        arrays.push((name, array));
    }
    RecordBatch::try_from_iter(arrays).expect("all columns have a row a client")
}
