# Every habit of the house. `make` alone lists them; CONTRIBUTING.md says more.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The interpreter that makes the virtual environment: `make PYTHON=python3.13 demo`.
PYTHON ?= python3
# What `bench` divides its sizes by.
SCALE ?= 1
# Which of the three runs, at different hours, `figures` makes.
RUN ?= 1
# How long `fuzz` looks at each door of the core.
FUZZ_SECONDS ?= 60
# What `test-long` starts its search from: another number each time, or the one that is asked for.
SEED := $(or $(SEED),$(shell date +%s))

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# An active conda or virtual environment must not draw the installation to itself.
# Maturin would install the group `dev` wherever no group is named.
INSTALL := env -u CONDA_PREFIX PIP_QUIET=1 VIRTUAL_ENV="$(abspath $(VENV))" \
	$(BIN)/maturin develop --locked --group build
# Built again in seconds, where what is measured or handed out takes minutes.
DEVELOP := $(INSTALL) --profile develop
RELEASE := $(INSTALL) --profile release
# Tests run in as many processes as there are cores; one that is done takes from the others.
PYTEST := $(BIN)/pytest --numprocesses=auto --dist=worksteal -p no:benchmark
# In the profile of the extension and named beside it: property tests take a tenth of the time, and
# the core and the crates that it needs are compiled with the same features once for both.
CARGO_TEST := cargo $(if $(shell command -v cargo-nextest),nextest run --cargo-profile,test --profile) \
	develop --locked -p grc-core -p grc-python
BENCHMARKS := .benchmarks
SOURCES := pyproject.toml Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml)

# Runs must repeat, so the cases of property tests are the same each time; another number draws others.
export PROPTEST_RNG_SEED ?= 1
export PYO3_PYTHON := $(abspath $(BIN)/python)
# Tests start hundreds of interpreters, which would otherwise compile the package each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV)/.demo ## Build, install into .venv, score the real sales of 2,469 households, and draw the page
	$(BIN)/grc-fast demo

.PHONY: build
build: $(VENV)/.dev ## Build and install into .venv with every development tool

.PHONY: develop
develop: build ## The same as build

.PHONY: test
test: test-rust test-python ## Run every test

.PHONY: test-rust
test-rust: $(VENV)/.ready ## Run the tests of both crates
	@.ci/toolchain $(PYTHON)
	$(CARGO_TEST) --tests
	cargo test --profile develop --locked -p grc-core -p grc-python --doc

.PHONY: test-python
test-python: $(VENV)/.dev ## Run the tests, the doctests and the examples of the guide
	$(PYTEST)

# One property test sorts large columns, a second a case, and keeps to those of `make test`.
.PHONY: test-long
test-long: $(VENV)/.dev ## Look for counterexamples: tests with many more cases (SEED=1: the same again)
	@echo "make test-long SEED=$(SEED) looks at the same cases again"
	PROPTEST_RNG_SEED=$(SEED) PROPTEST_CASES=1024 \
		cargo test --profile develop --locked -p grc-core -p grc-python --tests -- --skip large_columns_agree_with_sorting
	HYPOTHESIS_PROFILE=search POLARS_MAX_THREADS=2 $(PYTEST) -m "hypothesis or full_size" \
		--hypothesis-seed=$(SEED)

# New inputs go to fuzz/found; `make fuzz-corpus` keeps those of them that lead somewhere new.
FUZZ := cargo +nightly fuzz
.PHONY: fuzz
fuzz: ## Fuzz each door of the core for a minute (FUZZ_SECONDS=600: ten; needs cargo-fuzz)
	@$(FUZZ) --version >/dev/null 2>&1 || { echo "make fuzz needs a nightly compiler and cargo-fuzz:" \
		"rustup toolchain install nightly; cargo install cargo-fuzz --locked" >&2; exit 1; }
	for target in $$($(FUZZ) list --fuzz-dir fuzz); do \
		mkdir -p fuzz/found/$$target && \
		$(FUZZ) run --fuzz-dir fuzz $$target fuzz/found/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=2048 || exit; \
	done

.PHONY: fuzz-corpus
fuzz-corpus: ## Keep the fewest inputs of those that fuzzing found that lead everywhere it has been
	for target in $$($(FUZZ) list --fuzz-dir fuzz); do \
		mkdir -p fuzz/kept fuzz/found/$$target && \
		$(FUZZ) run --fuzz-dir fuzz $$target fuzz/kept fuzz/found/$$target fuzz/corpus/$$target -- \
			-set_cover_merge=1 -use_counters=0 -max_len=2048 && \
		rm -r fuzz/corpus/$$target && mv fuzz/kept fuzz/corpus/$$target || exit; \
	done

.PHONY: lint
lint: $(VENV)/.dev ## Check the style of Python and Rust, and which module may import which
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: format
format: $(VENV)/.dev ## Rewrite Python and Rust in the house style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	cargo fmt --all

.PHONY: types
types: $(VENV)/.dev ## Check the types, and the stub against the compiled module
	$(BIN)/mypy
	$(BIN)/stubtest --mypy-config-file pyproject.toml grc_fast._core

.PHONY: docs
docs: $(VENV)/.dev ## Build the guide and both references; a warning is an error
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -b html docs docs/_build/html
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
	@echo "The guide is docs/_build/html/index.html"

# Shipped, as bundling takes longer than all the rest of a page; a test finds it out of date.
.PHONY: vega
vega: $(VENV)/.dev ## Bundle Vega for pages again, from the vl-convert-python that is pinned
	$(BIN)/python .ci/vega > python/grc_fast/report/vega/vega.js.new
	mv python/grc_fast/report/vega/vega.js.new python/grc_fast/report/vega/vega.js

.PHONY: screenshots
screenshots: $(VENV)/.dev ## Draw the pictures of the page in README and guide again (needs Chromium)
	$(BIN)/python docs/screenshots.py

.PHONY: sdist
sdist: $(VENV)/.dev ## Pack the source distribution into dist/
	$(BIN)/maturin sdist --out dist

.PHONY: bench
bench: $(VENV)/.release ## Measure side by side with pandas, Polars and DuckDB (SCALE=10: a tenth of the sizes)
	$(BIN)/grc-fast bench --scale $(SCALE)

.PHONY: bench-kernels
bench-kernels: $(VENV)/.release ## Time each kernel, compare with the last run and save this one
	$(BIN)/pytest benches/kernels --benchmark-columns=min,median,iqr,rounds \
		--benchmark-autosave --benchmark-storage=$(BENCHMARKS) \
		$(if $(wildcard $(BENCHMARKS)/*/*.json),--benchmark-compare)

.PHONY: ratios
ratios: $(VENV)/.release ## Check on small sizes that no ratio to the others has fallen
	$(BIN)/pytest benches/test_ratios.py

.PHONY: figures
figures: $(VENV)/.release ## Measure everything and write it into README and guide (RUN=2: as the second run)
	$(BIN)/grc-fast bench
	cp grc-fast-bench/bench.json docs/performance/run-$(RUN).json
	$(BIN)/python benches/cost_curves.py --output-dir docs/performance
	$(BIN)/python benches/publish.py

.PHONY: clean
clean: ## Remove everything that the other targets made
	rm -rf $(VENV) dist docs/_build grc-fast-demo grc-fast-bench .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache $(BENCHMARKS)
	rm -f python/grc_fast/*.so python/grc_fast/*.pyd
	find benches docs python tests \( -name __pycache__ -o -name .hypothesis \) -type d -prune -exec rm -rf {} +
	cargo clean

# Stamps. A target that is up to date installs nothing; the package is installed editable, so that
# only a change of Rust, or of what is installed, needs a new build.
$(VENV)/.ready:
	@.ci/toolchain $(PYTHON)
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.demo: $(VENV)/.ready $(SOURCES)
	@.ci/toolchain $(PYTHON)
	$(PIP) install --quiet --group build
	$(DEVELOP) --extras demo,report
	@rm -f $(VENV)/.release
	@touch $@

# Without compiling every file of every tool: Python does that with those it imports.
$(VENV)/.tools: $(VENV)/.ready pyproject.toml
	$(PIP) install --quiet --no-compile --group dev
	@touch $@

$(VENV)/.dev: $(VENV)/.tools $(SOURCES)
	@.ci/toolchain $(PYTHON)
	$(DEVELOP) --extras demo,report,xlsx
	@rm -f $(VENV)/.release
	@touch $(VENV)/.demo $@

# The release in place of what `make build` installs, until that builds something new.
$(VENV)/.release: $(VENV)/.tools $(SOURCES)
	@.ci/toolchain $(PYTHON)
	$(RELEASE) --extras demo,report,xlsx
	@touch $(VENV)/.demo $(VENV)/.dev $@
