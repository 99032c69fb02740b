//! The states of clients as a table: signed integers, days and texts that every reader of Arrow has.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Date32Type, Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray,
    StringViewArray, new_null_array,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Schema};
use grc_core::columns::Ids;
use grc_core::facts::{ClientStates, ExtraColumns, StateBatch, StateColumns};
use grc_core::money::Sum;
use grc_core::{Error, Result};

use crate::ffi;

/// Where the metadata of a table of states say which version of its columns it has, and which that is.
const VERSION: (&str, &str) = ("grc_fast.states", "1");
const CLIENT: &str = "client_id";

/// The states of clients as a table.
///
/// # Errors
/// If client ids are unsigned integers of 64 bits.
pub fn table(states: ClientStates, id_type: &DataType) -> Result<RecordBatch> {
    let mut columns = vec![(CLIENT.to_owned(), client_array(states.ids, id_type)?)];
    for (number, scope) in states.scopes.into_iter().enumerate() {
        let named = |name: &str| format!("{name}_{number}");
        let bought: NullBuffer = scope.lines.iter().map(|&lines| lines > 0).collect();
        let days = |days: Vec<i32>| Date32Array::new(days.into(), Some(bought.clone()));
        columns.push((named("lines"), Arc::new(Int64Array::from(scope.lines))));
        columns.push((named("first"), Arc::new(days(scope.first))));
        columns.push((named("last"), Arc::new(days(scope.last))));
        columns.extend(sum_columns(&named("total"), &scope.total));
        if let Some(extra) = scope.extra {
            columns.extend(sum_columns(&named("returns"), &extra.returns));
            let largest = Int64Array::new(extra.largest.into(), Some(bought));
            columns.push((named("largest"), Arc::new(largest)));
        }
    }
    let fields =
        columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true));
    let schema = Schema::new(fields.collect::<Vec<_>>())
        .with_metadata(HashMap::from([(VERSION.0.to_owned(), VERSION.1.to_owned())]));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    Ok(RecordBatch::try_new(Arc::new(schema), arrays).expect("all columns have a row a client"))
}

fn client_array(ids: Ids, id_type: &DataType) -> Result<ArrayRef> {
    match ids {
        Ids::Unsigned(_) => Err(Error::Column(
            "client ids that are unsigned integers of 64 bits have no states: cast them to signed integers or text".to_owned(),
        )),
        Ids::Texts { .. } => {
            let views = ffi::id_array(ids, id_type);
            Ok(Arc::new(views.as_string_view().iter().collect::<StringArray>()))
        }
        Ids::Signed(_) if matches!(id_type, DataType::Int8 | DataType::Int16 | DataType::Int32) => {
            Ok(ffi::id_array(ids, id_type))
        }
        Ids::Signed(ids) => Ok(Arc::new(Int64Array::from(ids))),
    }
}

/// Sums as their low bits and what these overflowed by.
fn sum_columns(name: &str, sums: &[Sum]) -> [(String, ArrayRef); 2] {
    let low = Int64Array::from_iter_values(sums.iter().map(|sum| sum.parts().0));
    let carry = Int32Array::from_iter_values(sums.iter().map(|sum| sum.parts().1));
    [(format!("{name}_low"), Arc::new(low)), (format!("{name}_carry"), Arc::new(carry))]
}

/// The clients of a table of states, in a form that the core takes.
///
/// # Errors
/// If it is no table of states, or one of another version.
pub fn clients(batch: &RecordBatch) -> Result<ArrayRef> {
    let schema = batch.schema();
    match schema.metadata().get(VERSION.0) {
        Some(version) if version != VERSION.1 => Err(Error::Data(format!(
            "these states are of version {version}, and this version of grc_fast reads {}: make them again",
            VERSION.1
        ))),
        _ => {
            let clients = column(batch, CLIENT)?;
            Ok(match clients.data_type() {
                DataType::Utf8 => Arc::new(StringViewArray::from(clients.as_string::<i32>())),
                DataType::Null => new_null_array(&DataType::Int64, clients.len()),
                _ => clients.clone(),
            })
        }
    }
}

/// A table of states, whose clients are given in a form that the core takes.
///
/// # Errors
/// If a column is missing or of another type.
pub fn batch<'a>(clients: &'a ArrayRef, batch: &RecordBatch) -> Result<StateBatch<'a>> {
    let schema = batch.schema();
    let scopes = schema.fields().iter().filter(|field| field.name().starts_with("lines_")).count();
    let scopes = (0..scopes).map(|number| {
        let named = |name: &str| format!("{name}_{number}");
        let rare = batch.column_by_name(&named("largest")).is_some();
        let extra = rare.then(|| {
            Ok::<_, Error>(ExtraColumns {
                returns: sums(batch, &named("returns"))?,
                largest: values::<Int64Type>(batch, &named("largest"))?,
            })
        });
        Ok(StateColumns {
            lines: values::<Int64Type>(batch, &named("lines"))?,
            first: values::<Date32Type>(batch, &named("first"))?,
            last: values::<Date32Type>(batch, &named("last"))?,
            total: sums(batch, &named("total"))?,
            extra: extra.transpose()?,
        })
    });
    Ok(StateBatch { client: ffi::ids(clients, "client")?, scopes: scopes.collect::<Result<_>>()? })
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| {
        Error::Column(format!("a table of states has no column \"{name}\": make the states again"))
    })
}

/// The values of a column; what stands under nulls has no meaning.
fn values<T: ArrowPrimitiveType>(batch: &RecordBatch, name: &str) -> Result<Vec<T::Native>> {
    let array = column(batch, name)?;
    match array.as_primitive_opt::<T>() {
        Some(array) => Ok(array.values().to_vec()),
        None => Err(Error::Column(format!(
            "the column \"{name}\" of a table of states is of type {}, and not {}: make the states again",
            array.data_type(),
            T::DATA_TYPE
        ))),
    }
}

fn sums(batch: &RecordBatch, name: &str) -> Result<Vec<Sum>> {
    let low = values::<Int64Type>(batch, &format!("{name}_low"))?;
    let carry = values::<Int32Type>(batch, &format!("{name}_carry"))?;
    Ok(low.into_iter().zip(carry).map(|(low, carry)| Sum::with_carry(low, carry)).collect())
}
