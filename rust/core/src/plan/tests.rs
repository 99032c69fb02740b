//! Plans against all subsets of their offers, and what holds of every plan.

#![allow(clippy::float_cmp, reason = "money is whole millionths, and adds up exactly")]

use proptest::prelude::*;

use crate::plan::offers::to_money;
use crate::plan::{
    ContactPlan, Limits, OfferColumns, Offers, Reason, plan_contacts, sweep_budgets,
};
use crate::threads::{on_threads, pool};

/// Offers as rows: household, client, channel, gain, cost.
type Row = (u32, u32, u8, f64, f64);

fn offers(rows: &[Row], channels: usize) -> Offers {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)).then(a.3.total_cmp(&b.3)));
    let clients = rows.iter().map(|row| row.1).max().map_or(0, |last| last as usize + 1);
    let mut household = vec![0; clients];
    rows.iter().for_each(|row| household[row.1 as usize] = row.0);
    let columns = OfferColumns {
        order: &(0..rows.len() as u32).collect::<Vec<_>>(),
        client: &rows.iter().map(|row| row.1).collect::<Vec<_>>(),
        household: Some(&household),
        channel: &rows.iter().map(|row| row.2).collect::<Vec<_>>(),
        gain: &rows.iter().map(|row| row.3).collect::<Vec<_>>(),
        cost: &rows.iter().map(|row| row.4).collect::<Vec<_>>(),
        pressure: None,
    };
    let names: Vec<String> = (0..channels).map(|channel| format!("c{channel}")).collect();
    Offers::new(&columns, &names).unwrap()
}

/// Whether a choice of offers keeps to the limits, by their definition.
fn is_feasible(offers: &Offers, limits: &Limits, chosen: &dyn Fn(usize) -> bool) -> bool {
    let of = |offer: &usize| chosen(*offer);
    let all: Vec<usize> = (0..offers.len()).filter(of).collect();
    let cost: i64 = all.iter().map(|offer| offers.cost[*offer]).sum();
    let contacts = |channel: usize| {
        all.iter().filter(|offer| usize::from(offers.channel[**offer]) == channel).count() as u64
    };
    let most = limits.max_contacts.map_or(usize::MAX, |most| most as usize);
    limits.budget.is_none_or(|budget| cost <= (budget * 1e6).round() as i64)
        && (0..limits.minimum.len()).all(|channel| {
            contacts(channel) >= limits.minimum[channel]
                && limits.capacity[channel].is_none_or(|most| contacts(channel) <= most)
        })
        && all.iter().all(|one| {
            let same = |key: &dyn Fn(usize) -> usize| {
                all.iter().filter(|other| key(**other) == key(*one)).count()
            };
            same(&|offer| offers.alternatives(offer).start) == 1
                && same(&|offer| offers.household[offer] as usize) <= most
        })
}

fn chosen(plan: &ContactPlan) -> impl Fn(usize) -> bool {
    let chosen: Vec<bool> = plan.reasons.iter().map(|reason| *reason == Reason::Chosen).collect();
    move |offer| chosen[offer]
}

fn check(offers: &Offers, limits: &Limits, plan: &ContactPlan) -> Result<(), TestCaseError> {
    let chosen = chosen(plan);
    prop_assert!(is_feasible(offers, limits, &chosen));
    let sum = |amounts: &[i64]| -> f64 {
        let chosen = (0..offers.len()).filter(|offer| chosen(*offer));
        to_money(chosen.map(|offer| i128::from(amounts[offer])).sum())
    };
    prop_assert_eq!(sum(&offers.value), plan.value);
    prop_assert_eq!(sum(&offers.cost), plan.cost);
    prop_assert!(plan.value <= plan.bound);
    Ok(())
}

/// The value of the best choice, by looking at all; none if no choice keeps to the limits.
fn best(offers: &Offers, limits: &Limits) -> Option<f64> {
    let value = |subset: u32| -> i64 {
        let of = (0..offers.len()).filter(|offer| subset >> offer & 1 == 1);
        of.map(|offer| offers.value[offer]).sum()
    };
    (0..1_u32 << offers.len())
        .filter(|subset| is_feasible(offers, limits, &|offer| subset >> offer & 1 == 1))
        .map(value)
        .max()
        .map(|value| to_money(i128::from(value)))
}

fn rows(clients: u32, channels: u8, most: usize) -> impl Strategy<Value = Vec<Row>> {
    let money = prop_oneof![
        (0..40_i32).prop_map(|cents| f64::from(cents) / 4.0),
        Just(1.0),
        Just(0.0),
        Just(1e12),
    ];
    let cost = prop_oneof![(0..20_i32).prop_map(|cents| f64::from(cents) / 4.0), Just(0.0)];
    proptest::collection::vec((0..clients, 0..channels, money, cost), 0..=most).prop_map(|rows| {
        rows.into_iter()
            .map(|(client, channel, gain, cost)| (client / 2, client, channel, gain, cost))
            .collect()
    })
}

fn limits(channels: usize, most: u64) -> impl Strategy<Value = Limits> {
    (
        proptest::option::of((0..60_i32).prop_map(|money| f64::from(money) / 4.0)),
        proptest::collection::vec(proptest::option::of(0..=most), channels),
        proptest::collection::vec(prop_oneof![3 => Just(0), 1 => 0..=most], channels),
        proptest::option::of(1..4_u32),
    )
        .prop_map(|(budget, capacity, minimum, max_contacts)| Limits {
            budget,
            capacity,
            minimum,
            max_contacts,
        })
}

proptest! {
    #[test]
    fn a_plan_is_possible_and_its_bound_holds_against_all_choices(
        rows in rows(6, 3, 10), limits in limits(3, 3),
    ) {
        let offers = offers(&rows, 3);
        let has_contradiction = limits.minimum.iter().zip(&limits.capacity)
            .any(|(least, most)| most.is_some_and(|most| most < *least));
        match (plan_contacts(&offers, &limits), best(&offers, &limits)) {
            (Ok(plan), Some(best)) => {
                check(&offers, &limits, &plan)?;
                prop_assert!(plan.value <= best && best <= plan.bound, "{} {best} {}", plan.value, plan.bound);
            }
            (Err(error), None) => prop_assert!(
                has_contradiction || error.to_string().contains("minimum"), "{error}"
            ),
            (found, best) => prop_assert!(false, "{found:?} {best:?}"),
        }
    }

    #[test]
    fn a_plan_is_the_same_for_any_number_of_threads(
        rows in rows(400, 4, 1200), limits in limits(4, 60),
    ) {
        let offers = offers(&rows, 4);
        let limits = Limits { minimum: vec![0; 4], ..limits };
        let plan = |threads| on_threads(Some(threads), || plan_contacts(&offers, &limits)).unwrap();
        let one = plan(1);
        check(&offers, &limits, &one)?;
        prop_assert_eq!(&one, &plan(3));
    }

    #[test]
    fn more_money_is_never_worth_less(rows in rows(60, 3, 150), limits in limits(3, 20)) {
        let offers = offers(&rows, 3);
        let limits = Limits { minimum: vec![0; 3], ..limits };
        let budgets = [30.0, 0.0, 5.0, 10.0, 20.0];
        let mut plans: Vec<_> =
            budgets.into_iter().zip(sweep_budgets(&offers, &limits, &budgets).unwrap()).collect();
        plans.sort_by(|a, b| a.0.total_cmp(&b.0));
        for pair in plans.windows(2) {
            prop_assert!(pair[0].1.value <= pair[1].1.value);
        }
        for (budget, plan) in plans {
            let limits = Limits { budget: Some(budget), ..limits.clone() };
            check(&offers, &limits, &plan)?;
            let alone = plan_contacts(&offers, &limits).unwrap();
            let tolerance = 1e-9 * (1.0 + plan.bound.abs());
            prop_assert!(alone.value <= plan.bound + tolerance && plan.value <= alone.bound + tolerance);
        }
    }
}

/// Clients with an e-mail and a phone offer each; every number seeded.
fn many(clients: u32) -> Vec<Row> {
    let mut state = 1_u64;
    let mut random = || {
        state = crate::hash::mix_words(state, 7);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..clients)
        .flat_map(|client| {
            let worth = random() * random() * 20.0;
            [
                (client, client, 0, worth * random(), 0.02),
                (client, client, 1, worth * 2.0 * random(), 3.0 + random()),
            ]
        })
        .collect()
}

#[test]
fn many_clients_have_a_plan_within_a_ten_thousandth_of_the_bound() {
    // More households than a first look at a sample takes.
    let offers = offers(&many(70_000), 2);
    let limits = Limits {
        budget: Some(20_000.0),
        capacity: vec![Some(30_000), Some(5_000)],
        minimum: vec![0, 4_000],
        max_contacts: Some(1),
    };
    let pool = pool(Some(2)).unwrap();
    let plan = pool.install(|| plan_contacts(&offers, &limits)).unwrap();
    check(&offers, &limits, &plan).unwrap();
    assert!(plan.gap() < 1e-4, "{}", plan.gap());
    assert!(plan.price_of_money > 0.0);
}

#[test]
fn minimums_that_cannot_be_met_are_named_with_what_would_meet_them() {
    let offers = offers(&[(0, 0, 0, 5.0, 1.0), (0, 0, 1, 5.0, 1.0), (1, 1, 1, 5.0, 2.5)], 2);
    let limits = Limits {
        budget: None,
        capacity: vec![None; 2],
        minimum: vec![1, 2],
        max_contacts: Some(1),
    };
    let message = |limits: &Limits| plan_contacts(&offers, limits).unwrap_err().to_string();
    assert!(message(&limits).contains("c0 and c1 asks for 3 contacts"), "{}", message(&limits));
    assert!(message(&limits).contains("at most 2"), "{}", message(&limits));
    let poor =
        Limits { budget: Some(3.0), max_contacts: None, minimum: vec![0, 2], ..limits.clone() };
    assert!(message(&poor).contains("at least 3.5"), "{}", message(&poor));
    let rich = Limits { budget: Some(3.5), ..poor };
    assert!(plan_contacts(&offers, &rich).is_ok());
    let small = Limits { capacity: vec![None, Some(1)], ..limits };
    assert!(message(&small).contains("exceeds its capacity"), "{}", message(&small));
}

#[test]
fn offers_are_read_in_the_order_that_is_given() {
    let columns = OfferColumns {
        order: &[2, 0, 1],
        client: &[0, 1, 0],
        household: None,
        channel: &[1, 0, 0],
        gain: &[2.0, 3.0, 1.0],
        cost: &[0.0; 3],
        pressure: Some(&[0.5, 0.0, 0.0]),
    };
    let names = ["a".to_owned(), "b".to_owned()];
    let offers = Offers::new(&columns, &names).unwrap();
    assert_eq!(offers.value, [1_000_000, 1_500_000, 3_000_000]);
    assert_eq!(offers.household, [0, 0, 1]);
    for order in [&[0, 1, 2], &[2, 0, 3]] {
        let wrong = Offers::new(&OfferColumns { order, ..columns }, &names);
        assert!(wrong.unwrap_err().to_string().contains("out of order"));
    }
}

#[test]
fn money_that_is_no_number_is_refused() {
    for (gain, cost) in
        [(f64::NAN, 1.0), (1.0, f64::NAN), (1.0, -1.0), (2e12, 0.0), (f64::INFINITY, 0.0)]
    {
        let columns = OfferColumns {
            order: &[0],
            client: &[0],
            household: None,
            channel: &[0],
            gain: &[gain],
            cost: &[cost],
            pressure: None,
        };
        assert!(Offers::new(&columns, &["c".to_owned()]).is_err());
    }
}

#[test]
fn a_minimum_that_forces_a_loss_has_its_price() {
    let offers = offers(&[(0, 0, 0, -5.0, 1.0)], 1);
    let limits =
        Limits { budget: None, capacity: vec![None], minimum: vec![1], max_contacts: None };
    let plan = plan_contacts(&offers, &limits).unwrap();
    assert_eq!(plan.value, -6.0);
    assert!(plan.gap() < 1e-6, "{}", plan.gap());
    // Where there is no other offer, every price from there on is one.
    assert!(plan.prices_of_contacts[0] <= -6.0 + 1e-4, "{:?}", plan.prices_of_contacts);
}
