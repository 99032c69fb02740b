//! Rows of clients whose ids are words or stand for integers.

use std::cmp::Ordering;

use super::blocks::{OutputColumns, write_buckets, write_direct};
use super::buckets::Buckets;
use super::output_spec::OutputSpec;
use crate::columns::Ids;
use crate::facts::key::Word;
use crate::facts::partition::ScopeState;
use crate::facts::read::Signedness;
use crate::facts::store::{ClientKey, ClientStore, DirectTable};

/// The rows of clients whose ids are integers.
pub fn integer_rows(
    stores: Vec<ClientStore<Word>>,
    scopes: &[Vec<ScopeState>],
    output: &OutputSpec,
    signedness: Signedness,
) -> OutputColumns<Ids> {
    match signedness {
        Signedness::Signed => word_rows(stores, scopes, output, signed).map_ids(Ids::Signed),
        Signedness::Unsigned | Signedness::Bits => {
            word_rows(stores, scopes, output, |word| word).map_ids(Ids::Unsigned)
        }
    }
}

/// The rows of clients whose ids are words, ascending, each with what `id` makes of its word.
pub fn word_rows<T: Copy + Default + Send>(
    mut stores: Vec<ClientStore<Word>>,
    scopes: &[Vec<ScopeState>],
    output: &OutputSpec,
    id: impl Fn(u64) -> T + Sync,
) -> OutputColumns<Vec<T>> {
    if let Some(tables) = direct_tables(&stores) {
        return write_direct(&tables, scopes, output, id);
    }
    let rows = Buckets::fill(&mut stores, false, |state| output.shows(state), |_, word| word);
    write_buckets(&rows, scopes, output, |_, _| Ordering::Equal, |row| id(row.key))
}

/// The tables of all partitions, if that is how clients are kept.
fn direct_tables(stores: &[ClientStore<Word>]) -> Option<Vec<&DirectTable>> {
    let tables = stores.iter().map(|store| match store {
        ClientStore::Direct(table) => Some(table),
        ClientStore::Hashed(_) => None,
    });
    tables.collect()
}

/// The rows of clients whose ids all stand for an integer, ascending by it.
pub fn rows_by_integer<C: ClientKey>(
    mut stores: Vec<ClientStore<C>>,
    scopes: &[Vec<ScopeState>],
    output: &OutputSpec,
    integer: impl Fn(&ClientStore<C>, C::Stored) -> Option<i64> + Sync,
) -> OutputColumns<Ids> {
    let key = |store: &_, id| integer(store, id).unwrap_or(0) as u64 ^ 1 << 63;
    let rows = Buckets::fill(&mut stores, false, |state| output.shows(state), key);
    write_buckets(&rows, scopes, output, |_, _| Ordering::Equal, |row| signed(row.key))
        .map_ids(Ids::Signed)
}

/// The signed integer of a word whose sign bit is flipped.
fn signed(word: u64) -> i64 {
    (word ^ 1 << 63) as i64
}
