"""The comparison with pandas, Polars and DuckDB that `grc-fast bench` runs.

One subject a file (`facts`, `quantiles`, `scoring`, `whole_job`, `threads`, `scaling`, `memory`),
one engine a file (`polars_side`, `duckdb_side`, `pandas_baseline`), and one harness that measures
them all in turn. Its opponents are of the extra ``bench``; nothing else of the package imports it.
"""
