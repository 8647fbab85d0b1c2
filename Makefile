# The front door. Every target first brings .venv up to date (workflow/setup.sh; nothing to do: a few
# hundredths of a second) and then hands over to Python; the work itself is defined in workflow/.
SHELL := bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# An environment that is active in the calling shell must not leak into ours.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX
export PYTHON APT

run := .venv/bin/python -m

.PHONY: book test check smoke data reproduce clean lock setup help

book: setup        ## build the book from the committed results (build/book/html/index.html)
	@$(run) workflow book

test: setup        ## all checks: sources, types, tests, the small workflow, notebooks, book, browser
	@workflow/setup.sh system
	@$(run) workflow.checks

check: setup       ## the quick part of the checks: sources, types and the faster tests
	@$(run) workflow.checks --quick

smoke: setup       ## run every stage and notebook at small size
	@$(run) workflow smoke

data: setup        ## show where each data set was found, and fetch those that are missing
	@$(run) workflow data

reproduce: setup   ## compute all results anew from raw data (hours) and say what changed
	@$(run) workflow reproduce

clean:             ## remove what was built; .venv, data and committed results stay
	@if [ -x .venv/bin/python ]; then $(run) workflow clean; else rm -rf build; fi

lock:              ## write the lock files anew from pyproject.toml
	@workflow/setup.sh lock

setup:             ## make or mend .venv, and nothing else
	@workflow/setup.sh

help:              ## show this
	@echo "make TARGET [PYTHON=/path/to/python3.11-or-3.12]"
	@sed -n 's/^\([a-z]*\):[a-z ]*## */  \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 14
