//! Text ids as words of 64 bits: read, kept and sorted as integers are, and written as texts again.

use std::mem::replace;
use std::ops::Range;

use rayon::prelude::*;

use super::batch::{Column, IdValues};
use super::client::Client;
use super::ids::{Columns, IdOutput, SortKey, integer_columns, number_columns};
use super::keys::{Key, Text, WordKey, view_of};
use super::output::{Asked, Ids};
use super::partition::Partition;
use super::read_ids::{KeyArrays, ReadKey, Reading, mixed_ids};
use super::reason::{Reason, USED, mark};
use super::shape::Shape;
use super::shapes::{Coder, Dictionary, Shapes, number_in, same_shape};
use crate::error::Result;

/// A text as the word of its shape and number.
pub(super) struct NumberedText;

impl WordKey for NumberedText {}

/// Long texts are asked for this many rows before they are read.
const AHEAD: usize = 16;

impl ReadKey for NumberedText {
    fn read(
        column: &Column<IdValues>,
        rows: Range<usize>,
        reading: Reading,
        out: &mut KeyArrays<u64>,
    ) -> Result<()> {
        let IdValues::Texts(texts) = &column.values else {
            return Err(mixed_ids());
        };
        if column.validity.is_some() {
            mark(out.fate, Reason::Client, |i| !column.is_valid(rows.start + i));
        }
        let mut coder = Coder::new(reading.shapes);
        for (i, row) in rows.enumerate() {
            texts.ask_for(row + AHEAD);
            let used = out.fate[i] == USED;
            out.rows[i] = if used { coder.word(texts, row) } else { 0 };
        }
        Ok(())
    }

    fn from_bytes(_: &[u8], _: u32, _: u32) -> u64 {
        unreachable!("encoded orders are texts")
    }
}

impl SortKey for NumberedText {
    /// The partitions of a run that goes over from words to texts.
    ///
    /// Clients stay in the partitions that their words belong to, where all that is known of them is:
    /// texts with a shape have to be sent there from now on ([`Reading::by_shape`]). Odd texts go by
    /// their hash anyway.
    fn in_texts<O: Key>(
        partitions: Vec<Partition<Self, O>>,
        shapes: &Shapes,
    ) -> Vec<Partition<Text, O>> {
        let dictionary = shapes.dictionary();
        let in_texts = |partition| {
            let mut texts = with_texts(partition, &dictionary);
            texts.index();
            texts
        };
        partitions.into_par_iter().map(in_texts).collect()
    }

    fn columns<O: Key>(
        partitions: &mut [Partition<Self, O>],
        asked: &Asked,
        output: IdOutput,
    ) -> Result<Columns> {
        let dictionary = output.shapes.dictionary();
        let keep_by_hash = |partitions: &mut [Partition<Self, O>]| {
            let partitions = partitions.par_iter_mut().enumerate();
            partitions.for_each(|(number, partition)| partition.keep_by_hash(number, asked.plan));
        };
        // Of every client, shown or not: the type of the ids must not depend on who is.
        let plain = output.plain_integers
            && partitions.par_iter().enumerate().all(|(number, partition)| {
                let mut plain = true;
                partition.each_id(number, |word| plain &= dictionary.integer(word).is_some());
                plain
            });
        if plain {
            keep_by_hash(partitions);
            return Ok(integer_columns(partitions, asked, |_, word| dictionary.integer(word)));
        }
        if let Some(shape) = only_shape(partitions, &dictionary) {
            // Texts of one shape are ordered as their numbers are.
            let (mut views, status, facts) =
                number_columns(partitions, asked, |word| unfinished_view(shape, number_in(word)));
            let buffers = finish_views(&mut views, shape, BUFFER);
            return Ok((Ids::Texts { views, buffers }, status, facts));
        }
        keep_by_hash(partitions);
        let mut texts: Vec<Partition<Text, O>> = partitions
            .par_iter_mut()
            .map(|partition| {
                let partition = replace(partition, Partition::new(asked.plan));
                with_texts(partition, &dictionary)
            })
            .collect();
        Text::columns(&mut texts, asked, IdOutput { plain_integers: false, ..output })
    }
}

/// The shape of all clients, if it is one.
fn only_shape<'a, O: Key>(
    partitions: &[Partition<NumberedText, O>],
    dictionary: &'a Dictionary,
) -> Option<&'a Shape> {
    if let Some(near) = partitions.first().and_then(|partition| partition.near.as_ref()) {
        // Words of two shapes are never near each other, so any word within reach will do.
        return dictionary.shaped(near.number(0, 0)).map(|(shape, _)| shape);
    }
    let first = partitions.iter().find_map(|partition| partition.clients.first())?.id;
    let (shape, _) = dictionary.shaped(first)?;
    let same = |client: &Client<u64>| same_shape(client.id, first);
    partitions.par_iter().all(|partition| partition.clients.iter().all(same)).then_some(shape)
}

/// A partition of clients found by hash, with their ids as texts.
fn with_texts<O: Key>(
    partition: Partition<NumberedText, O>,
    dictionary: &Dictionary,
) -> Partition<Text, O> {
    partition.with_ids(|word, arena| match dictionary.shaped(word) {
        Some((shape, number)) if shape.length as usize <= INLINE => unfinished_view(shape, number),
        _ => dictionary.with_text(word, |text| Text::store(view_of(text, 0, 0), arena, &[text])),
    })
}

/// Texts of up to so many bytes stand in their views.
const INLINE: usize = 12;
/// Bytes of a buffer of long texts, at most.
const BUFFER: usize = 1 << 30;
/// Long texts written by one worker at a time.
const BLOCK: usize = 4096;

/// The view of a text that stands in it whole; of a longer one the number, in its upper half.
#[inline]
fn unfinished_view(shape: &Shape, number: u64) -> u128 {
    let length = shape.length as usize;
    if length <= INLINE {
        u128::from(shape.length) | shape.short(number) << 32
    } else {
        u128::from(number) << 64
    }
}

/// Write the long texts of views into buffers of so many bytes at most, and where each stands.
fn finish_views(views: &mut [u128], shape: &Shape, buffer: usize) -> Vec<Vec<u8>> {
    let length = shape.length as usize;
    if length <= INLINE {
        return Vec::new();
    }
    let write = |(number, views): (usize, &mut [u128])| {
        let mut bytes = vec![0; views.len() * length];
        let blocks = views.par_chunks_mut(BLOCK).zip(bytes.par_chunks_mut(BLOCK * length));
        blocks.enumerate().for_each(|(block, (views, bytes))| {
            let starts = (block * BLOCK * length..).step_by(length);
            let texts = bytes.chunks_exact_mut(length).zip(starts);
            for (view, (bytes, start)) in views.iter_mut().zip(texts) {
                shape.write((*view >> 64) as u64, bytes);
                *view = view_of(bytes, number as u32, start as u32);
            }
        });
        bytes
    };
    views.chunks_mut(buffer / length).enumerate().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::super::batch::Texts;
    use super::*;

    /// Texts of all lengths, over several blocks and, if long, several buffers.
    #[test]
    fn views_of_one_shape_are_those_of_its_texts() {
        for length in 1..=32_usize {
            let digits = length.min(16).min(1 + length / 2);
            let prefix = &"an id of a client's household    "[..length - digits];
            let text = |number: u64| {
                let number = (number * 77_777_777_777) % 10_u64.pow(digits as u32);
                format!("{prefix}{number:0digits$}").into_bytes()
            };
            let shapes = Shapes::default();
            let mut coder = Coder::new(&shapes);
            let word = |number| {
                let text = text(number);
                let texts = Texts { views: &[view_of(&text, 0, 0)], buffers: vec![&text] };
                coder.word(&texts, 0)
            };
            let words: Vec<u64> = (0..10_000).map(word).collect();
            let dictionary = shapes.dictionary();
            let (shape, _) = dictionary.shaped(words[0]).unwrap();
            assert!(words.iter().all(|&word| same_shape(word, words[0])));
            let mut views: Vec<u128> =
                words.iter().map(|&word| unfinished_view(shape, number_in(word))).collect();
            let buffers = finish_views(&mut views, shape, 100_000);
            assert_eq!(
                buffers.len(),
                if length > 12 { (10_000 * length).div_ceil(100_000 / length * length) } else { 0 }
            );
            let buffers = buffers.iter().map(Vec::as_slice).collect();
            let written = Texts { views: &views, buffers };
            for (row, number) in (0..10_000).enumerate() {
                assert_eq!(written.get(row), text(number));
                if length <= 12 {
                    assert_eq!(views[row], view_of(&text(number), 0, 0));
                }
            }
        }
    }
}
