# Everything here works in a clean clone with Rust and nothing else; `make test` says how it finds its servers.
.DEFAULT_GOAL := help
SHELL := /bin/bash
# CI refuses a lock file that does not fit; at work, cargo brings it up to date.
LOCKED := $(if $(CI),--locked)

.PHONY: help demo test services check fmt bench fuzz

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Run a real dataset against a built-in model server: no server, no key
	cargo run -p runmill -- demo

test: ## Run every test, on real servers, and say how many there were
	tests/services/with-servers tests/run

services: ## Say which servers the tests would use
	@tests/services/with-servers

check: ## Check formatting, lints, documentation, comments and dependencies
	cargo fmt --all --check
	cargo fmt --manifest-path tests/containers/Cargo.toml --check
	cargo fmt --manifest-path shared/llm/fuzz/Cargo.toml --check
	cargo clippy $(LOCKED) --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc $(LOCKED) --workspace --all-features --no-deps
	@if command -v cargo-deny >/dev/null; then cargo deny --offline --all-features check bans licenses sources; \
	else echo "cargo-deny is not installed: bans, licenses and sources are not checked"; fi
	@if command -v python3 >/dev/null; then tests/prose/check; \
	else echo "python3 is not installed: the beginnings of comments are not checked"; fi

fmt: ## Format the code
	cargo fmt --all
	cargo fmt --manifest-path tests/containers/Cargo.toml
	cargo fmt --manifest-path shared/llm/fuzz/Cargo.toml

bench: ## Measure items/s, CPU and memory, beside Celery + LiteLLM (options: BENCH="--help")
	tests/services/with-servers tests/bench/run.py $(BENCH)

fuzz: ## Look for bytes that break the model client, 20 s a target (FUZZ_SECONDS=...)
	shared/llm/fuzz/run
