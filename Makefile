# Everything that is done with this repository. PYTHON=python3.12 chooses the interpreter.

PYTHON ?= python3
VENV := $(if $(filter python3,$(PYTHON)),.venv,.tools/venv-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -p tests.plugins
OURS := "not clients and not crash and not browser and not fuzz"
IN_MEMORY = TMPDIR="$$(tests/memory)"
ARGS ?=
# Where it is set, every server that a test starts would compile the whole program again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup serve test check fix docs messages migration clients crash browser fuzz postgres bench

help: ## list these
	@awk -F ': *[^#]*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.for-developers ## a virtual environment with all that developers need

serve: $(VENV)/.for-users ## start the registry: make serve ARGS="--port 9000"
	@$(BIN)/harbor serve $(ARGS)

test: setup ## every test that needs nothing but Python: make test ARGS="-k members"
	-tests/install slapd
	$(IN_MEMORY) $(PYTEST) -m $(OURS) -n auto $(ARGS)

check: setup ## style, types, import contracts, migrations, generated pages
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/harbor docs --check
	tests/with_database $(BIN)/alembic check
	tests/with_database $(BIN)/alembic downgrade -1

fix: setup ## mend what of the style can be mended by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: setup ## write the reference pages
	$(BIN)/harbor docs

messages: setup ## collect the texts of pages for translators, and list what Chinese lacks
	$(BIN)/python -m tests.messages

migration: setup ## write the migration that the tables need: make migration name=add_robot_expiry
	@test -n "$(name)" || { echo "say what it does: make migration name=add_robot_expiry"; exit 1; }
	tests/with_database $(BIN)/alembic revision --autogenerate -m "$(name)" \
		--rev-id $$(printf %04d $$(($$(ls alembic/versions/*.py | wc -l) + 1)))

clients: setup ## docker, podman, buildah, skopeo, crane, oras, helm and the OCI conformance suite
	tests/clients/install
	$(PYTEST) -m clients -n 2 --dist loadfile $(ARGS)

crash: setup ## kill real servers, and look at what they kept
	$(PYTEST) -m crash -n 2 --dist loadfile $(ARGS)

browser: setup ## what the pages do in Chromium; pictures of them go to .tools/screenshots
	tests/install chromium-headless-shell fonts-noto-cjk
	tests/browser/identity/install
	$(PYTEST) -m browser -n 2 --dist loadfile $(ARGS)

fuzz: setup ## requests that the OpenAPI document allows and forbids, by Schemathesis
	$(PYTEST) -m fuzz -n 2 $(ARGS)

postgres: setup ## the tests of "make test" that need a database, on PostgreSQL
	tests/with_postgres tests/with_database $(BIN)/alembic check
	$(IN_MEMORY) tests/with_postgres $(PYTEST) -m $(OURS) -n auto $(ARGS)

bench: setup ## how fast it is beside CNCF distribution: make bench ARGS="--short"
	benchmarks/install
	$(BIN)/python -m benchmarks $(ARGS)

$(VENV)/.for-users: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.for-developers: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.for-users

$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tests/install $(notdir $(PYTHON))-venv
	$(PYTHON) -m venv $(VENV)
