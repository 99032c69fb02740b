//! Client ids as they come out: ascending.

use std::cmp::Ordering;
use std::mem::take;

use rayon::prelude::*;

use super::batch::view_bytes;
use super::columns::{write_pages, write_rows};
use super::keys::{Integer, Key, Text, view_of};
use super::ordering::{Buckets, Place};
use super::output::{Asked, FactColumn, Ids};
use super::partition::Partition;
use super::read_ids::Signedness;
use super::shapes::Shapes;
use super::text_order::{shared_bytes, text_key};
use crate::error::Result;

/// How ids come out.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdOutput<'a> {
    pub signedness: Signedness,
    /// The shapes of text ids that were read as words.
    pub shapes: &'a Shapes,
    /// Whether texts that are all plain integers become integers.
    pub plain_integers: bool,
}

/// Ids, statuses where they are asked for, and facts: row by row, ascending by id.
pub(super) type Columns = (Ids, Option<Vec<u8>>, Vec<FactColumn>);

/// How the ids of a kind are ordered and shown.
pub(super) trait SortKey: Key {
    /// Write the rows of all clients that are shown.
    ///
    /// # Errors
    /// If the ids are too long to be written.
    fn columns<O: Key>(
        partitions: &mut [Partition<Self, O>],
        asked: &Asked,
        output: IdOutput,
    ) -> Result<Columns>
    where
        Self: Sized;

    /// The partitions of a run that goes over from words of texts to texts.
    fn in_texts<O: Key>(_: Vec<Partition<Self, O>>, _: &Shapes) -> Vec<Partition<Text, O>>
    where
        Self: Sized,
    {
        unreachable!("asked of numbered texts only")
    }
}

impl SortKey for Integer {
    fn columns<O: Key>(
        partitions: &mut [Partition<Self, O>],
        asked: &Asked,
        output: IdOutput,
    ) -> Result<Columns> {
        match output.signedness {
            Signedness::Signed => {
                let (ids, status, facts) = number_columns(partitions, asked, signed);
                Ok((Ids::Signed(ids), status, facts))
            }
            Signedness::Unsigned | Signedness::Bits => {
                let (ids, status, facts) = number_columns(partitions, asked, |number| number);
                Ok((Ids::Unsigned(ids), status, facts))
            }
        }
    }
}

/// The rows of clients whose ids are numbers, ascending, each with what `id` makes of its number.
pub(super) fn number_columns<C: Key<Stored = u64>, O: Key, T: Copy + Default + Send>(
    partitions: &mut [Partition<C, O>],
    asked: &Asked,
    id: impl Fn(u64) -> T + Sync,
) -> (Vec<T>, Option<Vec<u8>>, Vec<FactColumn>) {
    if let Some(near) = partitions.first().and_then(|partition| partition.near.as_ref()) {
        return write_pages(partitions, asked, &near.pages().collect::<Vec<_>>(), id);
    }
    let rows = Buckets::fill(partitions, false, |core| asked.shows(core), |_, number| number);
    write_rows(partitions, asked, &rows, |_, _| Ordering::Equal, |row| id(row.key))
}

/// The rows of clients whose ids all stand for an integer, ascending by it.
pub(super) fn integer_columns<C: Key, O: Key>(
    partitions: &mut [Partition<C, O>],
    asked: &Asked,
    integer: impl Fn(&Partition<C, O>, C::Stored) -> Option<i64> + Sync,
) -> Columns {
    let key = |partition: &_, id| integer(partition, id).unwrap_or(0) as u64 ^ 1 << 63;
    let rows = Buckets::fill(partitions, false, |core| asked.shows(core), key);
    let (ids, status, facts) =
        write_rows(partitions, asked, &rows, |_, _| Ordering::Equal, |row| signed(row.key));
    (Ids::Signed(ids), status, facts)
}

/// The signed integer of a key whose sign bit is flipped.
fn signed(key: u64) -> i64 {
    (key ^ 1 << 63) as i64
}

impl SortKey for Text {
    fn columns<O: Key>(
        partitions: &mut [Partition<Self, O>],
        asked: &Asked,
        output: IdOutput,
    ) -> Result<Columns> {
        // Of every client, shown or not: the type of the ids must not depend on who is.
        let plain = output.plain_integers
            && partitions.par_iter().all(|partition| {
                partition.clients.iter().all(|client| number_of(partition, client.id).is_some())
            });
        if plain {
            return Ok(integer_columns(partitions, asked, number_of));
        }
        partitions.iter().try_for_each(Partition::check)?;
        let shared = shared_prefix(partitions);
        let mut rows = Buckets::fill(
            partitions,
            true,
            |core| asked.shows(core),
            |partition, id| text_key(&bytes_of(&id, &partition.arena)[shared..]),
        );
        let kept = &*partitions;
        rows.split_crowded(|place| {
            let partition = &kept[place.partition as usize];
            bytes_of(&partition.clients[place.client as usize].id, &partition.arena)
        });
        let id_at = |place: Place| {
            let partition = &partitions[place.partition as usize];
            (partition.clients[place.client as usize].id, partition)
        };
        let long_at = |place: Place| {
            let (id, partition) = id_at(place);
            Text::long(id, &partition.arena)
        };
        let (views, status, facts) = write_rows(
            partitions,
            asked,
            &rows,
            |a, b| long_at(a).cmp(long_at(b)),
            |row| {
                let (id, partition) = id_at(row.place);
                if id as u32 <= 12 {
                    return id;
                }
                view_of(Text::long(id, &partition.arena), row.place.partition, (id >> 64) as u32)
            },
        );
        // A partition's arena becomes the buffer of the same number.
        let buffers = partitions.iter_mut().map(|partition| take(&mut partition.arena)).collect();
        Ok((Ids::Texts { views, buffers }, status, facts))
    }
}

/// The bytes of a kept text.
#[inline]
fn bytes_of<'a>(id: &'a u128, arena: &'a [u8]) -> &'a [u8] {
    if *id as u32 <= 12 {
        &view_bytes(id)[4..4 + *id as u32 as usize]
    } else {
        Text::long(*id, arena)
    }
}

/// How many bytes the texts of all clients begin with in common.
fn shared_prefix<O: Key>(partitions: &[Partition<Text, O>]) -> usize {
    let Some((partition, client)) = partitions
        .iter()
        .find_map(|partition| partition.clients.first().map(|client| (partition, client)))
    else {
        return 0;
    };
    let first = bytes_of(&client.id, &partition.arena);
    let shared_with_first = |partition: &Partition<Text, O>| {
        partition.clients.iter().fold(first.len(), |shared, client| {
            shared_bytes(first, bytes_of(&client.id, &partition.arena), shared)
        })
    };
    partitions.par_iter().map(shared_with_first).min().unwrap_or(0)
}

/// The number of a text id that is a plain integer.
fn number_of<O: Key>(partition: &Partition<Text, O>, id: u128) -> Option<i64> {
    plain_integer(bytes_of(&id, &partition.arena))
}

/// A text such as `-12` or `0`, of which each number has exactly one.
pub(crate) fn plain_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if plain { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}
