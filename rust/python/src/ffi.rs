//! Arrow arrays as the slices that the core takes, and its vectors as Arrow arrays.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array,
    Int64Array, PrimitiveArray, RecordBatch, RecordBatchOptions, StringViewArray,
    TimestampMicrosecondArray, UInt8Array, UInt32Array, UInt64Array, new_empty_array,
    new_null_array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use arrow_select::concat::concat;
use grc_core::bitmap::Bitmap;
use grc_core::columns::{AmountValues, Column, DateValues, IdValues, Ids, Integers, Texts};
use grc_core::csv::{Block, FieldColumn, FieldForm, FieldValues, TextColumn};
use grc_core::facts::{FactColumn, Values};
use grc_core::{Error, Result};
use pyo3::PyResult;
use pyo3_arrow::{PyChunkedArray, PyTable};

use crate::errors::exception;

/// A column as it came from Python: arrays of one type, end to end.
pub type Chunks = Vec<ArrayRef>;

/// The arrays of a column, at least one: a column of no rows has a type all the same.
pub fn chunks(column: PyChunkedArray) -> Chunks {
    let (chunks, field) = column.into_inner();
    if chunks.is_empty() { vec![new_empty_array(field.data_type())] } else { chunks }
}

/// The rows of a column.
pub fn rows(chunks: &[ArrayRef]) -> usize {
    chunks.iter().map(Array::len).sum()
}

/// The arrays of a column of ids, in a form that the core takes.
pub fn id_chunks(column: PyChunkedArray) -> Chunks {
    chunks(column).into_iter().map(normalise_ids).collect()
}

/// A column as one array: a column of one chunk, as results are, is not copied.
pub fn concatenated(column: PyChunkedArray) -> Result<ArrayRef> {
    let chunks = chunks(column);
    if let [chunk] = chunks.as_slice() {
        return Ok(chunk.clone());
    }
    let chunks: Vec<&dyn Array> = chunks.iter().map(AsRef::as_ref).collect();
    concat(&chunks)
        .map_err(|error| Error::Data(format!("the chunks of a column cannot be joined: {error}")))
}

/// The values of a column without nulls.
pub fn values<T: ArrowPrimitiveType>(column: PyChunkedArray) -> PyResult<ScalarBuffer<T::Native>> {
    let array = concatenated(column).map_err(|error| exception(&error))?;
    if *array.data_type() != T::DATA_TYPE || array.null_count() > 0 {
        return Err(exception(&Error::Column(format!(
            "a column of {} without nulls is needed, not {} with {} nulls",
            T::DATA_TYPE,
            array.data_type(),
            array.null_count()
        ))));
    }
    Ok(array.as_primitive::<T>().values().clone())
}

/// The texts of a column without nulls.
pub fn texts_of(array: &ArrayRef) -> Result<Vec<&str>> {
    if *array.data_type() != DataType::Utf8View || array.null_count() > 0 {
        return Err(Error::Column("a column of text without nulls is needed".to_owned()));
    }
    Ok(array.as_string_view().iter().flatten().collect())
}

/// A batch as a table for Python.
pub fn py_table(batch: RecordBatch) -> PyResult<PyTable> {
    let schema = batch.schema();
    PyTable::try_new(vec![batch], schema)
}

/// The type of the ids that come out: that in which they came; types that differ meet in 64 bits.
#[derive(Default)]
pub struct SeenIdType(Option<DataType>);

impl SeenIdType {
    /// See the type of one column of ids.
    pub fn see(&mut self, seen: &DataType) {
        match &self.0 {
            Some(known) if known != seen => self.0 = Some(DataType::Int64),
            Some(_) => {}
            None => self.0 = Some(seen.clone()),
        }
    }

    /// The type to write; 64 bits if none was seen.
    pub fn take(&mut self) -> DataType {
        self.0.take().unwrap_or(DataType::Int64)
    }
}

/// Cut several columns where any of them is cut, so that pieces of one number are equally long.
pub fn align(columns: &[Chunks]) -> Result<Vec<Vec<ArrayRef>>> {
    let rows: Vec<usize> = columns.iter().map(|chunks| rows(chunks)).collect();
    if rows.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(Error::Data(format!(
            "the columns of a batch have {rows:?} rows: they must be equally long"
        )));
    }
    let mut cuts: Vec<usize> = columns
        .iter()
        .flat_map(|chunks| {
            chunks.iter().scan(0, |end, chunk| {
                *end += chunk.len();
                Some(*end)
            })
        })
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    if cuts.first() == Some(&0) && cuts.len() > 1 {
        cuts.remove(0);
    }
    let pieces_of = |chunks: &Chunks| {
        let (mut pieces, mut chunk, mut start) = (Vec::with_capacity(cuts.len()), 0, 0);
        let mut from = 0;
        for &cut in &cuts {
            while from - start >= chunks[chunk].len() && chunk + 1 < chunks.len() {
                start += chunks[chunk].len();
                chunk += 1;
            }
            pieces.push(chunks[chunk].slice(from - start, cut - from));
            from = cut;
        }
        pieces
    };
    Ok(columns.iter().map(pieces_of).collect())
}

/// Which rows of an array are there.
pub fn validity(array: &dyn Array) -> Option<Bitmap<'_>> {
    array
        .nulls()
        .filter(|nulls| nulls.null_count() > 0)
        .map(|nulls| Bitmap { bytes: nulls.validity(), offset: nulls.offset() })
}

/// Types that differ only in form from one the core takes, in that form.
fn normalise_ids(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Float32 => {
            Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float64Type>(f64::from))
        }
        DataType::Null => new_null_array(&DataType::Int64, array.len()),
        _ => array,
    }
}

/// Client or order ids.
pub fn ids<'a>(array: &'a dyn Array, role: &str) -> Result<Column<'a, IdValues<'a>>> {
    let values = match array.data_type() {
        DataType::Float64 => IdValues::Floats(array.as_primitive::<Float64Type>().values()),
        DataType::Utf8View => IdValues::Texts(texts(array.as_string_view())),
        other => match integers(array).or_else(|| (role == "order").then(|| times(array))?) {
            Some(values) => IdValues::Integers(values),
            None => {
                return Err(Error::Column(format!(
                    "the {role} column is of type {other}: ids are integers or text (or whole floats), cast it to one of these"
                )));
            }
        },
    };
    Ok(Column { values, validity: validity(array) })
}

fn integers(array: &dyn Array) -> Option<Integers<'_>> {
    Some(match array.data_type() {
        DataType::Int8 => Integers::I8(array.as_primitive::<Int8Type>().values()),
        DataType::Int16 => Integers::I16(array.as_primitive::<Int16Type>().values()),
        DataType::Int32 => Integers::I32(array.as_primitive::<Int32Type>().values()),
        DataType::Int64 => Integers::I64(array.as_primitive::<Int64Type>().values()),
        DataType::UInt8 => Integers::U8(array.as_primitive::<UInt8Type>().values()),
        DataType::UInt16 => Integers::U16(array.as_primitive::<UInt16Type>().values()),
        DataType::UInt32 => Integers::U32(array.as_primitive::<UInt32Type>().values()),
        DataType::UInt64 => Integers::U64(array.as_primitive::<UInt64Type>().values()),
        _ => return None,
    })
}

/// Days and instants as integers: they number an order as well as any.
fn times(array: &dyn Array) -> Option<Integers<'_>> {
    Some(match array.data_type() {
        DataType::Date32 => Integers::I32(array.as_primitive::<Date32Type>().values()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Integers::I64(array.as_primitive::<TimestampMicrosecondType>().values())
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Integers::I64(array.as_primitive::<TimestampMillisecondType>().values())
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Integers::I64(array.as_primitive::<TimestampNanosecondType>().values())
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            Integers::I64(array.as_primitive::<TimestampSecondType>().values())
        }
        _ => return None,
    })
}

/// Texts.
pub fn texts(array: &StringViewArray) -> Texts<'_> {
    Texts {
        views: array.views(),
        buffers: array.data_buffers().iter().map(Buffer::as_slice).collect(),
    }
}

/// Dates.
pub fn dates(array: &dyn Array) -> Result<Column<'_, DateValues<'_>>> {
    let values = match array.data_type() {
        DataType::Date32 => DateValues::Days(array.as_primitive::<Date32Type>().values()),
        DataType::Date64 => {
            let values = array.as_primitive::<Date64Type>().values();
            DateValues::Instants { values, per_second: 1000, zoned: false }
        }
        DataType::Timestamp(unit, zone) => {
            let (values, per_second): (&[i64], i64) = match unit {
                TimeUnit::Second => (array.as_primitive::<TimestampSecondType>().values(), 1),
                TimeUnit::Millisecond => {
                    (array.as_primitive::<TimestampMillisecondType>().values(), 1000)
                }
                TimeUnit::Microsecond => {
                    (array.as_primitive::<TimestampMicrosecondType>().values(), 1_000_000)
                }
                TimeUnit::Nanosecond => {
                    (array.as_primitive::<TimestampNanosecondType>().values(), 1_000_000_000)
                }
            };
            DateValues::Instants { values, per_second, zoned: zone.is_some() }
        }
        DataType::Utf8View => DateValues::Texts(texts(array.as_string_view())),
        other => {
            return Err(Error::Column(format!(
                "the date column is of type {other}: dates are dates, datetimes or ISO text, cast it to one of these"
            )));
        }
    };
    Ok(Column { values, validity: validity(array) })
}

/// Amounts.
pub fn amounts(array: &dyn Array) -> Result<Column<'_, AmountValues<'_>>> {
    let values = match array.data_type() {
        DataType::Float64 => AmountValues::F64(array.as_primitive::<Float64Type>().values()),
        DataType::Float32 => AmountValues::F32(array.as_primitive::<Float32Type>().values()),
        DataType::Decimal128(_, scale) => {
            AmountValues::Decimals(array.as_primitive::<Decimal128Type>().values(), *scale)
        }
        other => match (integers(array), other.is_integer()) {
            (Some(values), true) => AmountValues::Integers(values),
            _ => {
                return Err(Error::Column(format!(
                    "the amount column is of type {other}: amounts are floats, integers or decimals, cast it to one of these"
                )));
            }
        },
    };
    Ok(Column { values, validity: validity(array) })
}

/// A column of true and false; `what` is how errors name it.
pub fn flags<'a>(array: &'a dyn Array, what: &str) -> Result<Column<'a, Bitmap<'a>>> {
    let bits: &BooleanArray = array.as_boolean_opt().ok_or_else(|| {
        Error::Column(format!(
            "the {what} is of type {}: it must be true or false",
            array.data_type()
        ))
    })?;
    let values = Bitmap { bytes: bits.values().values(), offset: bits.values().offset() };
    Ok(Column { values, validity: validity(array) })
}

/// A column of texts that are string views.
pub fn text_column<'a>(array: &'a dyn Array, role: &str) -> Result<Column<'a, Texts<'a>>> {
    let values = array.as_string_view_opt().map(texts).ok_or_else(|| no_texts(array, role))?;
    Ok(Column { values, validity: validity(array) })
}

/// The error of a column that holds something else than texts.
pub fn no_texts(array: &dyn Array, role: &str) -> Error {
    Error::Column(format!(
        "the {role} column is of type {}: it must hold text, cast it",
        array.data_type()
    ))
}

/// Client ids as an array of the type they came in.
pub fn id_array(ids: Ids, wanted: &DataType) -> ArrayRef {
    match ids {
        Ids::Texts { views, buffers } => {
            let buffers: Vec<Buffer> = buffers.into_iter().map(Buffer::from_vec).collect();
            // SAFETY: the core writes each view for bytes that it wrote, and these are those of texts
            // that came in as string views: UTF-8 that has been checked by whoever made them.
            Arc::new(unsafe {
                StringViewArray::new_unchecked(ScalarBuffer::from(views), buffers, None)
            })
        }
        Ids::Signed(ids) => match wanted {
            DataType::Int8 => narrow::<Int8Type>(ids),
            DataType::Int16 => narrow::<Int16Type>(ids),
            DataType::Int32 => narrow::<Int32Type>(ids),
            DataType::UInt8 => narrow::<UInt8Type>(ids),
            DataType::UInt16 => narrow::<UInt16Type>(ids),
            DataType::UInt32 => narrow::<UInt32Type>(ids),
            _ => Arc::new(Int64Array::from(ids)),
        },
        Ids::Unsigned(ids) => Arc::new(UInt64Array::from(ids)),
    }
}

/// Ids in the narrower type that they came in; in 64 bits if any does not fit it.
fn narrow<T: ArrowPrimitiveType<Native: TryFrom<i64>>>(ids: Vec<i64>) -> ArrayRef {
    let narrowed: Option<Vec<T::Native>> = ids.iter().map(|&id| id.try_into().ok()).collect();
    match narrowed {
        Some(narrowed) => Arc::new(PrimitiveArray::<T>::new(narrowed.into(), None)),
        None => Arc::new(Int64Array::from(ids)),
    }
}

/// The rows of a block of a file, in columns named by their positions in its header; whether they are
/// plain texts; and how often each null word of each column stood there. The arrays share the bytes
/// of the block, which live as long as any array that points into them.
pub fn field_batches(
    block: Block,
    columns: &[(usize, &FieldForm)],
) -> (Vec<RecordBatch>, bool, Vec<Vec<u64>>) {
    let fields = columns.iter().map(|(position, form)| {
        let data_type = match form {
            _ if block.as_texts => DataType::Utf8View,
            FieldForm::Text { .. } => DataType::Utf8View,
            FieldForm::Numbers { .. } => DataType::Float64,
            FieldForm::Instants { zoned, .. } => instants(*zoned),
        };
        Field::new(position.to_string(), data_type, true)
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let bytes = Buffer::from_vec(block.bytes);
    let mut null_words: Vec<Vec<u64>> =
        columns.iter().map(|(_, form)| vec![0; form.null_words().count()]).collect();
    let batches = block.batches.into_iter().map(|batch| {
        for (all, column) in null_words.iter_mut().zip(&batch.columns) {
            for (all, here) in all.iter_mut().zip(&column.null_words) {
                *all += here;
            }
        }
        let arrays = batch.columns.into_iter().zip(schema.fields());
        let arrays = arrays.map(|(column, field)| field_array(column, &bytes, field.data_type()));
        let options = RecordBatchOptions::new().with_row_count(Some(batch.rows));
        RecordBatch::try_new_with_options(schema.clone(), arrays.collect(), &options)
            .expect("all columns have as many rows")
    });
    (batches.collect(), block.as_texts, null_words)
}

/// The type of instants in microseconds.
pub fn instants(zoned: bool) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zoned.then(|| "UTC".into()))
}

/// A column of a file as an array, which holds only the buffers that its views point into.
fn field_array(column: FieldColumn, block: &Buffer, data_type: &DataType) -> ArrayRef {
    let nulls = |rows| {
        let bits = column.validity.map(Buffer::from_vec);
        bits.map(|bits| NullBuffer::new(BooleanBuffer::new(bits, 0, rows)))
    };
    match column.values {
        FieldValues::Texts(texts) => {
            let nulls = nulls(texts.views.len());
            text_array(texts, nulls, block)
        }
        FieldValues::Numbers(values) => {
            let nulls = nulls(values.len());
            Arc::new(Float64Array::new(values.into(), nulls))
        }
        FieldValues::Instants(values) => {
            let nulls = nulls(values.len());
            let array = TimestampMicrosecondArray::new(values.into(), nulls);
            Arc::new(array.with_data_type(data_type.clone()))
        }
    }
}

fn text_array(column: TextColumn, nulls: Option<NullBuffer>, block: &Buffer) -> ArrayRef {
    let TextColumn { views, in_block, decoded } = column;
    let mut buffers = Vec::new();
    if in_block || !decoded.is_empty() {
        buffers.push(if in_block { block.clone() } else { Buffer::from_vec(Vec::<u8>::new()) });
    }
    if !decoded.is_empty() {
        buffers.push(Buffer::from_vec(decoded));
    }
    // SAFETY: the core makes each view of bytes that lie in these buffers or in the view itself,
    // zeros after them, and only of whole fields of records that it has found to be UTF-8.
    Arc::new(unsafe { StringViewArray::new_unchecked(ScalarBuffer::from(views), buffers, nulls) })
}

/// A fact as an array.
fn fact_array(column: FactColumn) -> ArrayRef {
    let nulls = column.validity.map(NullBuffer::from);
    match column.values {
        Values::Dates(values) => Arc::new(Date32Array::new(values.into(), nulls)),
        Values::Days(values) => Arc::new(Int32Array::new(values.into(), nulls)),
        Values::Counts(values) => Arc::new(UInt32Array::new(values.into(), nulls)),
        Values::Floats(values) => Arc::new(Float64Array::new(values.into(), nulls)),
        Values::Decimals(values, scale) => {
            let array = Decimal128Array::new(values.into(), nulls);
            Arc::new(
                array.with_precision_and_scale(38, scale).expect("scales up to 22 fit 38 digits"),
            )
        }
    }
}

/// The table of an outcome: `client_id`, `status` where there is one, and the facts by number.
pub fn table(ids: ArrayRef, status: Option<Vec<u8>>, facts: Vec<FactColumn>) -> RecordBatch {
    let mut columns = vec![("client_id".to_owned(), ids)];
    if let Some(status) = status {
        columns.push(("status".to_owned(), Arc::new(UInt8Array::from(status))));
    }
    columns.extend(
        facts
            .into_iter()
            .map(fact_array)
            .enumerate()
            .map(|(number, array)| (number.to_string(), array)),
    );
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .expect("all columns have a row a client")
}
