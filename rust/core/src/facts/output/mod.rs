//! From partitions to columns: one row a client, ascending by id.

mod blocks;
mod bucket_sorter;
mod buckets;
mod client_row;
mod column_slots;
mod encoded_rows;
mod fact_column;
mod fact_writer;
mod facts_table;
mod output_key;
mod output_spec;
mod text_order;
mod text_rows;
mod word_rows;

pub use fact_column::{FactColumn, MEAN_PLACES, Values};
pub use facts_table::FactsTable;
pub(super) use output_key::{IdOutput, OutputKey};
pub(super) use output_spec::OutputSpec;
