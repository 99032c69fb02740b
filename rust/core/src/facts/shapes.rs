//! Texts that end in a number, as one word and back.
//!
//! Many ids share few shapes ([`super::shape`]), so shapes are numbered, and a text is the number of
//! its shape and its own number. A text has one shape, and with that one number: equal words are
//! equal texts, "007" and "7" are two. The few texts without a shape are numbered one by one; a run
//! that meets many of them goes over to keeping texts as such.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::batch::{Column, IdValues, Texts};
use super::ids::plain_integer;
use super::keys::Text;
use super::shape::{LONGEST, Shape, Words};
use super::spread::{
    PARTITIONS, STRETCH_BITS, number_at, partition_of_hash, partition_of_number, place_of_number,
};

/// The low bits of a word that are the number of a text: 10^16 is below 2^54.
const NUMBER_BITS: u32 = 54;
/// Shapes that can be numbered.
const SHAPES: usize = ODD as usize;
/// In place of the number of a shape in the words of odd texts: those without digits at their end,
/// of more than 32 bytes, or of a shape without a number.
const ODD: u64 = (1 << (64 - NUMBER_BITS)) - 1;
/// The places where a shape may stand in the table of shapes.
const TRIES: usize = 16;
/// The first stretch of numbers that are words of odd texts.
const ODD_STRETCH: u64 = ODD << (NUMBER_BITS - STRETCH_BITS);

/// The shapes of a run, and its odd texts; shared by all workers.
#[derive(Debug)]
pub(super) struct Shapes {
    /// A shape is entered at the first place free of those that its hash gives, and stays. One that
    /// found them all taken will never find another there: its texts are odd once and for all,
    /// whatever other threads do.
    table: Box<[OnceLock<Shape>]>,
    /// Those of each partition, with a lock of its own.
    odd: Box<[Mutex<OddTexts>]>,
}

/// The odd texts of a partition, and their places in it.
type OddTexts = HashMap<Box<[u8]>, u64>;

impl Default for Shapes {
    fn default() -> Self {
        Self {
            table: (0..SHAPES).map(|_| OnceLock::new()).collect(),
            odd: (0..PARTITIONS).map(|_| Mutex::default()).collect(),
        }
    }
}

/// How many texts are looked at to see whether they have few shapes.
const SAMPLE: usize = 1000;
/// Few shapes.
const FEW: usize = 32;

impl Shapes {
    /// Whether few shapes are those of nearly all texts of some columns; none if no text is seen.
    pub fn suit<'a>(
        &self,
        columns: impl Iterator<Item = &'a Column<'a, IdValues<'a>>> + Clone,
    ) -> Option<bool> {
        let rows: usize = columns.clone().map(|column| column.values.rows()).sum();
        let step = rows.div_ceil(SAMPLE).max(1);
        let (mut seen, mut counts, mut next) = (0, HashMap::new(), 0);
        for column in columns {
            let IdValues::Texts(texts) = &column.values else {
                return Some(false);
            };
            let rows = texts.views.len();
            for row in (next..rows).step_by(step).filter(|&row| column.is_valid(row)) {
                seen += 1;
                let shape = Words::of(texts, row).and_then(Shape::of);
                if let Some(place) = shape.and_then(|shape| self.place_of(&shape)) {
                    *counts.entry(place).or_insert(0_usize) += 1;
                }
            }
            // The sample goes on in the next column as if that were the same.
            next = if next < rows { (step - (rows - next) % step) % step } else { next - rows };
        }
        let mut counts: Vec<usize> = counts.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let common: usize = counts.iter().take(FEW).sum();
        (seen > 0).then_some(common * 20 >= seen * 19)
    }

    /// The number of a shape, which is entered if new; none if its places are taken.
    #[inline]
    fn place_of(&self, shape: &Shape) -> Option<usize> {
        let start = shape.hash() as u32 as usize;
        let mut places = (start..start + TRIES).map(|place| place % SHAPES);
        places.find(|&place| self.table[place].get_or_init(|| *shape) == shape)
    }

    /// The shape of a text, which is entered if new, and the word of that with the number 0.
    #[inline]
    fn entered(&self, words: Words) -> Option<(&Shape, u64)> {
        let place = self.place_of(&Shape::of(words)?)?;
        Some((self.table[place].get()?, (place as u64) << NUMBER_BITS))
    }

    /// The word of a text; none if it is odd.
    pub fn word(&self, texts: &Texts, row: usize) -> Option<u64> {
        let words = Words::of(texts, row)?;
        let (shape, zero) = self.entered(words)?;
        Some(zero | shape.number(words)?)
    }

    /// The word of an odd text, a number of the partition that its hash belongs to.
    #[cold]
    fn enter_odd(&self, text: &[u8]) -> u64 {
        let partition = partition_of_hash(Text::hash(text));
        let mut known = self.odd_of(partition);
        let place = known.get(text).copied().unwrap_or_else(|| {
            let place = known.len() as u64;
            known.insert(text.into(), place);
            place
        });
        number_at(ODD_STRETCH, place, partition)
    }

    fn odd_of(&self, partition: usize) -> MutexGuard<'_, OddTexts> {
        self.odd[partition].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The texts of words, at the end of a run: odd ones move there.
    pub fn dictionary(&self) -> Dictionary<'_> {
        let odd = |partition| {
            let known = std::mem::take(&mut *self.odd_of(partition));
            let mut texts = vec![Box::default(); known.len()];
            known.into_iter().for_each(|(text, place)| texts[place as usize] = text);
            texts
        };
        Dictionary {
            shapes: self,
            plain: self.table.iter().map(|shape| shape.get().and_then(Plain::of)).collect(),
            odd: (0..PARTITIONS).map(odd).collect(),
        }
    }
}

/// Shapes that a worker remembers.
const REMEMBERED: usize = 128;

/// Texts as words; remembers shapes by the length and the first byte of their texts, so that a mix
/// of a few of them costs no more than one.
pub(super) struct Coder<'a> {
    shapes: &'a Shapes,
    /// Shapes, and the word of each with the number 0.
    known: [(&'a Shape, u64); REMEMBERED],
}

impl<'a> Coder<'a> {
    pub fn new(shapes: &'a Shapes) -> Self {
        Self { shapes, known: [(&Shape::NONE, 0); REMEMBERED] }
    }

    /// The word of a text.
    #[inline]
    pub fn word(&mut self, texts: &Texts, row: usize) -> u64 {
        let view = texts.views[row];
        let (length, first) = (view as u32, (view >> 32) as u32);
        // Lengths up to eight apart, and first bytes that are digits, or the few letters that begin
        // the ids of one table, seldom meet.
        let place = ((length << 4) | (first & 15)) as usize % REMEMBERED;
        let (shape, zero) = self.known[place];
        if length == shape.length {
            let number = if length <= 12 {
                shape.number(Words::short(view))
            } else {
                Words::long(texts.get(row)).and_then(|words| shape.number(words))
            };
            if let Some(number) = number {
                return zero | number;
            }
        }
        self.word_of_shape(texts, row, place)
    }

    #[inline(never)]
    fn word_of_shape(&mut self, texts: &Texts, row: usize, place: usize) -> u64 {
        let known = Words::of(texts, row).and_then(|words| {
            self.known[place] = self.shapes.entered(words)?;
            let (shape, zero) = self.known[place];
            Some(zero | shape.number(words)?)
        });
        known.unwrap_or_else(|| self.shapes.enter_odd(texts.get(row)))
    }
}

/// How the numbers of a shape are integers, if its texts are plain integers.
#[derive(Debug, Clone, Copy)]
struct Plain {
    /// A text with a smaller number begins with a zero that it could do without.
    least: u64,
    /// The size of the integer of number 0.
    base: i128,
    sign: i128,
}

impl Plain {
    fn of(shape: &Shape) -> Option<Self> {
        let mut text = [0; LONGEST];
        shape.write(0, &mut text[..shape.length as usize]);
        let prefix = &text[..(shape.length - shape.digits) as usize];
        let (sign, first) = match prefix {
            [b'-', first @ ..] => (-1, first),
            first => (1, first),
        };
        let (least, base) = match first {
            // The one digit 0 is plain, but not after a minus.
            [] if shape.digits == 1 => (u64::from(sign < 0), 0),
            [] => (10_u64.pow(shape.digits - 1), 0),
            [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
                let value = |value, digit: &u8| value * 10 + i128::from(digit - b'0');
                (0, first.iter().fold(0, value) * 10_i128.pow(shape.digits))
            }
            _ => return None,
        };
        Some(Self { least, base, sign })
    }

    #[inline]
    fn integer(&self, number: u64) -> Option<i64> {
        let integer = self.sign * (self.base + i128::from(number));
        if number >= self.least { integer.try_into().ok() } else { None }
    }
}

/// The texts of a run's words.
pub(super) struct Dictionary<'a> {
    shapes: &'a Shapes,
    plain: Vec<Option<Plain>>,
    odd: Vec<Vec<Box<[u8]>>>,
}

impl Dictionary<'_> {
    /// The shape and the number of a word; none if its text is odd.
    #[inline]
    pub fn shaped(&self, word: u64) -> Option<(&Shape, u64)> {
        Some((self.shapes.table.get(place_in(word))?.get()?, number_in(word)))
    }

    /// Call `with` for the text of a word.
    #[inline]
    pub fn with_text<T>(&self, word: u64, with: impl FnOnce(&[u8]) -> T) -> T {
        if let Some((shape, number)) = self.shaped(word) {
            let mut text = [0; LONGEST];
            let text = &mut text[..shape.length as usize];
            shape.write(number, text);
            with(text)
        } else {
            let place = place_of_number(ODD_STRETCH, word) as usize;
            with(&self.odd[partition_of_number(word)][place])
        }
    }

    /// The integer of a word whose text is a plain one.
    #[inline]
    pub fn integer(&self, word: u64) -> Option<i64> {
        match self.plain.get(place_in(word)) {
            Some(plain) => (*plain)?.integer(number_in(word)),
            None => self.with_text(word, plain_integer),
        }
    }
}

/// Whether two words are of one shape.
pub(super) fn same_shape(a: u64, b: u64) -> bool {
    place_in(a) == place_in(b)
}

#[inline]
fn place_in(word: u64) -> usize {
    (word >> NUMBER_BITS) as usize
}

/// The number in a word.
#[inline]
pub(super) fn number_in(word: u64) -> u64 {
    word & ((1 << NUMBER_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::super::keys::view_of;
    use super::*;

    /// The views of texts, the long ones in two buffers.
    fn with_column<T>(texts: &[String], with: impl FnOnce(&Column<IdValues>) -> T) -> T {
        let mut buffers = [b"before".to_vec(), Vec::new()];
        let view = |text: &String| {
            let number = text.len() % 2;
            let start = buffers[number].len() as u32;
            buffers[number].extend(text.as_bytes());
            view_of(text.as_bytes(), number as u32, start)
        };
        let views: Vec<u128> = texts.iter().map(view).collect();
        let buffers = buffers.iter().map(Vec::as_slice).collect();
        let values = IdValues::Texts(Texts { views: &views, buffers });
        with(&Column { values, validity: None })
    }

    /// The words of texts.
    fn words(shapes: &Shapes, texts: &[String]) -> Vec<u64> {
        with_column(texts, |column| {
            let IdValues::Texts(texts) = &column.values else { unreachable!() };
            let mut coder = Coder::new(shapes);
            (0..texts.views.len()).map(|row| coder.word(texts, row)).collect()
        })
    }

    /// What stands before the last digits of a text, sixteen at most, and how many they are.
    fn shape_of(text: &str) -> Option<(&str, usize)> {
        let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count().min(16);
        let usual = digits > 0 && text.len() <= 32;
        usual.then(|| (&text[..text.len() - digits], digits))
    }

    /// Texts of few shapes and of any, some with the neighbours of digits among their bytes.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "(C|FR-|BE-|customer-|)[0-9]{1,16}",
            "[0-9]{15,21}",
            "-?(0|[1-9][0-9]{0,20})",
            "0{0,5}7",
            "[a-zé]{0,30}[0-9]{0,20}",
            "[0-9/:]{0,34}",
            "[\u{b0}-\u{b9}0-9\u{7f}\0]{0,10}",
            ".{0,8}",
            Just("9223372036854775807".to_owned()),
            Just("-9223372036854775808".to_owned()),
            Just("9223372036854775808".to_owned()),
        ]
    }

    proptest! {
        #[test]
        fn words_are_as_equal_as_their_texts_and_lead_back_to_them(
            texts in prop::collection::vec(texts(), 0..200),
        ) {
            let shapes = Shapes::default();
            let words = words(&shapes, &texts);
            let distinct: HashSet<&String> = texts.iter().collect();
            let distinct_words: HashSet<u64> = words.iter().copied().collect();
            prop_assert_eq!(distinct.len(), distinct_words.len());
            let dictionary = shapes.dictionary();
            for (text, &word) in texts.iter().zip(&words) {
                prop_assert_eq!(dictionary.with_text(word, <[u8]>::to_vec), text.as_bytes());
                prop_assert_eq!(dictionary.integer(word), plain_integer(text.as_bytes()), "{}", text);
                let shaped = dictionary.shaped(word).map(|(shape, number)| {
                    let digits = shape.digits as usize;
                    (text.split_at(shape.length as usize - digits), number)
                });
                let expected = shape_of(text).map(|(prefix, digits)| {
                    let last = &text[text.len() - digits..];
                    ((prefix, last), last.parse().unwrap())
                });
                prop_assert_eq!(shaped, expected);
            }
        }
    }

    /// Far more shapes than can be numbered, met by several threads in orders of their own.
    #[test]
    fn a_text_has_one_word_whoever_meets_it_first() {
        let texts: Vec<String> =
            (0..6_000).map(|i| format!("{:x}-{}", i % 3_000 * 7_919, i % 3)).collect();
        let shapes = Shapes::default();
        let rotated = |turn: usize| {
            let mut texts = texts.clone();
            texts.rotate_left(turn);
            texts
        };
        let found: Vec<Vec<u64>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|worker| rotated(worker * 1_500))
                .map(|texts| scope.spawn(|| (words(&shapes, &texts), texts)))
                .collect();
            let found = workers.into_iter().map(|worker| worker.join().unwrap());
            found
                .zip(0..)
                .map(|((mut words, _), worker)| {
                    words.rotate_right(worker * 1_500);
                    words
                })
                .collect()
        });
        assert!(found.iter().all(|words| *words == found[0]));
        let dictionary = shapes.dictionary();
        let odd = found[0].iter().filter(|&&word| dictionary.shaped(word).is_none()).count();
        assert!((3_000..5_500).contains(&odd), "{odd} odd texts");
        for (text, &word) in texts.iter().zip(&found[0]) {
            assert_eq!(dictionary.with_text(word, <[u8]>::to_vec), text.as_bytes());
        }
    }

    #[test]
    fn what_stands_in_a_view_after_its_text_is_not_looked_at() {
        let view = |rest: u128| view_of(b"C07", 0, 0) | rest << 56;
        let texts = Texts { views: &[view(0), view(0x39), view(u128::MAX >> 56)], buffers: vec![] };
        let shapes = Shapes::default();
        let words: HashSet<u64> = (0..3).map(|row| Coder::new(&shapes).word(&texts, row)).collect();
        assert_eq!(words.len(), 1);
    }

    #[test]
    fn columns_of_few_shapes_suit() {
        let suits = |odd: usize, text: fn(usize) -> String| {
            let text = |i| if i % 100 < odd { format!("odd-{i}-") } else { text(i) };
            let texts: Vec<String> = (0..2_100).map(text).collect();
            with_column(&texts, |column| Shapes::default().suit([column].into_iter()))
                .expect("there are texts")
        };
        assert!(suits(0, |i| format!("C{i:09}")));
        assert!(suits(5, |i| format!("customer-{i:011}")));
        assert!(!suits(7, |i| format!("customer-{i:011}")));
        assert!(suits(0, |i| i.to_string()));
        assert!(suits(0, |i| format!("{}-{i:05}", i % 32)));
        assert!(!suits(0, |i| format!("{}-{i:05}", i % 64)));
        assert!(!suits(0, |i| format!("{i}")[..0].to_owned()));
        assert_eq!(with_column(&[], |column| Shapes::default().suit([column].into_iter())), None);
    }

    /// Of columns of any lengths as many texts are looked at as of all their rows in one.
    #[test]
    fn columns_are_judged_together() {
        let odd: Vec<String> = (0..7).map(|i| format!("odd-{i}-")).collect();
        let good: Vec<String> = (0..133).map(|i| format!("C{i:09}")).collect();
        let judged = |odds: usize, goods: usize| {
            with_column(&odd, |odd| {
                with_column(&good, |good| {
                    let columns = std::iter::repeat_n(odd, odds);
                    Shapes::default().suit(columns.chain(std::iter::repeat_n(good, goods)))
                })
            })
        };
        assert_eq!([judged(1, 1), judged(2, 1), judged(0, 0)], [Some(true), Some(false), None]);
        assert_eq!([judged(90, 100), judged(110, 100)], [Some(true), Some(false)]);
    }
}
