# Every target works in a clean clone with Rust installed. `make services` shows where the tests get servers from.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# In CI an outdated lock file is an error; otherwise cargo updates it.
LOCKED := $(if $(CI),--locked)

# Programs that a target installs for itself.
TOOLS := $(CURDIR)/target/tools
WITH_TOOLS := PATH="$(TOOLS)/bin:$$PATH"
# It reads the crates of all platforms, which `cargo fetch` downloads.
DENY := $(WITH_TOOLS) cargo deny --offline --all-features

# The suites that also run on newer servers, outside CI.
ON_NEWER := --workspace --test store --test amqp

.PHONY: help demo test faults soak services check fmt bench flood sharing fuzz api prices code-scorer servers old-runs upgrade deny sbom test-clients test-dashboards

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Run a real dataset against a built-in model server: no server, no key
	cargo run -p runmill -- demo

test: ## Run every test on real servers, and print how many passed (SERVERS=new: broker and store on newer servers)
	$(if $(filter new,$(SERVERS)),tests/services/newer tests/run $(ON_NEWER),tests/services/with-servers tests/run)

FAULTS := cargo test $(LOCKED) --workspace --all-features --test faults --

faults: ## Run all fault scenarios, about 15 minutes (ONLY=name, SEED=n for one mix of random faults again)
	$(FAULTS) $(if $(SEED),--seed $(SEED),$(if $(ONLY),--only "$(ONLY)",--all))

soak: ## Run 500 items/s with a fault every 30 s, and compare the memory of every process (MINUTES=60)
	$(FAULTS) --soak $(or $(MINUTES),60)

services: ## Show which servers the tests would use
	@tests/services/with-servers

check: ## Check formatting, lints, documentation, comments and dependencies
	cargo fmt --all --check
	cargo fmt --manifest-path tests/containers/Cargo.toml --check
	for crate in shared/llm proto services/dispatcher; do cargo fmt --manifest-path $$crate/fuzz/Cargo.toml --check || exit; done
	cargo clippy $(LOCKED) --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc $(LOCKED) --workspace --all-features --no-deps
	@if $(WITH_TOOLS) command -v cargo-deny >/dev/null; then cargo fetch $(LOCKED) && $(DENY) check bans licenses sources; \
	else echo "cargo-deny is not installed (make deny installs it): bans and sources are not checked, licences by a test"; fi
	@if command -v python3 >/dev/null; then tests/prose/check; \
	else echo "python3 is not installed: the beginnings of comments are not checked"; fi

.PHONY: check-infra test-manifests demo-compose
# Checks are the executables of tests/infra.
check-infra: ## Check the Helm chart, Compose's file, the Dockerfile and the alerts with the real tools (downloads them once)
	@status=0; for check in $$(find tests/infra -maxdepth 1 -type f -executable | sort); do \
	started=$$SECONDS; $$check || status=1; echo "$$check took $$((SECONDS - started)) s"; done; exit $$status

test-manifests: ## Run the chart's manifests as processes, scaled, rolled and with a dispatcher killed (MANIFESTS="--help"; needs root)
	cargo build $(LOCKED) --workspace --all-features --bin runmill
	tests/services/with-servers tests/infra/kubelet/run $(MANIFESTS)

demo-compose: ## Build the image, and run a real dataset through an installation of containers (needs an engine such as Docker)
	infra/demo

fmt: ## Format the code
	cargo fmt --all
	cargo fmt --manifest-path tests/containers/Cargo.toml
	for crate in shared/llm proto services/dispatcher; do cargo fmt --manifest-path $$crate/fuzz/Cargo.toml || exit; done

bench: ## Measure items/s, CPU and memory (BENCH="--help"), or compare them with a commit's (BASE=COMMIT)
	tests/services/with-servers tests/bench/run.py $(if $(BASE),--base $(BASE)) $(BENCH)

flood: ## Hold 4,000 half-open and slow connections against a server with 1,024 open files for a minute
	cargo test --workspace --all-features --test e2e -- --ignored --nocapture flood::a_minute

sharing: ## Let five clients and a batch share a provider's limits, and compare their shares, 40 s on a quiet machine
	tests/services/with-servers cargo test --workspace --all-features --test e2e -- --ignored --nocapture --test-threads 1 sharing::

old-runs: ## Measure a run beside 10,000,000 results of a year, and the removal of half of them, about 30 minutes (BENCH=...)
	tests/services/with-servers tests/bench/run.py --parts old-runs $(BENCH)

fuzz: ## Fuzz the readers of answers, messages and datasets, 20 s for each target (FUZZ_SECONDS=...)
	tests/fuzz/run

api: ## Check the API against its description with schemathesis, 60 s (API_SECONDS=..., downloads it)
	tests/api/run

prices: ## Compare the costs of 2,000 usages with LiteLLM's (downloads LiteLLM)
	tests/prices/run

.PHONY: screens
screens: ## Show commands in a terminal of 60, 80 and 120 columns, and write docs/screens.md (needs tmux)
	tests/screens/run

.PHONY: scoring statistics compare-scorers math-bounds
scoring: ## Print how many right and wrong answers scorers accept, in 48 styles of answers
	cargo test $(LOCKED) -p runmill-scoring --test styles -- --nocapture --test-threads 1

compare-scorers: ## Compare scorers with inspect, lm-eval and math-verify on outputs of a real model (downloads them)
	tests/scorers/run

math-bounds: ## Measure time and memory of the scorer of mathematics on 50,000 tricky and random pairs, in a release build
	cargo run --release $(LOCKED) -p runmill-scoring --example math_bounds

statistics: ## Compare statistics of scores with scipy's on 1,000 random cases (downloads scipy)
	tests/statistics/run

upgrade: ## Upgrade a run in progress from the release before and roll it back, in all orders (builds that release once)
	tests/upgrade/build
	tests/services/with-servers cargo test $(LOCKED) --workspace --all-features --test e2e -- --ignored upgrade::

deny: ## Check licences, sources and banned crates with cargo-deny, and list the licences (installs it in target/tools once)
	$(WITH_TOOLS) command -v cargo-deny >/dev/null || cargo install --locked cargo-deny --root $(TOOLS)
	cargo fetch $(LOCKED)
	$(DENY) check bans licenses sources
	$(DENY) list

sbom: ## Write the bill of materials of the binary to target/runmill.cdx.json (installs cargo-cyclonedx in target/tools once)
	$(WITH_TOOLS) command -v cargo-cyclonedx >/dev/null || cargo install --locked cargo-cyclonedx --root $(TOOLS)
	$(WITH_TOOLS) cargo cyclonedx --describe binaries --all-features --target all --format json --spec-version 1.5
	mv services/runmill/*.cdx.json target/runmill.cdx.json

# dev is quicker to build, and goes to a folder of its own.
PROFILE := dist
PACKAGES := $(or $(CARGO_TARGET_DIR),target)/packages$(if $(filter-out dist,$(PROFILE)),/$(PROFILE))

.PHONY: wheel deb test-packages
wheel: ## Build the Python wheel that carries the program into target/packages (downloads maturin once)
	infra/packages/wheel --profile $(PROFILE)

deb: ## Build the Debian package with man pages, completions and units into target/packages (installs cargo-deb in target/tools once)
	$(WITH_TOOLS) command -v cargo-deb >/dev/null || cargo install --locked cargo-deb@3.8.0 --root $(TOOLS)
	$(WITH_TOOLS) infra/packages/deb --profile $(PROFILE)

test-packages: wheel deb ## Install both packages into clean places, and use what is there (PROFILE=dev)
	tests/packages/run $(PACKAGES)

code-scorer: ## Score HumanEval's solutions and wrong answers in the sandbox of programs, 2,000 in about 5 minutes (downloads them)
	tests/code-scorer/run

servers: ## Check runmill against model servers that others wrote (SERVERS="--help")
	tests/servers/matrix.py $(SERVERS)

test-clients: ## Run evaluation harnesses as they are through the front door of a cluster (CLIENTS="--only inspect" or "--together"; downloads them)
	tests/services/with-servers tests/clients/run $(CLIENTS)

.PHONY: test-exports test-browser
test-browser: ## Use the pages in Chromium, which it installs where it may (PICTURES=FOLDER writes a picture of each page)
	tests/browser/run $(if $(PICTURES),--pictures $(PICTURES))

test-exports: ## Read exports of runs with DuckDB, pandas, polars, pyarrow and inspect, and compare the rows (downloads them)
	tests/exports/run

.PHONY: compare-commands
compare-commands: ## Do twelve everyday jobs with runmill, inspect and promptfoo, and write docs/peers.md (COMMANDS="--only gate"; downloads them)
	tests/commands/run $(COMMANDS)

test-dashboards: ## Look for data of each panel under a real Prometheus, and make the fault of each alert, 6 minutes (DASHBOARDS="--panels")
	tests/services/with-servers tests/infra/dashboards/run $(DASHBOARDS)
