//! How long the parts of the facts pass take: `cargo run --release --example facts_timing`.
//!
//! Arguments: lines, clients, threads, lines a batch, and `orders` to tell orders apart.

use std::time::Instant;

use grc_core::columns::{AmountValues, Column, DateValues, IdValues, Integers};
use grc_core::facts::{Batch, Fact, FactsOptions, FactsPass, Request, Returns};
use grc_core::simulation::{SalesSimulation, simulate_sales};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, default: usize| {
        arguments.get(place).map_or(default, |text| text.parse().expect("a whole number"))
    };
    let (lines, clients) = (number(0, 10_000_000), number(1, 1_000_000));
    let (threads, batch) = (number(2, 2), number(3, 2_000_000));
    let by_order = arguments.iter().any(|text| text == "orders");
    let made = simulate_sales(SalesSimulation {
        lines,
        clients: clients as u32,
        first_day: 19_000,
        days: 1095,
        seed: 7,
    })
    .expect("a shape that can be simulated");
    let amounts: Vec<f64> = made.cents.iter().map(|&cents| cents as f64 / 100.0).collect();
    for _ in 0..5 {
        let facts = [Fact::FirstPurchase, Fact::LastPurchase, Fact::Orders, Fact::Total];
        let mut pass = FactsPass::new(FactsOptions {
            facts: facts.map(|fact| Request { fact, window: None }).to_vec(),
            as_of: Some(20_100),
            returns: Returns::Net,
            order: by_order,
            money_scale: 4,
            timezone: "UTC".to_owned(),
            plain_integer_ids: false,
            threads: Some(threads),
        })
        .expect("valid options");
        let start = Instant::now();
        for from in (0..lines).step_by(batch) {
            let rows = from..lines.min(from + batch);
            let ids = |values| Column {
                values: IdValues::Integers(Integers::I64(values)),
                validity: None,
            };
            pass.push(vec![Batch {
                rows: rows.len(),
                client: ids(&made.client[rows.clone()]),
                date: Column {
                    values: DateValues::Instants {
                        values: &made.instant[rows.clone()],
                        per_second: 1_000_000,
                        zoned: false,
                    },
                    validity: None,
                },
                amount: Column {
                    values: AmountValues::F64(&amounts[rows.clone()]),
                    validity: None,
                },
                order: if by_order { vec![ids(&made.order[rows])] } else { Vec::new() },
                keep: None,
            }])
            .expect("simulated lines can be read");
        }
        let pushed = start.elapsed();
        let start = Instant::now();
        let outcome = pass.finish(false, false).expect("a batch was pushed");
        let finished = start.elapsed();
        println!(
            "push {:6.1} ms  finish {:6.1} ms  {} lines used",
            pushed.as_secs_f64() * 1e3,
            finished.as_secs_f64() * 1e3,
            outcome.account.rows_used,
        );
    }
}
