//! Rows of clients whose ids are texts that were read as words.

use super::blocks::OutputColumns;
use super::output_spec::OutputSpec;
use super::text_rows::text_rows;
use super::word_rows::{rows_by_integer, word_rows};
use crate::columns::{Ids, view_of};
use crate::error::Result;
use crate::facts::key::{Key, Text, Word};
use crate::facts::partition::ScopeState;
use crate::facts::store::{ClientStore, DirectStore, HashedStore};
use crate::facts::text_ids::{Decoder, Template, TemplateTable, number_in, same_template};
use crate::threads::{all, for_each, map_each};

/// The rows of clients, ascending by the bytes of their texts, or by their numbers if `plain_integers`
/// and all of them are that.
///
/// # Errors
/// If the ids are too long to be written.
pub fn encoded_rows(
    stores: Vec<ClientStore<Word>>,
    mut scopes: Vec<Vec<ScopeState>>,
    output: &OutputSpec,
    templates: &TemplateTable,
    plain_integers: bool,
) -> Result<OutputColumns<Ids>> {
    let decoder = templates.decoder();
    // Of every client, shown or not: the type of the ids must not depend on who is.
    let is_plain = |partition: usize, store: &ClientStore<Word>| {
        let mut plain = true;
        store.each(partition, |_, word, _| plain &= decoder.integer(word).is_some());
        plain
    };
    if plain_integers && all(&stores, is_plain) {
        return Ok(rows_by_integer(stores, &scopes, output, |_, word| decoder.integer(word)));
    }
    if let Some(template) = only_template(&stores, &decoder) {
        // Texts of one template are ordered as their numbers are.
        let columns =
            word_rows(stores, &scopes, output, |word| unfinished_view(template, number_in(word)));
        return Ok(columns.map_ids(|mut views| {
            let buffers = finish_views(&mut views, template, BUFFER);
            Ids::Texts { views, buffers }
        }));
    }
    let stores = map_each(stores.into_iter().zip(&mut scopes), |partition, (store, scopes)| {
        ClientStore::Hashed(texts_of(hashed(store, partition, scopes), &decoder))
    });
    text_rows(stores, &scopes, output, false)
}

/// Clients found by hash, and what is kept of them beside in the same order.
fn hashed(
    store: ClientStore<Word>,
    partition: usize,
    scopes: &mut [ScopeState],
) -> HashedStore<Word> {
    match store {
        ClientStore::Hashed(hashed) => hashed,
        ClientStore::Direct(direct) => {
            let (hashed, clients) = direct.to_hashed(partition);
            for scope in scopes.iter_mut().filter(|scope| !scope.orders.is_empty()) {
                let count = hashed.clients.len();
                scope.move_orders(count, |slot| clients[slot as usize] as usize);
            }
            hashed
        }
    }
}

/// The template of all clients, if it is one.
fn only_template<'a>(stores: &[ClientStore<Word>], decoder: &'a Decoder) -> Option<&'a Template> {
    let first = stores.iter().find_map(|store| match store {
        // Words of two templates are too far apart for one table, so any of its words will do.
        ClientStore::Direct(direct) => Some(direct.id(0, 0)),
        ClientStore::Hashed(hashed) => hashed.clients.first().map(|client| client.id),
    })?;
    let (template, _) = decoder.split(first)?;
    let is_same = |_, store: &ClientStore<Word>| match store {
        ClientStore::Direct(_) => true,
        ClientStore::Hashed(hashed) => {
            hashed.clients.iter().all(|client| same_template(client.id, first))
        }
    };
    all(stores, is_same).then_some(template)
}

/// The same clients with their ids as texts.
pub fn texts_of(words: HashedStore<Word>, decoder: &Decoder) -> HashedStore<Text> {
    words.with_ids(|word, arena| match decoder.split(word) {
        Some((template, number)) if template.length as usize <= INLINE => {
            unfinished_view(template, number)
        }
        _ => decoder.with_text(word, |text| Text::store(view_of(text, 0, 0), arena, &[text])),
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
fn unfinished_view(template: &Template, number: u64) -> u128 {
    let length = template.length as usize;
    if length <= INLINE {
        u128::from(template.length) | template.short(number) << 32
    } else {
        u128::from(number) << 64
    }
}

/// Write the long texts of views into buffers of so many bytes at most, and where each stands.
fn finish_views(views: &mut [u128], template: &Template, buffer: usize) -> Vec<Vec<u8>> {
    let length = template.length as usize;
    if length <= INLINE {
        return Vec::new();
    }
    let write = |(number, views): (usize, &mut [u128])| {
        let mut bytes = vec![0; views.len() * length];
        let blocks = views.chunks_mut(BLOCK).zip(bytes.chunks_mut(BLOCK * length));
        for_each(blocks, |block, (views, bytes)| {
            let starts = (block * BLOCK * length..).step_by(length);
            let texts = bytes.chunks_exact_mut(length).zip(starts);
            for (view, (bytes, start)) in views.iter_mut().zip(texts) {
                template.write((*view >> 64) as u64, bytes);
                *view = view_of(bytes, number as u32, start as u32);
            }
        });
        bytes
    };
    views.chunks_mut(buffer / length).enumerate().map(write).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Texts;
    use crate::facts::text_ids::{Encoder, TemplateTable};

    /// Texts of all lengths, over several blocks and, if long, several buffers.
    #[test]
    fn views_of_one_template_are_those_of_its_texts() {
        for length in 1..=32_usize {
            let digits = length.min(16).min(1 + length / 2);
            let prefix = &"an id of a client's household    "[..length - digits];
            let text = |number: u64| {
                let number = (number * 77_777_777_777) % 10_u64.pow(digits as u32);
                format!("{prefix}{number:0digits$}").into_bytes()
            };
            let templates = TemplateTable::default();
            let mut encoder = Encoder::new(&templates);
            let word = |number| {
                let text = text(number);
                let texts = Texts { views: &[view_of(&text, 0, 0)], buffers: vec![&text] };
                encoder.word(&texts, 0)
            };
            let words: Vec<u64> = (0..10_000).map(word).collect();
            let decoder = templates.decoder();
            let (template, _) = decoder.split(words[0]).unwrap();
            assert!(words.iter().all(|&word| same_template(word, words[0])));
            let mut views: Vec<u128> =
                words.iter().map(|&word| unfinished_view(template, number_in(word))).collect();
            let buffers = finish_views(&mut views, template, 100_000);
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
