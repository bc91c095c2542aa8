# Everything a contributor runs. The only things that have to be there are make and Python 3.11 or later.
#
#   make demo                      train the digits example
#   make test ARGS="-k linear"     pass extra arguments on to the tool
#   make test PYTHON=python3.13    choose the interpreter (when .venv does not exist yet)

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PYTHON ?=

# The extras behind each stamp below.
EXTRAS_demo := examples,plot
EXTRAS_dev := dev,equinox,examples,flax,notebooks,orbax,plot
EXTRAS_docs := docs,notebooks
EXTRAS_browse := browse,docs,notebooks
EXTRAS_pictures := examples,plot,notebooks

# A file stays in one process, which then compiles the small operations of its tests once.
SPREAD := -n auto --dist loadfile

# Of these, `make test` tries a part of the rows, or of the random examples.
LAWFUL = tests/conformance $(shell grep -rlE "tests\.budget|hypothesis" --include="test_*.py" tests | grep -v ^tests/conformance | sort)


.PHONY: help demo test laws lint types docs browse pictures bench format clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.installed-demo  ## train a convolutional network on the digits data
	$(BIN)/python examples/digits.py $(ARGS)

test: $(VENV)/.installed-dev  ## run the tests and the examples in docstrings
	$(BIN)/python -m pytest $(SPREAD) $(ARGS)

laws: $(VENV)/.installed-dev  ## run every law for every layer, loss and metric, and all examples; `make test` tries a part
	TREEXLITE_LAWS=all $(BIN)/python -m pytest $(SPREAD) $(LAWFUL) $(ARGS)

lint: $(VENV)/.installed-dev  ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev  ## rewrite the files in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed-dev  ## check the types, strictly
	$(BIN)/mypy $(ARGS)

docs: $(VENV)/.installed-docs  ## build the documentation into site/
	$(BIN)/mkdocs build --strict $(ARGS)
	$(BIN)/python -m docs.tools.check_site site

browse: $(VENV)/.installed-browse  ## open every page in Chromium, wide and narrow, light and dark, and save pictures in runs/shots/
	@$(MAKE) docs ARGS=
	$(BIN)/python -m docs.tools.browse site --shots runs/shots $(ARGS)

pictures: $(VENV)/.installed-pictures  ## make the pictures of the documentation anew, with the code of its pages and examples
	$(BIN)/python -m docs.tools.pictures $(ARGS)

bench: $(VENV)/.installed-dev  ## measure calls, compiled programs, verbs and compiling against raw JAX and its frameworks
	@for script in dispatch memory "verbs --quick" "compile --quick" repeated "layers --quick" "metrics --quick" "decoding --quick" "fit --quick" "checkpoint --quick"; do \
	    set -- $$script; script=$$1; shift; \
	    echo; echo "== benchmarks/$$script.py $$*"; $(BIN)/python benchmarks/$$script.py "$$@" || exit 1; \
	done

clean:  ## remove what the other targets made, except .venv
	rm -rf site dist runs .pytest_cache .mypy_cache .ruff_cache .hypothesis .xla_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each group of extras: it is installed again only when pyproject.toml has changed.
$(VENV)/.installed-%: pyproject.toml | $(VENV)/.created
	@echo "Installing treexlite[$(EXTRAS_$*)] into $(VENV) (the first time takes a few minutes)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$(EXTRAS_$*)]"
	@touch $@

# The first interpreter that runs and is recent enough; a name on the path need not be one that runs.
$(VENV)/.created:
	@found=; seen=; \
	for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python); do \
	    version=$$("$$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	    seen="$$seen $$candidate ($$version)"; \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "treexlite needs Python 3.11 or later; found:$${seen:- none that runs}." >&2; \
	    echo "Install one, or name it: make PYTHON=/path/to/python3.11 TARGET" >&2; \
	    exit 1; \
	fi; \
	echo "Creating $(VENV) with $$found ($$version)"; \
	"$$found" -m venv --clear $(VENV) || { \
	    echo "$$found cannot make a virtual environment; Debian and Ubuntu keep that in the package python3-venv." >&2; \
	    exit 1; \
	}
	@touch $@
