//! Checks of an array of another library, in which nothing that is read later may lead out of it.
//!
//! The interface does not say how long buffers are: they must hold as many rows as the array says,
//! and as many bytes as its last offset says. All that can be told from that is checked, in one go
//! over offsets, views, keys and texts; numbers and dates need no look at all.

use std::slice;

use arrow_array::ffi::FFI_ArrowArray;
use arrow_schema::DataType;

use super::texts;

// A count of nulls that is to be told from the bitmap.
const UNKNOWN: i64 = -1;

/// What is wrong with an array.
pub type Fault = &'static str;

/// The rows of an array, and its buffers.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    array: &'a FFI_ArrowArray,
    /// The first row in the buffers.
    pub start: usize,
    /// The row after the last.
    pub end: usize,
}

impl<'a> Rows<'a> {
    fn of(array: &'a FFI_ArrowArray) -> Result<Self, Fault> {
        let start = usize::try_from(array.offset).ok();
        let length = usize::try_from(array.length).ok();
        let end = start.zip(length).and_then(|(start, length)| start.checked_add(length));
        // No type is wider than 16 bytes.
        match (start, end) {
            (Some(_), Some(_)) if length == Some(0) => Ok(Self { array, start: 0, end: 0 }),
            (Some(start), Some(end)) if end < isize::MAX as usize / 32 => {
                Ok(Self { array, start, end })
            }
            _ => Err("it has no count of rows"),
        }
    }

    /// The first bytes of a buffer.
    pub fn bytes(&self, number: usize, length: usize) -> Result<&'a [u8], Fault> {
        let buffer = self.pointer(number);
        let is_there = (number as i64) < self.array.n_buffers;
        if is_there && length == 0 {
            return Ok(&[]);
        }
        if buffer.is_null() || length > isize::MAX as usize {
            return Err("it lacks a buffer");
        }
        // SAFETY: an array of so many rows has a buffer of so many bytes, as its maker promises.
        Ok(unsafe { slice::from_raw_parts(buffer, length) })
    }

    fn pointer(&self, number: usize) -> *const u8 {
        if number as i64 >= self.array.n_buffers || self.array.buffers.is_null() {
            return std::ptr::null();
        }
        // SAFETY: there are as many buffers.
        unsafe { self.array.buffers.add(number).read() }.cast()
    }

    /// The items of a buffer at the rows, each of some bytes.
    fn items<const WIDTH: usize>(&self, number: usize) -> Result<&'a [[u8; WIDTH]], Fault> {
        Ok(&self.bytes(number, self.end * WIDTH)?.as_chunks().0[self.start..])
    }

    /// The views of texts.
    pub fn views(&self) -> Result<&'a [[u8; 16]], Fault> {
        self.items(1)
    }

    /// The buffers that views lead into.
    pub fn view_buffers(&self) -> Result<Vec<&'a [u8]>, Fault> {
        let count = usize::try_from(self.array.n_buffers.saturating_sub(3));
        let count = count.map_err(|_| "it lacks a buffer")?;
        let lengths = self.bytes(count + 2, count * 8)?.as_chunks().0;
        let lengths = lengths.iter().map(|&length| i64::from_le_bytes(length));
        let buffer = |(number, length): (usize, i64)| {
            self.bytes(number + 2, usize::try_from(length).map_err(|_| "a buffer has no length")?)
        };
        lengths.enumerate().map(buffer).collect()
    }

    /// The offsets of the rows, and that after the last.
    pub fn offsets<const WIDTH: usize>(&self) -> Result<&'a [[u8; WIDTH]], Fault> {
        if self.end == self.start {
            return Ok(&[]);
        }
        Ok(&self.bytes(1, (self.end + 1) * WIDTH)?.as_chunks().0[self.start..])
    }

    /// Whether there is a value in a row, counted from the first.
    pub fn is_valid(&self, row: usize) -> bool {
        let (buffer, bit) = (self.pointer(0), self.start + row);
        // SAFETY: the bitmap has a bit for each row, as its maker promises.
        buffer.is_null() || unsafe { buffer.add(bit / 8).read() } >> (bit % 8) & 1 == 1
    }
}

/// The columns of a batch.
///
/// # Safety
/// Its pointers lead to what they say.
pub unsafe fn columns(
    batch: &FFI_ArrowArray,
    width: usize,
) -> Result<&[*mut FFI_ArrowArray], Fault> {
    // SAFETY: as for this function.
    unsafe { children(batch, width, Rows::of(batch)?.end) }
}

/// What an array is made of, if it is of as many arrays, each of some rows at least.
///
/// # Safety
/// Its pointers lead to what they say.
unsafe fn children(
    array: &FFI_ArrowArray,
    count: usize,
    rows: usize,
) -> Result<&[*mut FFI_ArrowArray], Fault> {
    if array.n_children != count as i64 || (count > 0 && array.children.is_null()) {
        return Err("it has other columns than its type");
    }
    if count == 0 {
        return Ok(&[]);
    }
    // SAFETY: there are as many children.
    let children = unsafe { slice::from_raw_parts(array.children, count) };
    // SAFETY: a pointer that is not null leads to a child.
    let length = |&child: &*mut FFI_ArrowArray| unsafe { child.as_ref() }.map_or(-1, |c| c.length);
    if children.iter().any(|child| length(child) < i64::try_from(rows).unwrap_or(i64::MAX)) {
        return Err("it leads out of what it holds");
    }
    Ok(children)
}

/// Check an array against its type. How many nulls there are is left to be counted.
///
/// # Safety
/// Its pointers lead to what they say, and its buffers are as long as it says.
pub unsafe fn check(array: &mut FFI_ArrowArray, data_type: &DataType) -> Result<(), Fault> {
    if array.length == 0 {
        // Whoever reads may look where the first row would be.
        array.offset = 0;
    }
    if *data_type != DataType::Null {
        let says_where = !Rows::of(array)?.pointer(0).is_null();
        if !says_where && array.null_count > 0 {
            return Err("it has nulls and does not say where");
        }
        array.null_count = if says_where { UNKNOWN } else { 0 };
    }
    let rows = Rows::of(array)?;
    match data_type {
        DataType::Null => Ok(()),
        DataType::Boolean => rows.bytes(1, rows.end.div_ceil(8)).map(drop),
        DataType::Utf8 => texts::check_texts::<4>(rows),
        DataType::LargeUtf8 => texts::check_texts::<8>(rows),
        DataType::Binary => texts::check_offsets::<4>(rows).map(drop),
        DataType::LargeBinary => texts::check_offsets::<8>(rows).map(drop),
        DataType::Utf8View => texts::check_views(rows, true),
        DataType::BinaryView => texts::check_views(rows, false),
        DataType::FixedSizeBinary(width) => {
            let width = usize::try_from(*width).map_err(|_| "its width is below zero")?;
            rows.bytes(1, rows.end.saturating_mul(width)).map(drop)
        }
        DataType::Dictionary(keys, values) => {
            if array.dictionary.is_null() {
                return Err("it lacks its dictionary");
            }
            // SAFETY: the pointer leads to the dictionary, which belongs to the array.
            unsafe { check(&mut *array.dictionary, values) }?;
            // SAFETY: as above.
            let length = unsafe { (*array.dictionary).length } as u64;
            check_keys(Rows::of(array)?, keys, length)
        }
        _ => match data_type.primitive_width() {
            Some(width) => rows.bytes(1, rows.end * width).map(drop),
            // SAFETY: as for this function.
            None => unsafe { check_nested(array, data_type) },
        },
    }
}

/// Check what lists and structs hold.
///
/// # Safety
/// As for `check`.
unsafe fn check_nested(array: &mut FFI_ArrowArray, data_type: &DataType) -> Result<(), Fault> {
    let rows = Rows::of(array)?;
    let (items, fields) = match data_type {
        DataType::List(item) | DataType::Map(item, _) => {
            (texts::check_steps::<4>(rows)?, slice::from_ref(item))
        }
        DataType::LargeList(item) => (texts::check_steps::<8>(rows)?, slice::from_ref(item)),
        DataType::FixedSizeList(item, size) => {
            let size = usize::try_from(*size).map_err(|_| "its width is below zero")?;
            (rows.end.saturating_mul(size), slice::from_ref(item))
        }
        DataType::Struct(fields) => (rows.end, fields.as_ref()),
        _ => return Err("its type is not one that is read"),
    };
    // SAFETY: as for this function.
    let children = unsafe { children(array, fields.len(), items) }?;
    for (&child, field) in children.iter().zip(fields) {
        // SAFETY: as for this function; nobody else has the child.
        unsafe { check(&mut *child, field.data_type()) }?;
    }
    Ok(())
}

fn check_keys(rows: Rows<'_>, keys: &DataType, length: u64) -> Result<(), Fault> {
    macro_rules! within {
        ($number:ty) => {{
            let keys = rows.items(1)?;
            // What is below zero is large without a sign.
            let lies_within = |key: &[u8; size_of::<$number>()]| {
                (<$number>::from_le_bytes(*key) as i64 as u64) < length
            };
            keys.iter().fold(true, |all, key| all & lies_within(key))
                || keys.iter().enumerate().all(|(row, key)| lies_within(key) || !rows.is_valid(row))
        }};
    }
    let all_within = match keys {
        DataType::Int8 => within!(i8),
        DataType::Int16 => within!(i16),
        DataType::Int32 => within!(i32),
        DataType::Int64 => within!(i64),
        DataType::UInt8 => within!(u8),
        DataType::UInt16 => within!(u16),
        DataType::UInt32 => within!(u32),
        DataType::UInt64 => within!(u64),
        _ => false,
    };
    if all_within { Ok(()) } else { Err("a key leads out of its dictionary") }
}
