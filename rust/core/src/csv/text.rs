//! Fields that do not stand in the file as they are handed out.

use super::format::Encoding;

/// The characters of the bytes 80 to 9F in Windows-1252; 0 where there is none.
/// Source: <https://www.unicode.org/Public/MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT>
const WINDOWS_1252: [u16; 32] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039,
    0x0152, 0, 0x017D, 0, 0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC,
    0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
];

/// Whether a byte is a character of Windows-1252: those are none that the table has as 0.
#[inline]
pub(super) fn in_windows_1252(byte: u8) -> bool {
    !matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D)
}

/// Append the text between the quotes of a field, or of a field without quotes, as UTF-8.
pub(super) fn decode(field: &[u8], quoted: bool, encoding: Encoding, text: &mut Vec<u8>) {
    let mut after_quote = false;
    for &byte in field {
        if quoted && byte == b'"' {
            after_quote = !after_quote;
            if after_quote {
                continue;
            }
        }
        if byte.is_ascii() || encoding == Encoding::Utf8 {
            text.push(byte);
        } else {
            let code = match byte {
                0x80..0xA0 => WINDOWS_1252[usize::from(byte - 0x80)],
                _ => u16::from(byte),
            };
            let character = char::from_u32(u32::from(code)).unwrap_or_default();
            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// How many bytes are a given one.
pub(super) fn count(bytes: &[u8], wanted: u8) -> u64 {
    // As many as a byte can count, so that the compiler adds up 16 at once.
    bytes
        .chunks(255)
        .map(|part| u64::from(part.iter().map(|&byte| u8::from(byte == wanted)).sum::<u8>()))
        .sum()
}
