//! Texts that end in a number, as one word and back.
//!
//! Many ids share few templates ([`Template`]), so templates are numbered, and a text is the number of
//! its template and its own number. A text has one template, and with that one number: equal words are
//! equal texts, "007" and "7" are two. The few texts without a template are numbered one by one; a run
//! that meets many of them goes over to keeping texts as such.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::template::{LONGEST, Template, TextWords};
use crate::columns::{Column, IdValues, Texts, plain_integer};
use crate::facts::key::Text;
use crate::facts::store::partitioning::{
    PARTITIONS, STRIPE_BITS, partition_of_hash, partition_of_word, slot_of_word, word_of_slot,
};

/// The low bits of a word that are the number of a text: 10^16 is below 2^54.
const NUMBER_BITS: u32 = 54;
/// Templates that can be numbered.
const TEMPLATES: usize = EXCEPTIONS as usize;
/// In place of the number of a template in the words of exceptions: texts without digits at their end,
/// of more than 32 bytes, or of a template without a number.
const EXCEPTIONS: u64 = (1 << (64 - NUMBER_BITS)) - 1;
/// The entries where a template may stand in the table.
const TRIES: usize = 16;
/// The first stripe of words that are those of exceptions.
const EXCEPTION_STRIPE: u64 = EXCEPTIONS << (NUMBER_BITS - STRIPE_BITS);

/// The templates of a run, and the texts that are exceptions; shared by all workers.
#[derive(Debug)]
pub struct TemplateTable {
    /// A template stands at the first entry free of those that its hash gives, and stays. One that
    /// found them all taken will never find another there: its texts are exceptions once and for all,
    /// whatever other threads do.
    table: Box<[OnceLock<Template>]>,
    /// Those of each partition, with a lock of its own.
    exceptions: Box<[Mutex<ExceptionTexts>]>,
}

/// The exceptions of a partition, and their slots in it.
type ExceptionTexts = HashMap<Box<[u8]>, u64>;

impl Default for TemplateTable {
    fn default() -> Self {
        Self {
            table: (0..TEMPLATES).map(|_| OnceLock::new()).collect(),
            exceptions: (0..PARTITIONS).map(|_| Mutex::default()).collect(),
        }
    }
}

/// How many texts are looked at to see whether they have few templates.
const SAMPLE: usize = 1000;
/// Few templates.
const FEW: usize = 32;

impl TemplateTable {
    /// Whether few templates are those of nearly all texts of some columns; none if no text is seen.
    pub fn fit<'a>(
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
            for row in (next..rows).step_by(step).filter(|&row| column.has_id(row)) {
                seen += 1;
                let template = TextWords::of(texts, row).and_then(Template::of);
                if let Some(number) = template.and_then(|template| self.number_of(&template)) {
                    *counts.entry(number).or_insert(0_usize) += 1;
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

    /// The number of a template, which is entered if new; none if its entries are taken.
    #[inline]
    fn number_of(&self, template: &Template) -> Option<usize> {
        let start = template.hash() as u32 as usize;
        let mut entries = (start..start + TRIES).map(|entry| entry % TEMPLATES);
        entries.find(|&number| self.table[number].get_or_init(|| *template) == template)
    }

    /// The template of a text, which is entered if new, and the word of that with the number 0.
    #[inline]
    fn numbered(&self, words: TextWords) -> Option<(&Template, u64)> {
        let number = self.number_of(&Template::of(words)?)?;
        Some((self.table[number].get()?, (number as u64) << NUMBER_BITS))
    }

    /// The word of a text; none if it is an exception.
    pub fn word(&self, texts: &Texts, row: usize) -> Option<u64> {
        let words = TextWords::of(texts, row)?;
        let (template, zero) = self.numbered(words)?;
        Some(zero | template.number(words)?)
    }

    /// The word of an exception, one of the partition that its hash belongs to.
    #[cold]
    fn exception_word(&self, text: &[u8]) -> u64 {
        let partition = partition_of_hash(Text::hash(text));
        let mut known = self.exceptions_of(partition);
        let slot = known.get(text).copied().unwrap_or_else(|| {
            let slot = known.len() as u64;
            known.insert(text.into(), slot);
            slot
        });
        word_of_slot(EXCEPTION_STRIPE, slot, partition)
    }

    fn exceptions_of(&self, partition: usize) -> MutexGuard<'_, ExceptionTexts> {
        self.exceptions[partition].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The texts of words, at the end of a run: exceptions move there.
    pub fn decoder(&self) -> Decoder<'_> {
        let exceptions = |partition| {
            let known = std::mem::take(&mut *self.exceptions_of(partition));
            let mut texts = vec![Box::default(); known.len()];
            known.into_iter().for_each(|(text, slot)| texts[slot as usize] = text);
            texts
        };
        Decoder {
            templates: self,
            plain: self.table.iter().map(|template| template.get().and_then(Plain::of)).collect(),
            exceptions: (0..PARTITIONS).map(exceptions).collect(),
        }
    }
}

/// Templates that a worker remembers.
const REMEMBERED: usize = 128;

/// Texts as words; remembers templates by the length and the first byte of their texts, so that a mix
/// of a few of them costs no more than one.
pub struct Encoder<'a> {
    templates: &'a TemplateTable,
    /// Templates, and the word of each with the number 0.
    known: [(&'a Template, u64); REMEMBERED],
}

impl<'a> Encoder<'a> {
    pub fn new(templates: &'a TemplateTable) -> Self {
        Self { templates, known: [(&Template::NONE, 0); REMEMBERED] }
    }

    /// The word of a text.
    #[inline]
    pub fn word(&mut self, texts: &Texts, row: usize) -> u64 {
        let view = texts.views[row];
        let (length, first) = (view as u32, (view >> 32) as u32);
        // Lengths up to eight apart, and first bytes that are digits, or the few letters that begin
        // the ids of one table, seldom meet.
        let entry = ((length << 4) | (first & 15)) as usize % REMEMBERED;
        let (template, zero) = self.known[entry];
        if length == template.length {
            let number = if length <= 12 {
                template.number(TextWords::short(view))
            } else {
                TextWords::long(texts.get(row)).and_then(|words| template.number(words))
            };
            if let Some(number) = number {
                return zero | number;
            }
        }
        self.word_of_template(texts, row, entry)
    }

    #[inline(never)]
    fn word_of_template(&mut self, texts: &Texts, row: usize, entry: usize) -> u64 {
        let known = TextWords::of(texts, row).and_then(|words| {
            self.known[entry] = self.templates.numbered(words)?;
            let (template, zero) = self.known[entry];
            Some(zero | template.number(words)?)
        });
        known.unwrap_or_else(|| self.templates.exception_word(texts.get(row)))
    }
}

/// How the numbers of a template are integers, if its texts are plain integers.
#[derive(Debug, Clone, Copy)]
struct Plain {
    /// A text with a smaller number begins with a zero that it could do without.
    least: u64,
    /// The size of the integer of number 0.
    base: i128,
    sign: i128,
}

impl Plain {
    fn of(template: &Template) -> Option<Self> {
        let mut text = [0; LONGEST];
        template.write(0, &mut text[..template.length as usize]);
        let prefix = &text[..(template.length - template.digits) as usize];
        let (sign, first) = match prefix {
            [b'-', first @ ..] => (-1, first),
            first => (1, first),
        };
        let (least, base) = match first {
            // The one digit 0 is plain, but not after a minus.
            [] if template.digits == 1 => (u64::from(sign < 0), 0),
            [] => (10_u64.pow(template.digits - 1), 0),
            [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {
                let value = |value, digit: &u8| value * 10 + i128::from(digit - b'0');
                (0, first.iter().fold(0, value) * 10_i128.pow(template.digits))
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
pub struct Decoder<'a> {
    templates: &'a TemplateTable,
    plain: Vec<Option<Plain>>,
    exceptions: Vec<Vec<Box<[u8]>>>,
}

impl Decoder<'_> {
    /// The template and the number of a word; none if its text is an exception.
    #[inline]
    pub fn split(&self, word: u64) -> Option<(&Template, u64)> {
        Some((self.templates.table.get(template_in(word))?.get()?, number_in(word)))
    }

    /// Call `with` for the text of a word.
    #[inline]
    pub fn with_text<T>(&self, word: u64, with: impl FnOnce(&[u8]) -> T) -> T {
        if let Some((template, number)) = self.split(word) {
            let mut text = [0; LONGEST];
            let text = &mut text[..template.length as usize];
            template.write(number, text);
            with(text)
        } else {
            let slot = slot_of_word(EXCEPTION_STRIPE, word) as usize;
            with(&self.exceptions[partition_of_word(word)][slot])
        }
    }

    /// The integer of a word whose text is a plain one.
    #[inline]
    pub fn integer(&self, word: u64) -> Option<i64> {
        match self.plain.get(template_in(word)) {
            Some(plain) => (*plain)?.integer(number_in(word)),
            None => self.with_text(word, plain_integer),
        }
    }
}

/// Whether two words are of one template.
pub fn same_template(a: u64, b: u64) -> bool {
    template_in(a) == template_in(b)
}

#[inline]
fn template_in(word: u64) -> usize {
    (word >> NUMBER_BITS) as usize
}

/// The number in a word.
#[inline]
pub fn number_in(word: u64) -> u64 {
    word & ((1 << NUMBER_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::columns::view_of;

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
    fn words(templates: &TemplateTable, texts: &[String]) -> Vec<u64> {
        with_column(texts, |column| {
            let IdValues::Texts(texts) = &column.values else { unreachable!() };
            let mut encoder = Encoder::new(templates);
            (0..texts.views.len()).map(|row| encoder.word(texts, row)).collect()
        })
    }

    /// What stands before the last digits of a text, sixteen at most, and how many they are.
    fn template_of(text: &str) -> Option<(&str, usize)> {
        let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count().min(16);
        let usual = digits > 0 && text.len() <= 32;
        usual.then(|| (&text[..text.len() - digits], digits))
    }

    /// Texts of few templates and of any, some with the neighbours of digits among their bytes.
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
            let templates = TemplateTable::default();
            let words = words(&templates, &texts);
            let distinct: HashSet<&String> = texts.iter().collect();
            let distinct_words: HashSet<u64> = words.iter().copied().collect();
            prop_assert_eq!(distinct.len(), distinct_words.len());
            let decoder = templates.decoder();
            for (text, &word) in texts.iter().zip(&words) {
                prop_assert_eq!(decoder.with_text(word, <[u8]>::to_vec), text.as_bytes());
                prop_assert_eq!(decoder.integer(word), plain_integer(text.as_bytes()), "{}", text);
                let split = decoder.split(word).map(|(template, number)| {
                    let digits = template.digits as usize;
                    (text.split_at(template.length as usize - digits), number)
                });
                let expected = template_of(text).map(|(prefix, digits)| {
                    let last = &text[text.len() - digits..];
                    ((prefix, last), last.parse().unwrap())
                });
                prop_assert_eq!(split, expected);
            }
        }
    }

    /// Far more templates than can be numbered, met by several threads in orders of their own.
    #[test]
    fn a_text_has_one_word_whoever_meets_it_first() {
        let texts: Vec<String> =
            (0..6_000).map(|i| format!("{:x}-{}", i % 3_000 * 7_919, i % 3)).collect();
        let templates = TemplateTable::default();
        let rotated = |turn: usize| {
            let mut texts = texts.clone();
            texts.rotate_left(turn);
            texts
        };
        let found: Vec<Vec<u64>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|worker| rotated(worker * 1_500))
                .map(|texts| scope.spawn(|| (words(&templates, &texts), texts)))
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
        let decoder = templates.decoder();
        let odd = found[0].iter().filter(|&&word| decoder.split(word).is_none()).count();
        assert!((3_000..5_500).contains(&odd), "{odd} odd texts");
        for (text, &word) in texts.iter().zip(&found[0]) {
            assert_eq!(decoder.with_text(word, <[u8]>::to_vec), text.as_bytes());
        }
    }

    #[test]
    fn what_stands_in_a_view_after_its_text_is_not_looked_at() {
        let view = |rest: u128| view_of(b"C07", 0, 0) | rest << 56;
        let texts = Texts { views: &[view(0), view(0x39), view(u128::MAX >> 56)], buffers: vec![] };
        let templates = TemplateTable::default();
        let words: HashSet<u64> =
            (0..3).map(|row| Encoder::new(&templates).word(&texts, row)).collect();
        assert_eq!(words.len(), 1);
    }

    #[test]
    fn columns_of_few_shapes_suit() {
        let fits = |odd: usize, text: fn(usize) -> String| {
            let text = |i| if i % 100 < odd { format!("odd-{i}-") } else { text(i) };
            let texts: Vec<String> = (0..2_100).map(text).collect();
            with_column(&texts, |column| TemplateTable::default().fit([column].into_iter()))
                .expect("there are texts")
        };
        assert!(fits(0, |i| format!("C{i:09}")));
        assert!(fits(5, |i| format!("customer-{i:011}")));
        assert!(!fits(7, |i| format!("customer-{i:011}")));
        assert!(fits(0, |i| i.to_string()));
        assert!(fits(0, |i| format!("{}-{i:05}", i % 32)));
        assert!(!fits(0, |i| format!("{}-{i:05}", i % 64)));
        for none in [vec![], vec![String::new(); 100]] {
            let fit =
                with_column(&none, |column| TemplateTable::default().fit([column].into_iter()));
            assert_eq!(fit, None);
        }
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
                    TemplateTable::default().fit(columns.chain(std::iter::repeat_n(good, goods)))
                })
            })
        };
        assert_eq!([judged(1, 1), judged(2, 1), judged(0, 0)], [Some(true), Some(false), None]);
        assert_eq!([judged(90, 100), judged(110, 100)], [Some(true), Some(false)]);
    }
}
