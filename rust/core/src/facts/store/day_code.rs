//! Days in 16 bits, for about 179 years.

/// The day of code 0; codes 0 and 1 are kept free for what is no day.
const FIRST_DAY: i32 = -16_386;
/// The highest code.
pub const LAST_CODE: u64 = u16::MAX as u64;

/// Whether a day has a code of its own.
#[inline]
pub fn has_code(day: i32) -> bool {
    // Below the first code the difference wraps, and is beyond the last as well.
    day.wrapping_sub(FIRST_DAY + 2) as u32 <= LAST_CODE as u32 - 2
}

/// The code of a day that has one.
#[inline]
pub fn code_of_day(day: i32) -> u64 {
    u64::from(day.wrapping_sub(FIRST_DAY) as u32)
}

/// The day of a code.
#[inline]
pub fn day_of_code(code: u64) -> i32 {
    code as i32 + FIRST_DAY
}

/// Whether all days of a range have codes.
pub fn have_codes(days: Option<(i32, i32)>) -> bool {
    days.is_none_or(|(first, last)| has_code(first) && has_code(last))
}
