# What a developer does here. A fresh machine needs Python 3.11 or newer and make.
#
#   PYTHON=…    the interpreter of .venv, when it is made (`make clean` first to change it)
#   ARGS=…      goes to pytest (make test), tox (make matrix) or the benchmarks (ARGS=--quick)

PYTHON ?= $(shell scripts/find-python.sh)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DJANGO := PYTHONPATH=.:example_project DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -m django

# A package that appears must reach an environment made before it.
PACKAGES := $(wildcard django_*/__init__.py)

.PHONY: help demo test check matrix bench services docs package messages clean
.PHONY: check-style check-types check-imports check-migrations check-templates check-messages
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/demo.stamp ## Show the example project at work, then serve it (SERVE=no: end there)
	$(BIN)/python example_project/demo.py $(if $(filter no,$(SERVE)),--no-serve)

test: $(VENV)/dev.stamp ## Run the tests on SQLite, and on PostgreSQL and MariaDB where they answer
	@$(BIN)/python -m scripts.run_tests $(ARGS)

check: check-style check-types check-imports check-migrations check-templates check-messages docs ## Check style, types, imports, migrations, templates, catalogues, docs
	@echo "All checks passed."

check-style: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-types: $(VENV)/dev.stamp
	$(BIN)/mypy

check-imports: $(VENV)/dev.stamp
	PYTHONPATH=.:example_project $(BIN)/lint-imports --no-logo

check-migrations: $(VENV)/dev.stamp
	$(DJANGO) makemigrations --check --dry-run

check-templates: $(VENV)/dev.stamp
	$(BIN)/djlint . --lint --quiet

check-messages: $(VENV)/dev.stamp
	@$(BIN)/python -m scripts.check_catalogues

matrix: $(VENV)/dev.stamp ## Run the tests of the built package on each Python with its Django
	@$(BIN)/python -m scripts.run_matrix $(ARGS)

bench: $(VENV)/dev.stamp ## Run every benchmark, with the peers in benchmarks/.venvs
	@$(BIN)/python -m benchmarks $(ARGS)

services: ## Start the servers that the tests like to have
	@python="$(PYTHON)"; test -n "$$python" && "$$python" -m scripts.start_services

docs: $(VENV)/dev.stamp ## Build the documentation, warnings as errors
	$(BIN)/sphinx-build --quiet -W --keep-going docs docs/_build/html

package: $(VENV)/dev.stamp ## Build sdist and wheel into dist/, and test that wheel
	rm -rf build dist
	$(BIN)/python -m build --outdir dist
	OPSKIT_WHEEL="$$(ls $(CURDIR)/dist/*.whl)" $(BIN)/python -m pytest -p no:randomly tests/packaging tests/dropin

messages: $(VENV)/dev.stamp ## Bring the catalogues up to date: fill what it leaves empty, run it again
	@for folder in django_*/locale example_project/*/locale; do \
		test -d "$$folder" || continue; \
		(cd "$$folder/.." && django=$(CURDIR)/$(BIN)/django-admin && \
		$$django makemessages --locale es --locale pl --add-location file --no-obsolete && \
		$$django compilemessages) || exit 1; \
	done

clean: ## Remove what these targets made
	rm -rf $(VENV) .tox build dist docs/_build htmlcov .coverage .coverage.* *.egg-info
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@python="$(PYTHON)"; test -n "$$python" && "$$python" -m venv $(VENV)

# Light: what the example project needs, and no tool.
$(VENV)/demo.stamp: setup.cfg pyproject.toml example_project/requirements.txt $(PACKAGES) | $(BIN)/python
	$(PIP) --editable ".[outbox,tasks,api]" --requirement example_project/requirements.txt
	@touch $@

# With all tools; more than the demo needs, so that is satisfied too.
$(VENV)/dev.stamp: setup.cfg pyproject.toml example_project/requirements.txt $(PACKAGES) | $(BIN)/python
	$(PIP) --editable ".[dev]" --requirement example_project/requirements.txt
	@touch $(VENV)/demo.stamp $@
