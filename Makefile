# One way in for every chore. `make help` lists them.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
CARGO_DIR := engine
ENGINE_SOURCES := $(shell find engine bench -name target -prune -o \( -name '*.rs' -o -name 'Cargo.toml' -o -name Cargo.lock \) -print 2>/dev/null) $(wildcard protos/tulle/v1/*.proto)
PROTOS := $(wildcard protos/tulle/v1/*.proto) $(shell find demo tests/peers -name '*.proto' 2>/dev/null)
PYTHON_ROOMS := tulle sidecar control_plane dashboard demo protos bench tests
SECONDS ?= 60
MINUTES ?= 20

.PHONY: help setup demo test test-rust test-python lint lint-python lint-rust protos protos-check lock bench tools clean

help: ## list every target
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- setting up ---------------------------------------------------------------------------------------------------------

setup: $(VENV)/.engine ## virtual environment, dependencies and the engine's release build
	@true

.PHONY: preflight
preflight:
	@command -v $(PYTHON) >/dev/null || { echo "make: python3 is missing: apt-get install python3 python3-venv" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $$($(PYTHON) -V) is too old, 3.11 or newer is needed: apt-get install python3.11 python3.11-venv" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: python's venv module is missing: apt-get install python3-venv" >&2; exit 2; }
	@command -v cargo >/dev/null || { echo "make: cargo is missing: install Rust 1.88 or newer by rustup, see https://rustup.rs" >&2; exit 2; }
	@cargo --version | awk '{split($$2, v, "."); exit !(v[1] > 1 || v[2] >= 88)}' || { echo "make: $$(cargo --version) is too old, 1.88 or newer is needed: rustup update stable" >&2; exit 2; }
	@command -v cc >/dev/null || { echo "make: a C compiler is missing: apt-get install gcc libc6-dev" >&2; exit 2; }

$(VENV)/.dependencies: requirements.lock | preflight
	@echo "[1/2] python dependencies into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet 'pip>=25.1' # the engine's build asks it for groups
	@$(BIN)/python -m pip install --quiet --progress-bar on -r requirements.lock
	@touch $@

$(VENV)/.engine: $(VENV)/.dependencies pyproject.toml $(ENGINE_SOURCES)
	@echo "[2/2] the engine, release build (a few minutes the first time)"
	@VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --locked
	@touch $@

# What a release ships: built, run under the bench's load, built anew with the profile of that run.
.PHONY: profiled wheel
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
PROFDATA = $(shell rustc --print sysroot)/lib/rustlib/$(HOST)/bin/llvm-profdata
PROFILE := $(abspath .cache/profile)
BUILD = VIRTUAL_ENV=$(abspath $(VENV)) CARGO_TARGET_DIR=$(abspath engine/target/profiled) RUSTFLAGS="$(1)" $(BIN)/maturin $(2) --release --locked --target $(HOST)

profiled: $(VENV)/.profiled ## the engine as releases have it, built with a profile of itself under load (6 minutes)

$(VENV)/.profiled: $(VENV)/.engine bench/train.py
	@test -x $(PROFDATA) || rustup component add llvm-tools || { echo "make: $(PROFDATA) is missing: rustup component add llvm-tools" >&2; exit 2; }
	@rm -rf $(PROFILE) $(VENV)/.engine && mkdir -p $(PROFILE) # what counts must not stay, should this be ended halfway
	@echo "[1/3] the engine, counting what it runs"
	@$(call BUILD,-Cprofile-generate=$(PROFILE),develop)
	@echo "[2/3] the load"
	@LLVM_PROFILE_FILE=$(PROFILE)/%m-%p.profraw $(BIN)/python -m bench.train
	@$(PROFDATA) merge -o $(PROFILE)/engine.profdata $(PROFILE)/*.profraw && rm $(PROFILE)/*.profraw
	@echo "[3/3] the engine, by its profile"
	@$(call BUILD,-Cprofile-use=$(PROFILE)/engine.profdata,develop)
	@touch $(VENV)/.engine $@

wheel: $(VENV)/.profiled ## the release's wheel, into dist/
	@$(call BUILD,-Cprofile-use=$(PROFILE)/engine.profdata,build --out dist)

# What the tests run beside our own: independent HTTP/2 peers, a browser, and what counts instructions.
TOOLS := nghttp:nghttp2-client nghttpd:nghttp2-server chromium:chromium valgrind:valgrind
# Command and package of each, by pair: what is missing is installed, or named to those who may not.
define installed
@missing=""; for pair in $(1); do command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; done; \
if [ -n "$$missing" ]; then \
  if [ "$$(id -u)" = 0 ]; then apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
  else echo "make: the tests need$$missing: sudo apt-get install$$missing" >&2; exit 2; fi; fi
endef
tools: ## install the servers, the browser and valgrind, which tests need (Debian packages)
	$(call installed,$(TOOLS))

lock: ## write requirements.lock anew from what is installed
	@$(BIN)/python -m pip freeze --exclude-editable --exclude tulle | grep -v ' @ ' > requirements.lock

clean: ## remove what was built here
	rm -rf $(VENV) engine/target .tulle .cache build dist

# --- running ------------------------------------------------------------------------------------------------------------

demo: setup ## the shop: control plane, services with sidecars, load, dashboard; Ctrl-C ends it
	@exec $(BIN)/tulle demo $(DEMO)

# --- checking -----------------------------------------------------------------------------------------------------------

test: test-rust test-python ## all tests

test-rust: setup tools
	cd engine && cargo test --workspace --locked --quiet
	cd engine/fuzz && cargo test --locked --quiet # every committed input, without a fuzzer
	cd engine/interleave && cargo test --locked --quiet
	cd bench && cargo test --locked --quiet

test-python: setup tools stacks
	$(BIN)/pytest -q

lint: lint-python lint-rust protos-check ## formats, types, imports, warnings as errors

lint-python: setup
	$(BIN)/ruff check $(PYTHON_ROOMS)
	$(BIN)/ruff format --check $(PYTHON_ROOMS)
	$(BIN)/mypy $(PYTHON_ROOMS)
	$(BIN)/python -m mypy.stubtest sidecar._engine
	$(BIN)/lint-imports

lint-rust: setup
	cd engine && cargo fmt --all --check
	cd engine && cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
	@for own in engine/fuzz engine/interleave bench bench/steps; do echo "cd $$own && cargo fmt --check && cargo clippy"; (cd $$own && cargo fmt --check && cargo clippy --all-targets --locked --quiet -- -D warnings) || exit 1; done

# --- the contract -------------------------------------------------------------------------------------------------------

define generate
$(BIN)/python -m grpc_tools.protoc -I . --python_out=$(1) --grpc_python_out=$(1) \
  --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
  --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) $(PROTOS)
endef

protos: $(VENV)/.dependencies ## generate the Python stubs from the .proto files
	$(call generate,.)

protos-check: $(VENV)/.dependencies
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && $(call generate,$$fresh) && \
	(cd "$$fresh" && find . -type f) | while read -r f; do cmp -s "$$fresh/$$f" "$$f" || { echo "make: $$f differs from its .proto: run make protos and commit" >&2; exit 1; }; done

.PHONY: conformance
conformance: setup tools ## HTTP/2 and gRPC conformance over real sidecars; needs go; writes .cache/conformance/conformance.json
	@$(BIN)/python -m tests.conformance

.PHONY: abuse
abuse: setup ## attacks against real sidecars, each with its benign twin, the slow ones too, then beside Envoy (7 minutes)
	$(BIN)/pytest -q tests/abuse/test_*.py tests/abuse/slow_*.py
	$(BIN)/python -m tests.abuse.beside_envoy

.PHONY: flakes
flakes: setup ## what fails now and then: suites TIMES=20 beside LOAD=2 busy processes, ONLY=rust,python; outputs go to .cache/flakes
	@$(BIN)/python -m tests.flakes --times $(or $(TIMES),20) --load $(or $(LOAD),2) $(if $(ONLY),--only $(ONLY))

SEEDS ?= 1000
START ?= 0
.PHONY: sim
sim: ## the whole mesh on a simulated network and clock: SEEDS=1000 from START=0, or one SEED=n with its trace; FACTS=names or all
	@cd engine && cargo run --release --locked --quiet -p tulle-sim --bin sim -- $(if $(FACTS),--facts $(FACTS)) $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --start $(START))

.PHONY: fuzz interleave soak streams calls
fuzz: $(VENV)/.dependencies ## every fuzz target for SECONDS=60 each, guided by coverage; needs g++; findings are kept in .cache/fuzz
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

interleave: ## what threads share, in every order of their steps (loom)
	cd engine/interleave && cargo test --locked

soak: setup ## mixed load with faults for MINUTES=20: memory, descriptors, errors; writes .cache/soak/soak.json
	@$(BIN)/python -m tests.soak --minutes $(MINUTES)

streams: setup ## streams and sizes through the pair, grpc-go's too; needs go
	$(BIN)/pytest -q tests/streams/test_*.py tests/streams/slow_*.py

calls: setup ## that no honest call is hurt, the slow ones too: 90 s of silence, a minute of cancels (12 minutes)
	$(BIN)/pytest -q tests/calls/test_*.py tests/calls/slow_*.py

.PHONY: stacks peers
stacks: setup ## build the gRPC stacks of tests/peers (Go, Java, JavaScript, Rust) into .cache/peers; needs go, mvn, npm, cargo
	@$(BIN)/python -m tests.peers

peers: stacks ## real gRPC stacks as servers and callers through the pair, at full length (10 minutes)
	$(BIN)/pytest -q tests/peers/test_*.py tests/peers/slow_*.py

# --- measuring ----------------------------------------------------------------------------------------------------------

PEERS := haproxy:haproxy nginx:nginx h2load:nghttp2-client
.PHONY: bench-peers bench-counters bench-full bench-check bench-baseline bench-agree
bench-peers:
	$(call installed,$(PEERS))

bench-counters:
	$(call installed,valgrind:valgrind)

bench: profiled bench-peers ## side by side with Envoy, HAProxy, nginx and an L4 copy (5 minutes); writes bench/results/latest.json
	$(BIN)/python -m bench.run

bench-full: profiled bench-peers ## the whole matrix, picked up where it was left; writes bench/results/full.json and docs/images
	$(BIN)/python -m bench.full

bench-agree: setup bench-peers ## the load generator beside h2load, and beside a server that stalls
	$(BIN)/python -m bench.agree

bench-check: setup bench-counters ## instructions a call against bench/steps/baseline.json; a figure 3 % worse fails
	$(BIN)/python -m bench.steps

bench-baseline: setup bench-counters ## writes bench/steps/baseline.json anew
	$(BIN)/python -m bench.steps --write
