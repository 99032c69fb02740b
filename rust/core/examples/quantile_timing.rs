//! Nanoseconds a value of quintile edges and bands, by kind of input and number of threads.
//!
//! `cargo run --release -p grc-core --example quantile_timing [rows]`

use std::hint::black_box;
use std::time::Instant;

use grc_core::quantiles::{
    ChunkedColumn, Closed, Rankable, bands_from_edges, linear_bands, quantile_bands, split_bands,
};

const ROUNDS: usize = 9;

/// The median of some rounds after one to warm up, in nanoseconds a value.
fn time<R>(rows: usize, mut run: impl FnMut() -> R) -> f64 {
    black_box(run());
    let mut nanoseconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed().as_secs_f64() * 1e9 / rows as f64
        })
        .collect();
    nanoseconds.sort_by(f64::total_cmp);
    nanoseconds[ROUNDS / 2]
}

/// A sequence of uniform numbers in [0, 1) (`SplitMix64`).
fn uniform(rows: usize) -> impl Iterator<Item = f64> {
    (0..rows as u64).map(|i| {
        let mut z = i.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x1234_5678_9ABC_DEF1);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    })
}

fn report<T: Rankable>(name: &str, values: &[T])
where
    f64: grc_core::quantiles::Edge<T>,
{
    let column = ChunkedColumn::new(values);
    print!("{name:<22}");
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let rows = values.len();
        let times = pool.install(|| {
            let (edges, _) = quantile_bands(&column, 5).unwrap();
            [
                time(rows, || quantile_bands(&column, 5)),
                time(rows, || bands_from_edges(&column, &edges_of(&edges), Closed::Right)),
                time(rows, || quantile_bands(&column, 10)),
                time(rows, || quantile_bands(&column, 100)),
                time(rows, || linear_bands(&column, 5)),
                time(rows, || split_bands(&column, 5)),
            ]
        });
        print!(" |");
        for time in times {
            print!(" {time:6.2}");
        }
    }
    println!();
}

/// Edges as a frozen model holds them.
fn edges_of<T: Rankable>(edges: &[T]) -> Vec<Edge<T>> {
    edges.iter().map(|edge| Edge(*edge)).collect()
}

/// A value as an edge of its own type, for any type.
#[derive(Clone, Copy)]
struct Edge<T>(T);

impl<T: Rankable> grc_core::quantiles::Edge<T> for Edge<T> {
    fn cut(self, _: Closed) -> grc_core::quantiles::EdgeCut<T> {
        grc_core::quantiles::EdgeCut::Above(self.0)
    }
}

fn main() {
    let rows = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5_000_000);
    let spend: Vec<f64> = uniform(rows).map(|u| (-(1.0 - u).ln() * 4.0).exp()).collect();
    let cents: Vec<f64> = spend.iter().map(|v| (v.min(1e4) * 100.0).round() / 100.0).collect();
    let coarse: Vec<f64> = spend.iter().map(|v| v.min(1e4).ceil()).collect();
    let mut sorted = spend.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let reversed: Vec<f64> = sorted.iter().rev().copied().collect();
    let atom: Vec<f64> = spend.iter().map(|v| if v.fract() < 0.6 { 10.0 } else { *v }).collect();
    let orders: Vec<u32> = spend.iter().map(|v| (v.min(50.0)) as u32).collect();
    let days: Vec<i32> = uniform(rows).map(|u| (u * u * 1096.0) as i32).collect();
    let money: Vec<i64> = spend.iter().map(|v| (v.min(1e9) * 100.0) as i64).collect();
    let small: Vec<f32> = spend.iter().map(|v| *v as f32).collect();
    println!(
        "ns a value, {rows} rows; for 1 and for 2 threads: quintile edges and bands, bands \
         from 4 edges, deciles, percentiles, linear quintile bands, split quintiles"
    );
    let sum = time(rows, || {
        let mut sums = [0.0; 16];
        for group in spend.as_chunks::<16>().0 {
            for (sum, value) in sums.iter_mut().zip(group) {
                *sum += value;
            }
        }
        sums.iter().sum::<f64>()
    });
    println!("plain sum {sum:.2}, sort {:.2}", {
        let start = Instant::now();
        spend.clone().sort_unstable_by(f64::total_cmp);
        start.elapsed().as_secs_f64() * 1e9 / rows as f64
    });
    report("f64 continuous", &spend);
    report("f64 cents", &cents);
    report("f64 whole, many ties", &coarse);
    report("f64 sorted", &sorted);
    report("f64 reversed", &reversed);
    report("f64 constant", &vec![7.5; rows]);
    report("f64 60 % one value", &atom);
    report("f32 continuous", &small);
    report("i64 cents", &money);
    report("u32 orders", &orders);
    report("i32 days", &days);
}
