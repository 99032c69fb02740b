//! The extension module `grc_fast._core`: the kernels of `grc-core` for Python, over Arrow.

mod allocator;
mod behaviour;
mod csv;
mod errors;
mod facts;
mod ffi;
mod foreign;
mod keyed_hash;
mod pass;
mod plan;
mod profile;
mod quantiles;
mod simulation;
mod states;
mod text_values;
mod threads;
mod value;

/// Facts, bands and cells over Arrow columns: the engine behind `grc_fast`.
#[pyo3::pymodule]
mod _core {
    use std::hash::{BuildHasher, RandomState};

    use pyo3::prelude::*;

    #[pymodule_init]
    #[expect(clippy::unnecessary_wraps, reason = "the signature is that of the attribute")]
    fn init(_: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::allocator::prepare();
        grc_core::hash::set_key(RandomState::new().hash_one(0));
        Ok(())
    }

    #[pymodule_export]
    use crate::behaviour::{BehaviourBuilder, check_page_pattern, check_page_patterns};
    #[pymodule_export]
    use crate::csv::{CsvReader, FieldForm};
    #[pymodule_export]
    use crate::errors::{
        ColumnError, DataError, GrcError, ModelError, OptionError, OutputError, SourceError,
    };
    #[pymodule_export]
    use crate::facts::{FactsBuilder, parse_duration, period_end, window_start};
    #[pymodule_export]
    use crate::foreign::{ArrowColumns, ArrowStream};
    #[pymodule_export]
    use crate::keyed_hash::keyed_hashes;
    #[pymodule_export]
    use crate::plan::{ContactOffers, order_of_offers, salted_hashes};
    #[pymodule_export]
    use crate::profile::ProfileBuilder;
    #[pymodule_export]
    use crate::quantiles::{
        bands, bands_by_pair, cell_counts, cell_lookup, quantile_bands, split_bands,
    };
    #[pymodule_export]
    use crate::simulation::simulate_sales;
    #[pymodule_export]
    use crate::text_values::{parse_dates, parse_numbers, without_words};
    #[pymodule_export]
    use crate::threads::StopSwitch;
    #[pymodule_export]
    use crate::value::{
        beta_quantile, client_intervals, expected_spend, fit_purchases, fit_spend,
        predict_purchases, simulate_clients, simulate_totals,
    };
}
