//! Saved states: rows that no run has written are taken or refused, and then a run ends.

use grc_core::behaviour::{BehaviourOptions, BehaviourPass, StateBatch};
use grc_core::columns::{Column, IdValues, Integers};

use super::behaviour::{KINDS, MINUTE, options, rules};
use crate::bytes::{Bytes, TextData, on_threads};

/// Continue from rows of a fuzzer.
pub fn states(data: &[u8]) {
    on_threads(data, |threads| check(data, threads));
}

fn check(data: &[u8], threads: usize) {
    let mut bytes = Bytes(data);
    let rules = rules(&mut bytes);
    let (mut clients, mut part, mut instant, mut code) = (vec![], vec![], vec![], vec![]);
    let (mut number, mut value, mut kinds, mut ends) = (vec![], vec![], vec![], vec![]);
    let mut seen: Vec<i64> = Vec::new();
    while !bytes.is_empty() && clients.len() < 200 {
        let flags = bytes.byte();
        clients.push(bytes.integer());
        part.push(flags % 6);
        instant.push(bytes.integer().saturating_mul(MINUTE));
        code.push(if flags & 64 == 0 { u32::from(bytes.byte() % 5) } else { bytes.word() as u32 });
        number.push(if flags & 128 == 0 { u64::from(bytes.byte()) } else { bytes.word() });
        value.push(bytes.float());
        kinds.push(KINDS[bytes.below(4)]);
        seen.extend((0..flags >> 3 & 3).map(|place| i64::from(place) + clients.len() as i64));
        ends.push(seen.len() as i64);
    }
    let texts = TextData::new(kinds.iter().map(|kind| Some(*kind)));
    let state = StateBatch {
        client: ids(&clients),
        part: &part,
        instant: &instant,
        code: &code,
        number: &number,
        value: &value,
        kind: texts.column(),
        page: texts.column(),
        message: texts.column(),
        event_id: ids(&clients),
        seen: ids(&seen),
        seen_ends: &ends,
    };
    let options = BehaviourOptions {
        from: Some(4_000 * MINUTE),
        state: true,
        ledger: true,
        ..options(&rules, threads, None)
    };
    let Ok(mut pass) = BehaviourPass::new(options) else { return };
    if pass.resume(&state).is_ok() {
        let _ = pass.finish();
    }
}

fn ids(ids: &[i64]) -> Column<'_, IdValues<'_>> {
    Column { values: IdValues::Integers(Integers::I64(ids)), validity: None }
}
