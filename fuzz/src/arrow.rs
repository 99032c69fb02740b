//! Arrays of another library: what the door lets in holds what its type promises, as Arrow's own
//! library finds as well; nothing is read outside the buffers that the array promises.

use std::ffi::c_void;
use std::ptr;

use arrow_array::ffi::{FFI_ArrowArray, from_ffi_and_data_type};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field};

use crate::bytes::Bytes;

#[expect(dead_code, reason = "the columns of a batch are arrays as others are")]
#[path = "../../rust/python/src/foreign/checks.rs"]
mod checks;
#[path = "../../rust/python/src/foreign/texts.rs"]
mod texts;

/// No buffer is longer: an offset that asks for more is brought down to it.
const MOST_BYTES: i64 = 1 << 12;

/// Check an array, and read it as Arrow does.
pub fn arrow(data: &[u8]) {
    let mut bytes = Bytes(data);
    let data_type = data_type(&mut bytes, 2);
    let length = bytes.below(40);
    let mut array = array(&mut bytes, &data_type, length);
    // SAFETY: its buffers are as long as the array and its last offset say.
    if unsafe { checks::check(&mut array, &data_type) }.is_err() {
        return;
    }
    // SAFETY: as above.
    let taken = unsafe { from_ffi_and_data_type(array, data_type) }.expect("it was checked");
    // What stands where there is no value need be nothing, and offsets of no rows need lead nowhere,
    // which Arrow's library does not allow.
    if !lacks_values(&taken) {
        taken.validate_full().unwrap_or_else(|error| panic!("{error}: {taken:?}"));
    }
}

fn lacks_values(data: &ArrayData) -> bool {
    data.is_empty() || data.nulls().is_some() || data.child_data().iter().any(lacks_values)
}

fn data_type(bytes: &mut Bytes, depth: usize) -> DataType {
    let flat = [
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
        DataType::Boolean,
        DataType::Int32,
        DataType::FixedSizeBinary(3),
        DataType::Null,
    ];
    let kind = bytes.below(flat.len() + 5);
    if let Some(flat) = flat.get(kind) {
        return flat.clone();
    }
    if depth == 0 {
        return DataType::Int64;
    }
    let item = data_type(bytes, depth - 1);
    let field = || Field::new("item", item.clone(), true).into();
    match kind - flat.len() {
        0 => DataType::List(field()),
        1 => DataType::LargeList(field()),
        2 => DataType::FixedSizeList(field(), 2),
        3 => DataType::Struct(vec![Field::new("item", item, true)].into()),
        _ => {
            let keys = [DataType::Int8, DataType::UInt16, DataType::Int64][bytes.below(3)].clone();
            DataType::Dictionary(keys.into(), Box::new(DataType::Utf8))
        }
    }
}

/// What an array owns, until it is released.
#[derive(Default)]
struct Held {
    buffers: Vec<Vec<u8>>,
    pointers: Vec<*const c_void>,
    children: Vec<*mut FFI_ArrowArray>,
    dictionary: Option<*mut FFI_ArrowArray>,
}

/// An array of some rows at least, mostly as its type says it must be.
fn array(bytes: &mut Bytes, data_type: &DataType, rows: usize) -> FFI_ArrowArray {
    let offset = bytes.below(9);
    let end = offset + rows;
    let mut held = Held::default();
    if *data_type != DataType::Null {
        let bitmap = if bytes.flag() { some(bytes, end.div_ceil(8)) } else { vec![] };
        held.buffers.push(bitmap);
    }
    let item = |bytes: &mut Bytes, item: &DataType, rows: usize| {
        let fewer = usize::from(bytes.byte() == 1);
        Box::into_raw(Box::new(array(bytes, item, rows.saturating_sub(fewer))))
    };
    match data_type {
        DataType::Null => {}
        DataType::Boolean => held.buffers.push(some(bytes, end.div_ceil(8))),
        DataType::Utf8 | DataType::Binary => {
            let last = offsets::<4>(bytes, end, &mut held);
            held.buffers.push(some(bytes, last));
        }
        DataType::LargeUtf8 | DataType::LargeBinary => {
            let last = offsets::<8>(bytes, end, &mut held);
            held.buffers.push(some(bytes, last));
        }
        DataType::Utf8View | DataType::BinaryView => views(bytes, end, &mut held),
        DataType::List(field) => {
            let last = offsets::<4>(bytes, end, &mut held);
            held.children.push(item(bytes, field.data_type(), last));
        }
        DataType::LargeList(field) => {
            let last = offsets::<8>(bytes, end, &mut held);
            held.children.push(item(bytes, field.data_type(), last));
        }
        DataType::FixedSizeList(field, size) => {
            held.children.push(item(bytes, field.data_type(), end * *size as usize));
        }
        DataType::Struct(fields) => {
            held.children.push(item(bytes, fields[0].data_type(), end));
        }
        DataType::Dictionary(keys, values) => {
            let width = keys.primitive_width().expect("keys are integers");
            let keys = (0..end).flat_map(|_| bytes.integer().to_le_bytes()[..width].to_vec());
            let keys = keys.collect();
            held.buffers.push(keys);
            let length = bytes.below(30);
            held.dictionary = Some(item(bytes, values, length));
        }
        flat => {
            let width = match flat {
                DataType::FixedSizeBinary(width) => *width as usize,
                _ => flat.primitive_width().expect("all other types are numbers"),
            };
            held.buffers.push(some(bytes, end * width));
        }
    }
    ffi(bytes, held, rows, offset)
}

/// Bytes, mostly those of letters.
fn some(bytes: &mut Bytes, length: usize) -> Vec<u8> {
    let letters = "aé€𝄞z".as_bytes();
    let any = bytes.flag();
    (0..length).map(|i| if any { bytes.byte() } else { letters[i % letters.len()] }).collect()
}

/// Add a buffer of offsets, and tell how many bytes or rows they ask for.
fn offsets<const WIDTH: usize>(bytes: &mut Bytes, end: usize, held: &mut Held) -> usize {
    let mut last = 0_i64;
    let mut buffer = Vec::with_capacity((end + 1) * WIDTH);
    for _ in 0..=end {
        last = match bytes.byte() {
            byte @ 0..=249 => last + i64::from(byte % 6),
            _ => bytes.integer(),
        };
        last = last.clamp(-MOST_BYTES, MOST_BYTES);
        buffer.extend_from_slice(&last.to_le_bytes()[..WIDTH]);
    }
    held.buffers.push(buffer);
    last.max(0) as usize
}

/// Add buffers of views, of what they lead into, and of how long that is.
fn views(bytes: &mut Bytes, end: usize, held: &mut Held) {
    let lengths: Vec<usize> = (0..bytes.below(3)).map(|_| bytes.below(60)).collect();
    let texts: Vec<Vec<u8>> = lengths.iter().map(|&length| some(bytes, length)).collect();
    let mut buffer = Vec::with_capacity(end * 16);
    for _ in 0..end {
        let length = bytes.below(26);
        let mut view = [0; 16];
        view[..4].copy_from_slice(&(length as u32).to_le_bytes());
        if length <= 12 {
            view[4..4 + length].copy_from_slice(&some(bytes, length));
        } else {
            let (number, start) = (bytes.below(3), bytes.below(60));
            view[8] = number as u8;
            view[12] = start as u8;
            if let Some(prefix) = texts.get(number).and_then(|text| text.get(start..start + 4)) {
                view[4..8].copy_from_slice(prefix);
            }
        }
        if bytes.byte() >= 250 {
            view[bytes.below(16)] = bytes.byte();
        }
        buffer.extend_from_slice(&view);
    }
    held.buffers.push(buffer);
    held.buffers.extend(texts);
    held.buffers.push(lengths.iter().flat_map(|&length| (length as i64).to_le_bytes()).collect());
}

/// The array as it crosses the border; now and then it says of itself what is not so.
fn ffi(bytes: &mut Bytes, mut held: Held, rows: usize, offset: usize) -> FFI_ArrowArray {
    let null = |buffer: &Vec<u8>| buffer.is_empty().then_some(ptr::null());
    held.pointers =
        held.buffers.iter().map(|b| null(b).unwrap_or_else(|| b.as_ptr().cast())).collect();
    let mut held = Box::new(held);
    let mut array = FFI_ArrowArray::empty();
    array.length = rows as i64;
    array.offset = offset as i64;
    array.null_count = bytes.integer();
    array.n_buffers = held.pointers.len() as i64;
    array.buffers = held.pointers.as_mut_ptr();
    array.n_children = held.children.len() as i64;
    array.children = held.children.as_mut_ptr();
    array.dictionary = held.dictionary.unwrap_or(ptr::null_mut());
    match bytes.byte() {
        250 => array.n_buffers = array.n_buffers.min(i64::from(bytes.byte() % 3)),
        251 => array.n_children = 0,
        252 => array.length = -1,
        253 => array.offset = i64::MIN,
        _ => {}
    }
    array.release = Some(release);
    array.private_data = Box::into_raw(held).cast();
    array
}

unsafe extern "C" fn release(array: *mut FFI_ArrowArray) {
    // SAFETY: this is the function of an array that was made above, and it is called once.
    unsafe {
        let held = Box::from_raw((*array).private_data.cast::<Held>());
        for &part in held.children.iter().chain(&held.dictionary) {
            drop(Box::from_raw(part));
        }
        (*array).release = None;
    }
}
