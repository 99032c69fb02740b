//! Results under several keys of the hashes. The key is one for the process, so this test is alone in
//! its file.

use grc_core::behaviour::{
    BehaviourOptions, BehaviourPass, Bounds, Decay, EventBatch, Repeat, Rule, RuleSet, TextValues,
};
use grc_core::columns::{AmountValues, Column, DateValues, IdValues, Ids, Integers, Texts};
use grc_core::facts::{Batch, Fact, FactsOptions, FactsPass, Request, Returns};
use grc_core::hash::{mix_words, set_key};

const ROWS: u64 = 60_000;

/// Texts as string views, and the buffer of the long ones.
fn views(texts: &[String]) -> (Vec<u128>, Vec<u8>) {
    let mut buffer = Vec::new();
    let view = |text: &String| {
        let mut view = [0; 16];
        view[..4].copy_from_slice(&(text.len() as u32).to_le_bytes());
        if text.len() <= 12 {
            view[4..4 + text.len()].copy_from_slice(text.as_bytes());
        } else {
            view[4..8].copy_from_slice(&text.as_bytes()[..4]);
            view[12..].copy_from_slice(&(buffer.len() as u32).to_le_bytes());
            buffer.extend_from_slice(text.as_bytes());
        }
        u128::from_le_bytes(view)
    };
    (texts.iter().map(view).collect(), buffer)
}

fn column<T>(values: T) -> Column<'static, T> {
    Column { values, validity: None }
}

/// Ids as they are written, however they are kept.
fn written(ids: &Ids) -> Vec<String> {
    match ids {
        Ids::Signed(ids) => ids.iter().map(ToString::to_string).collect(),
        Ids::Unsigned(ids) => ids.iter().map(ToString::to_string).collect(),
        Ids::Texts { views, buffers } => {
            let text = |view: &u128| {
                let (bytes, length) = (view.to_le_bytes(), *view as u32 as usize);
                let (buffer, start) = ((view >> 64) as u32 as usize, (view >> 96) as usize);
                let text = if length <= 12 {
                    &bytes[4..4 + length]
                } else {
                    &buffers[buffer][start..start + length]
                };
                String::from_utf8(text.to_vec()).unwrap()
            };
            views.iter().map(text).collect()
        }
    }
}

/// Everything that the facts of some clients say.
fn facts(client: IdValues, order: IdValues) -> String {
    let facts = Fact::NAMES.map(|(_, fact)| Request { fact, window: None }).to_vec();
    let options = FactsOptions {
        facts,
        as_of: None,
        returns: Returns::Net,
        order: true,
        money_scale: 2,
        timezone: "UTC".to_owned(),
        plain_integer_ids: false,
        threads: Some(2),
    };
    let days: Vec<i32> = (0..ROWS).map(|row| (mix_words(1, row) % 700) as i32).collect();
    let cents: Vec<i64> = (0..ROWS).map(|row| (mix_words(2, row) % 900) as i64 - 50).collect();
    let mut pass = FactsPass::new(options).unwrap();
    let batch = Batch {
        rows: ROWS as usize,
        client: Column { values: client, validity: None },
        date: column(DateValues::Days(&days)),
        amount: column(AmountValues::Integers(Integers::I64(&cents))),
        order: vec![Column { values: order, validity: None }],
        keep: None,
    };
    pass.push(vec![batch]).unwrap();
    let outcome = pass.finish(false, false).unwrap();
    format!("{:?}{:?}{:?}", written(&outcome.ids), outcome.facts, outcome.account)
}

fn behaviour(client: IdValues, kinds: &[String], pages: &[String]) -> String {
    let bounds = Bounds { floor: None, cap: None };
    let rule = |name: &str, kind: &str, page: &str| Rule {
        name: name.to_owned(),
        group: 0,
        kinds: vec![kind.to_owned()],
        page: Some(page.to_owned()),
        points: 1.0,
        repeat: Repeat::Once,
        category: None,
    };
    let options = BehaviourOptions {
        rules: RuleSet {
            kind_names: Vec::new(),
            ignore_page_case: false,
            web_kinds: Vec::new(),
            timeout: 1_800_000_000,
            last_dwell: 0,
            bot_events: None,
            density: None,
            bypass_kinds: Vec::new(),
            decay: Decay::HalfLife(864_000_000_000),
            bounds,
            groups: vec![bounds],
            phase_window: 864_000_000_000,
            rules: vec![rule("odd", "kind1", "/page/*1"), rule("even", "kind2", "/page/*2*")],
        },
        as_of: None,
        as_of_is_utc: false,
        from: None,
        from_zoned: false,
        timezone: "UTC".to_owned(),
        plain_integer_ids: false,
        memory: None,
        directory: None,
        threads: Some(2),
        ledger: false,
        state: false,
    };
    let instants: Vec<i64> = (0..ROWS).map(|row| (mix_words(3, row) >> 20) as i64).collect();
    let (kinds, kind_buffer) = views(kinds);
    let (pages, page_buffer) = views(pages);
    let mut pass = BehaviourPass::new(options).unwrap();
    let batch = EventBatch {
        rows: ROWS as usize,
        client: Column { values: client, validity: None },
        timestamp: column(DateValues::Instants {
            values: &instants,
            per_second: 1_000_000,
            zoned: false,
        }),
        kind: Column {
            values: TextValues::Plain(Texts { views: &kinds, buffers: vec![&kind_buffer] }),
            validity: None,
        },
        page: Some(Column {
            values: TextValues::Plain(Texts { views: &pages, buffers: vec![&page_buffer] }),
            validity: None,
        }),
        dwell: None,
        clicks: None,
        channel: None,
        message: None,
        event_id: None,
        machine_open: None,
        keep: None,
        consented: None,
    };
    pass.push(&[batch]).unwrap();
    let outcome = pass.finish().unwrap();
    let scores = outcome.scores;
    format!(
        "{:?}{:?}{:?}{:?}{:?}",
        written(&scores.ids),
        scores.score,
        scores.visits,
        scores.last_event,
        outcome.account
    )
}

#[test]
fn results_do_not_depend_on_the_key() {
    let number = |seed: u64, kinds: u64| move |row: u64| mix_words(seed, row) % kinds;
    let texts = |seed, kinds, write: fn(u64) -> String| -> Vec<String> {
        (0..ROWS).map(number(seed, kinds)).map(write).collect()
    };
    let random_integers: Vec<i64> =
        (0..ROWS).map(|row| mix_words(4, mix_words(4, row) % 20_000) as i64).collect();
    let dense_integers: Vec<i64> = (0..ROWS).map(|row| (row % 20_000) as i64).collect();
    let short_texts = texts(5, 20_000, |n| format!("{:08x}x", mix_words(5, n) as u32));
    let long_texts = texts(6, 20_000, |n| format!("{:016x} of a shop", mix_words(6, n)));
    let codes = texts(7, 20_000, |n| format!("C{n:06}"));
    let orders = texts(8, 30_000, |n| format!("order {:x}", mix_words(8, n)));
    let kinds = texts(9, 40, |n| format!("kind{n}"));
    let pages = texts(10, 5_000, |n| format!("/page/{n}"));
    let (orders, order_buffer) = views(&orders);
    let everything = || {
        let order = || IdValues::Texts(Texts { views: &orders, buffers: vec![&order_buffer] });
        let mut results = Vec::new();
        for integers in [&random_integers, &dense_integers] {
            let ids = || IdValues::Integers(Integers::I64(integers));
            results.push(facts(ids(), IdValues::Integers(Integers::I64(&random_integers))));
            results.push(facts(ids(), order()));
            results.push(behaviour(ids(), &kinds, &pages));
        }
        for texts in [&short_texts, &long_texts, &codes] {
            let (views, buffer) = views(texts);
            let ids = || IdValues::Texts(Texts { views: &views, buffers: vec![&buffer] });
            results.push(facts(ids(), order()));
            results.push(behaviour(ids(), &kinds, &pages));
        }
        results
    };
    let expected = everything();
    for random in [0, 1, 0xFEED_5EED_0123_4567] {
        set_key(random);
        for (number, (result, expected)) in everything().iter().zip(&expected).enumerate() {
            assert!(result == expected, "result {number} depends on the key {random}");
        }
    }
}
