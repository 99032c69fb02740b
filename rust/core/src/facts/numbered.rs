//! Text ids as words of 64 bits: read, kept and sorted as integers are, and written as texts again.

use std::cmp::Ordering;
use std::mem::take;
use std::ops::Range;

use rayon::prelude::*;

use super::batch::{Column, IdValues};
use super::keys::{Buffers, Key, Text, view_of};
use super::normalise::{KeyArrays, ReadKey, Reading, Reason, USED, mark, mixed_ids};
use super::ordering::{Buckets, Place};
use super::output::{Asked, Columns, IdOutput, Ids, SortKey, signed, write_rows};
use super::partition::{Client, Partition};
use super::shapes::{Coder, Dictionary, Shape, number_in, same_shape};
use crate::error::Result;
use crate::hash::hash_word;

/// A text as the word of its shape and number.
pub(super) struct NumberedText;

impl Key for NumberedText {
    type Row = u64;
    type Stored = u64;

    const WHOLE: bool = true;

    #[inline]
    fn matches(stored: u64, row: u64, _: &[u8], _: &Buffers) -> bool {
        stored == row
    }
    #[inline]
    fn store(row: u64, _: &mut Vec<u8>, _: &Buffers) -> u64 {
        row
    }
    #[inline]
    fn hash_row(row: u64, _: &Buffers) -> u64 {
        hash_word(row)
    }
    #[inline]
    fn hash_stored(stored: u64, _: &[u8]) -> u64 {
        hash_word(stored)
    }
    #[inline]
    fn compare(a: u64, b: u64, _: &[u8]) -> Ordering {
        a.cmp(&b)
    }
    #[inline]
    fn store_again(stored: u64, _: &[u8], _: &mut Vec<u8>) -> u64 {
        stored
    }
}

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
            out.hashes[i] = hash_word(out.rows[i]);
        }
        Ok(())
    }

    fn from_bytes(_: &[u8], _: u32, _: u32) -> u64 {
        unreachable!("encoded orders are texts")
    }
}

impl SortKey for NumberedText {
    fn columns<O: Key>(
        partitions: &mut [Partition<Self, O>],
        asked: &Asked,
        output: IdOutput,
    ) -> Columns {
        let dictionary = output.shapes.dictionary();
        let no_tie = |_: Place, _: Place| Ordering::Equal;
        // Of every client, shown or not: the type of the ids must not depend on who is.
        let plain = output.plain_integers
            && partitions.par_iter().all(|partition| {
                partition.clients.iter().all(|client| dictionary.integer(client.id).is_some())
            });
        if plain {
            let integer = |_: &_, word| dictionary.integer(word).unwrap_or(0) as u64 ^ 1 << 63;
            let rows = Buckets::fill(partitions, false, |core| asked.shows(core), integer);
            let (ids, status, facts) =
                write_rows(partitions, asked, &rows, no_tie, |row| signed(row.key));
            return (Ids::Signed(ids), status, facts);
        }
        if let Some(shape) = only_shape(partitions, &dictionary) {
            // Texts of one shape are ordered as their numbers are.
            let rows = Buckets::fill(partitions, false, |core| asked.shows(core), |_, word| word);
            let id = |word| unfinished_view(shape, number_in(word));
            let (mut views, status, facts) =
                write_rows(partitions, asked, &rows, no_tie, |row| id(row.key));
            let buffers = finish_views(&mut views, shape);
            return (Ids::Texts { views, buffers }, status, facts);
        }
        let mut texts: Vec<Partition<Text, O>> = partitions
            .par_iter_mut()
            .map(|partition| with_texts(partition, asked, &dictionary))
            .collect();
        Text::columns(&mut texts, asked, IdOutput { plain_integers: false, ..output })
    }
}

/// The shape of all clients, if it is one.
fn only_shape<'a, O: Key>(
    partitions: &[Partition<NumberedText, O>],
    dictionary: &'a Dictionary,
) -> Option<&'a Shape> {
    let first = partitions.iter().find_map(|partition| partition.clients.first())?.id;
    let (shape, _) = dictionary.shaped(first)?;
    let same = |client: &Client<u64>| same_shape(client.id, first);
    partitions.par_iter().all(|partition| partition.clients.iter().all(same)).then_some(shape)
}

/// The clients of a partition, and what output needs to know of them, with their ids as texts.
fn with_texts<O: Key>(
    partition: &mut Partition<NumberedText, O>,
    asked: &Asked,
    dictionary: &Dictionary,
) -> Partition<Text, O> {
    let mut texts = Partition::new(asked.plan);
    texts.scoped = take(&mut partition.scoped);
    let clients = take(&mut partition.clients).into_iter();
    texts.clients = clients
        .map(|Client { id, core }| {
            let store = |text: &[u8]| Text::store(view_of(text, 0, 0), &mut texts.arena, &[text]);
            Client { id: dictionary.with_text(id, store), core }
        })
        .collect();
    texts
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
        // The text is followed by zeros, as it has to be in a view.
        let text = shape.text(number);
        let (text, _) = text.split_first_chunk().expect("there are 32 bytes");
        u128::from(shape.length) | u128::from_le_bytes(*text) << 32
    } else {
        u128::from(number) << 64
    }
}

/// Write the long texts of views, one after the other, and where each stands.
fn finish_views(views: &mut [u128], shape: &Shape) -> Vec<Vec<u8>> {
    let length = shape.length as usize;
    if length <= INLINE {
        return Vec::new();
    }
    let write = |number: usize, views: &mut [u128]| {
        let mut bytes = vec![0; views.len() * length];
        let blocks = views.par_chunks_mut(BLOCK).zip(bytes.par_chunks_mut(BLOCK * length));
        blocks.enumerate().for_each(|(block, (views, bytes))| {
            let starts = (block * BLOCK * length..).step_by(length);
            for ((view, bytes), start) in
                views.iter_mut().zip(bytes.chunks_exact_mut(length)).zip(starts)
            {
                bytes.copy_from_slice(&shape.text((*view >> 64) as u64)[..length]);
                *view = view_of(bytes, number as u32, start as u32);
            }
        });
        bytes
    };
    views
        .chunks_mut(BUFFER / length)
        .enumerate()
        .map(|(number, views)| write(number, views))
        .collect()
}
