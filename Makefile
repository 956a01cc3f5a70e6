# Every target does the setup that it needs. `make` without a target lists them.
BIN := .venv/bin
# One process runs all tests of a file, which share what they have set up; tests/conftest.py says which come first.
PYTEST = $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder
QUICK := tests/unit tests/contract
PYTHON_CODE := $(wildcard hatch_build.py layers/patchlake layers/runtime cli generators functions tests benchmarks)
# Each has a dependency group in pyproject.toml, a lock in verify/ and an environment in .venv-verify/.
VERIFY_TOOLS := checkov lambda ministack readers sam seaweedfs
TOOLS := audit $(VERIFY_TOOLS)
LOCKS := requirements.txt layers/runtime/requirements.txt $(TOOLS:%=verify/%.txt) $(wildcard benchmarks/rivals/*.txt)
TEMPLATES := $(wildcard template.yaml templates/*.yaml)
# Two of those are generated from these, which have placeholders for values: cfn-lint misses enumerated ones (E3030), what a
# !Sub fills in (W1020) and what a parameter is for (W2001).
TEMPLATES_WITH_PLACES := $(wildcard generators/*/*.yaml)

# Without bytecode, each process of the tests would compile the code and rewrite the assertions again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo quick test test-3.14 check tools verify simulate mutants mistakes bench bench-full generate release format lock audit clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make .venv from the locked requirements; other targets call it
	@scripts/setup

demo: setup ## Run the pipeline on an embedded AWS: make demo ARGS="--nodes 50000"
	@$(BIN)/patchlake demo $(ARGS)

quick: check ## Run the checks, then the unit and contract tests
	@$(PYTEST) $(QUICK) $(ARGS)

test: check ## Run the checks, then all tests except those of verify: make test ARGS="-k fence"
	@$(PYTEST) --ignore tests/e2e $(ARGS)

test-3.14: ## Run the unit and contract tests on Python 3.14
	@scripts/setup 3.14
	@$(PYTEST:$(BIN)%=.venv-3.14/bin%) $(QUICK) $(ARGS)

check: setup ## Lint, format, types, import rules, templates
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(PYTHON_CODE)
	$(BIN)/lint-imports
	$(if $(TEMPLATES),$(BIN)/cfn-lint $(TEMPLATES))
	$(if $(TEMPLATES_WITH_PLACES),$(BIN)/cfn-lint --ignore-checks E3030 W1020 W2001 -- $(TEMPLATES_WITH_PLACES))

# Two at a time, so that one unpacks while the other is downloaded.
tools: setup
	@printf '%s\n' $(VERIFY_TOOLS) | xargs -n 1 -P 2 scripts/setup

verify: tools ## Build with sam, scan the templates, run the build: make verify ARGS="-k checkov"
	@$(PYTEST) tests/e2e $(ARGS)

simulate: setup ## Try to break the protocol: make simulate SCHEDULES=100000 SEED=1
	@$(BIN)/python -m tests.simulation --schedules $(or $(SCHEDULES),2000) --seed $(or $(SEED),1)

mutants: setup ## Plant mistakes in the protocol and count the ones that the simulator finds
	@$(BIN)/python -m tests.simulation.mutants

mistakes: tools ## Deploy the stack with one mistake after another: make verify must see each
	@$(BIN)/python -m tests.e2e.broken_deployments $(ARGS)

bench: setup ## Run small benchmarks, in minutes: make bench ARGS=commit
	@$(BIN)/python -m benchmarks $(ARGS)

bench-full: setup ## Run full-size benchmarks, in an hour, and rewrite the tables of the docs
	@$(BIN)/python -m benchmarks --full $(ARGS)

generate: setup ## Check the SQL, then rewrite the generated templates and docs
	@$(BIN)/python -m generators

# The archives have the time of the commit, so that another build of it has the same bytes.
release: setup ## Write wheel, source archive, packaged template and checksums of this commit to dist/
	@test -z "$$(git status --porcelain)" || { echo "There are changes without a commit: commit them first." >&2; exit 1; }
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} $(BIN)/python -m generators.release

format: setup ## Format the code and apply the safe fixes
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

# The functions' requirements are compiled with the full lock as a constraint, so the two cannot disagree.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"
lock: setup ## Pin all requirements again; newest versions: make lock ARGS=--upgrade
	$(LOCK) pyproject.toml --group dev --output-file requirements.txt $(ARGS)
	$(LOCK) --group functions --constraint requirements.txt --output-file layers/runtime/requirements.txt $(ARGS)
	for tool in $(TOOLS); do $(LOCK) --group $$tool --output-file verify/$$tool.txt $(ARGS) || exit 1; done
	for rival in awswrangler dlt pandas; do \
		$(LOCK) benchmarks/rivals/$$rival.in --output-file benchmarks/rivals/$$rival.txt $(ARGS) || exit 1; done
	@scripts/setup

# Strict: a package that PyPI could not be asked about fails the audit, so it never passes without a network.
audit: ## Ask PyPI for known vulnerabilities of every locked package
	@scripts/setup audit
	.venv-verify/audit/bin/pip-audit --strict --disable-pip --require-hashes $(LOCKS:%=--requirement %)

clean: ## Remove everything that make has made
	rm -rf .venv .venv-3.14 .venv-benchmarks .venv-verify .aws-sam demo dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
