//! Blanks within and around values.

/// The blanks that are written in and around values, but for the plain one and the tab: no-break,
/// narrow no-break and thin. French thousands are set with each of them.
const WIDE_BLANKS: [&[u8]; 3] = [b"\xC2\xA0", b"\xE2\x80\xAF", b"\xE2\x80\x89"];

/// The length of the blank that a text begins with; 0 if it begins with none.
#[inline]
pub(super) fn blank_length(text: &[u8]) -> usize {
    match text.first() {
        Some(b' ' | b'\t') => 1,
        Some(0xC2 | 0xE2) => wide_blank(|blank| text.starts_with(blank)),
        _ => 0,
    }
}

/// Whether a blank may begin with a byte.
#[inline]
pub(super) fn may_be_blank(first: u8) -> bool {
    matches!(first, b' ' | b'\t' | 0xC2 | 0xE2)
}

fn wide_blank(is_here: impl Fn(&[u8]) -> bool) -> usize {
    WIDE_BLANKS.iter().find(|blank| is_here(blank)).map_or(0, |blank| blank.len())
}

/// A text without the blanks it begins with.
#[inline]
pub(super) fn after_blanks(mut text: &[u8]) -> &[u8] {
    loop {
        match blank_length(text) {
            0 => return text,
            length => text = &text[length..],
        }
    }
}

/// A text without the blanks around it.
#[inline]
pub(crate) fn trimmed(text: &[u8]) -> &[u8] {
    match text {
        [b'!'..=b'~', .., b'!'..=b'~'] | [b'!'..=b'~'] => text,
        _ => trimmed_both(text),
    }
}

#[inline(never)]
fn trimmed_both(text: &[u8]) -> &[u8] {
    let mut text = after_blanks(text);
    loop {
        let length = match text.last() {
            Some(b' ' | b'\t') => 1,
            _ => wide_blank(|blank| text.ends_with(blank)),
        };
        if length == 0 {
            return text;
        }
        text = &text[..text.len() - length];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_blank_around_is_ignored() {
        for blank in [" ", "\t", "\u{a0}", "\u{202f}", "\u{2009}", "\t \u{2009}\u{a0}"] {
            for text in ["", "a", "é", "a b", "12\u{202f}500,5\u{a0}€"] {
                let padded = format!("{blank}{text}{blank}");
                assert_eq!(trimmed(padded.as_bytes()), text.as_bytes(), "{padded:?}");
            }
        }
        assert_eq!(trimmed("\u{2003}\n".as_bytes()), "\u{2003}\n".as_bytes());
    }
}
