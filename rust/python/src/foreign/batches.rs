//! What another library hands over: its columns, and its batches one after the other.

use std::ffi::CStr;
use std::ptr::NonNull;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema};
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::Field;
use grc_core::Error;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors::exception;

pub const STREAM: &CStr = c"arrow_array_stream";
const SCHEMA: &CStr = c"arrow_schema";
const ARRAY: &CStr = c"arrow_array";

/// A column: what it holds, or how its type is written if that says nothing here.
pub struct Column {
    pub name: String,
    pub field: Result<Field, String>,
}

/// The batches of a table.
pub enum Batches {
    None,
    One(FFI_ArrowArray),
    Stream(FFI_ArrowArrayStream),
}

/// Take what an object gives, through its method for streams or that for single batches.
pub fn of_object(source: &Bound<'_, PyAny>) -> PyResult<(Batches, Vec<Column>)> {
    if source.hasattr("__arrow_c_stream__")? {
        let capsule: Bound<'_, PyCapsule> =
            source.call_method0("__arrow_c_stream__")?.cast_into()?;
        let pointer = pointer::<FFI_ArrowArrayStream>(&capsule, STREAM)?;
        // SAFETY: a capsule of this name holds such a stream, which is moved out of it.
        let mut stream = unsafe { FFI_ArrowArrayStream::from_raw(pointer.as_ptr()) };
        let schema = schema_of(&mut stream).map_err(|reason| exception(&Error::Data(reason)))?;
        return Ok((Batches::Stream(stream), columns(&schema)?));
    }
    let given = source.call_method0("__arrow_c_array__")?;
    let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) = given.extract()?;
    let (schema, array) =
        (pointer::<FFI_ArrowSchema>(&schema, SCHEMA)?, pointer::<FFI_ArrowArray>(&array, ARRAY)?);
    // SAFETY: capsules of these names hold such structures, which are moved out of them.
    let (schema, array) = unsafe {
        (FFI_ArrowSchema::from_raw(schema.as_ptr()), FFI_ArrowArray::from_raw(array.as_ptr()))
    };
    Ok((Batches::One(array), columns(&schema)?))
}

fn pointer<T>(capsule: &Bound<'_, PyCapsule>, name: &CStr) -> PyResult<NonNull<T>> {
    Ok(capsule.pointer_checked(Some(name))?.cast())
}

fn schema_of(stream: &mut FFI_ArrowArrayStream) -> Result<FFI_ArrowSchema, String> {
    let get_schema = stream.get_schema.filter(|_| stream.release.is_some());
    let get_schema = get_schema.ok_or("its stream has been read already")?;
    let mut schema = FFI_ArrowSchema::empty();
    // SAFETY: both are alive, and the function is that of the stream.
    let code = unsafe { get_schema(&raw mut *stream, &raw mut schema) };
    if code == 0 { Ok(schema) } else { Err(last_error(stream)) }
}

/// The columns of a table. One whose type is not known here is no reason to refuse the others.
fn columns(schema: &FFI_ArrowSchema) -> PyResult<Vec<Column>> {
    if schema.format() != "+s" {
        return Err(exception(&Error::Data("it is one column, and no table".to_owned())));
    }
    let column = |child: &FFI_ArrowSchema| {
        let name = child.name().unwrap_or_default().to_owned();
        Column { name, field: Field::try_from(child).map_err(|_| child.format().to_owned()) }
    };
    Ok(schema.children().map(column).collect())
}

impl Batches {
    /// The next batch, if there is one.
    pub fn next(&mut self) -> Result<Option<FFI_ArrowArray>, String> {
        let mut array = FFI_ArrowArray::empty();
        match self {
            Self::None => return Ok(None),
            Self::One(batch) => std::mem::swap(batch, &mut array),
            Self::Stream(stream) => {
                let get_next = stream.get_next.ok_or("its stream has ended")?;
                // SAFETY: both are alive, and the function is that of the stream.
                if unsafe { get_next(&raw mut *stream, &raw mut array) } != 0 {
                    return Err(last_error(stream));
                }
            }
        }
        Ok((!array.is_released()).then_some(array))
    }
}

fn last_error(stream: &mut FFI_ArrowArrayStream) -> String {
    let unknown = || "its stream gives no reason".to_owned();
    let Some(get_last_error) = stream.get_last_error else { return unknown() };
    // SAFETY: the function is that of the stream, which is alive.
    let text = unsafe { get_last_error(stream) };
    if text.is_null() {
        return unknown();
    }
    // SAFETY: it is a text that ends in a zero, and lives until the next call.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
