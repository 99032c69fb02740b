//! Rows of clients whose ids are texts.

use std::mem::take;

use super::blocks::{OutputColumns, write_buckets};
use super::buckets::Buckets;
use super::client_row::ClientRef;
use super::output_spec::OutputSpec;
use super::text_order::{shared_bytes, text_key};
use super::word_rows::rows_by_integer;
use crate::columns::{Ids, plain_integer, view_of};
use crate::error::Result;
use crate::facts::key::Text;
use crate::facts::partition::ScopeState;
use crate::facts::store::{ClientStore, HashedStore};
use crate::threads::{all, map_each};

/// The rows of clients, ascending by the bytes of their texts, or by their numbers if `plain_integers`
/// and all of them are that.
///
/// # Errors
/// If the ids are too long to be written.
pub fn text_rows(
    mut stores: Vec<ClientStore<Text>>,
    scopes: &[Vec<ScopeState>],
    output: &OutputSpec,
    plain_integers: bool,
) -> Result<OutputColumns<Ids>> {
    // Of every client, shown or not: the type of the ids must not depend on who is.
    let is_plain = |_, store: &ClientStore<Text>| {
        store.hashed().clients.iter().all(|client| integer_of(store, client.id).is_some())
    };
    if plain_integers && all(&stores, is_plain) {
        return Ok(rows_by_integer(stores, scopes, output, integer_of));
    }
    stores.iter().try_for_each(ClientStore::check)?;
    let shared = shared_prefix(&stores);
    let mut rows = Buckets::fill(
        &mut stores,
        true,
        |state| output.shows(state),
        |store, id| text_key(&Text::bytes(&id, &store.hashed().arena)[shared..]),
    );
    let store_of = |client: ClientRef| stores[client.partition as usize].hashed();
    let id_of = |client: ClientRef| store_of(client).clients[client.slot as usize].id;
    rows.split_crowded(|client| {
        let store = store_of(client);
        Text::bytes(&store.clients[client.slot as usize].id, &store.arena)
    });
    let long = |client: ClientRef| Text::long(id_of(client), &store_of(client).arena);
    let columns = write_buckets(
        &rows,
        scopes,
        output,
        |a, b| long(a).cmp(long(b)),
        |row| {
            let id = id_of(row.client);
            if id as u32 <= 12 {
                return id;
            }
            view_of(long(row.client), row.client.partition, (id >> 64) as u32)
        },
    );
    // A partition's arena becomes the buffer of the same number.
    let buffers = stores.iter_mut().map(|store| take(&mut store.hashed_mut().arena)).collect();
    Ok(columns.map_ids(|views| Ids::Texts { views, buffers }))
}

/// How many bytes the texts of all clients begin with in common.
fn shared_prefix(stores: &[ClientStore<Text>]) -> usize {
    let stores: Vec<&HashedStore<Text>> = stores.iter().map(ClientStore::hashed).collect();
    let Some((store, client)) =
        stores.iter().find_map(|store| store.clients.first().map(|client| (store, client)))
    else {
        return 0;
    };
    let first = Text::bytes(&client.id, &store.arena);
    let shared_with_first = |_, store: &HashedStore<Text>| {
        store.clients.iter().fold(first.len(), |shared, client| {
            shared_bytes(first, Text::bytes(&client.id, &store.arena), shared)
        })
    };
    map_each(stores, shared_with_first).into_iter().min().unwrap_or(0)
}

/// The integer that a text id is, if it is a plain one.
fn integer_of(store: &ClientStore<Text>, id: u128) -> Option<i64> {
    plain_integer(Text::bytes(&id, &store.hashed().arena))
}
