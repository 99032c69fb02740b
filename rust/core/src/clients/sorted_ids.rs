//! The ids of clients in ascending order, whose results lie by partition.

use super::id_type::{IdType, SIGN};
use crate::columns::{Ids, append_text, plain_integer};
use crate::dictionary::TextDictionary;
use crate::threads::{ROWS_A_TASK, all, map_each, map_rows, sort_unstable_by};

/// Where a client's results are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowLocation {
    pub partition: u32,
    pub row: u32,
}

/// The ids of the clients of all partitions in ascending order, and where each client's results are.
///
/// With `plain_integers` texts become integers where every one is the plain form of one.
pub(crate) fn sorted_ids(
    parts: &[&[u64]],
    ids: IdType,
    clients: &TextDictionary,
    plain_integers: bool,
) -> (Ids, Vec<RowLocation>) {
    let keyed = map_each(parts, |partition, part| -> Vec<(u64, RowLocation)> {
        let clients = part.iter().zip(0..);
        let located = |row| RowLocation { partition: partition as u32, row };
        clients.map(|(&client, row)| (client, located(row))).collect()
    });
    let mut keyed = keyed.concat();
    let text = |client: u64| clients.get(client as u32).unwrap_or_default();
    if ids != IdType::Text {
        sort_unstable_by(&mut keyed, |a, b| a.0.cmp(&b.0));
        return (integer_ids(&keyed, ids), keyed.into_iter().map(|pair| pair.1).collect());
    }
    let number = |client: u64| plain_integer(text(client));
    let are_plain =
        |_, pairs: &[(u64, RowLocation)]| pairs.iter().all(|pair| number(pair.0).is_some());
    if plain_integers && all(keyed.chunks(ROWS_A_TASK), are_plain) {
        for pair in &mut keyed {
            pair.0 = number(pair.0).unwrap_or(0) as u64 ^ SIGN;
        }
        sort_unstable_by(&mut keyed, |a, b| a.0.cmp(&b.0));
        let ids = integer_ids(&keyed, IdType::Signed);
        return (ids, keyed.into_iter().map(|pair| pair.1).collect());
    }
    // The first 16 bytes, as one number, order most texts.
    let prefix = |client: u64| {
        let mut bytes = [0; 16];
        let text = text(client);
        let length = text.len().min(16);
        bytes[..length].copy_from_slice(&text[..length]);
        u128::from_be_bytes(bytes)
    };
    let mut prefixed = map_rows(keyed.len(), |row| {
        let (client, location) = keyed[row];
        (prefix(client), client, location)
    });
    sort_unstable_by(&mut prefixed, |a, b| a.0.cmp(&b.0).then_with(|| text(a.1).cmp(text(b.1))));
    let mut buffers = Vec::new();
    let views = prefixed.iter().map(|row| append_text(text(row.1), &mut buffers)).collect();
    let ids = Ids::Texts { views, buffers };
    (ids, prefixed.into_iter().map(|row| row.2).collect())
}

fn integer_ids(keyed: &[(u64, RowLocation)], ids: IdType) -> Ids {
    match ids {
        IdType::Unsigned => Ids::Unsigned(keyed.iter().map(|pair| pair.0).collect()),
        _ => Ids::Signed(keyed.iter().map(|pair| (pair.0 ^ SIGN) as i64).collect()),
    }
}
