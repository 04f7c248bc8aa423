# Each target sets itself up: the environment is made from locked files, which needs Python 3.11+ with venv. One that only
# runs leaves out what lint and tests need.
PYTHON ?= python3
CORES ?= $(shell nproc)
# CONFIG=mine.yaml lays that file, or several, over config.yaml.
OVERLAY = $(if $(CONFIG),--configfile $(CONFIG))
BIN := .venv/bin
# CORES processes share the tests; one that has none left takes over half of what another still has. Each computes in one
# thread: those of linear algebra would wait for one another, and cost more than they bring.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest --durations=20 --numprocesses $(CORES) --dist worksteal
# Bars in a terminal, plain lines elsewhere.
# Snakemake names neither the file nor the line of what it cannot read, so an overlay is read first.
SNAKEMAKE = $(if $(CONFIG),$(BIN)/python -m cevnsi check $(addprefix --configfile ,$(CONFIG)) &&) $(BIN)/snakemake $$(test -t 2 && echo --logger rich) --cores $(CORES) $(OVERLAY) --

.PHONY: figures coherent coverage report hepdata test test-fast lint mutants bench bench-smoke test-cluster test-browser verify readme tour docs clean env checks

figures: env
	$(SNAKEMAKE)

# One page of everything, results/report.html, to be opened offline; runs what is not there yet.
report: env
	$(SNAKEMAKE) report

# What the public data of COHERENT say together: results/studies/coherent/.
coherent: env
	$(SNAKEMAKE) coherent

# Regions and ranges that end at critical values from pseudo-data, of every scan with a section coverage.
coverage: env
	$(SNAKEMAKE) coverage

# A submission to HEPData from finished results; fails unless their validator accepts it.
hepdata: env
	$(SNAKEMAKE) hepdata

# All tests, on every core; with COVERAGE=1, which takes a fifth longer, also how much of the code they run.
test: checks
	$(PYTEST) $(if $(COVERAGE),--cov --cov-report=term)

# Those of the physics that take no long, in a minute on two cores: neither workflow nor bad data nor brute force.
test-fast: checks
	$(PYTEST) -m "not slow" tests/unit tests/property tests/data tests/paper

lint: checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check .
	$(BIN)/mypy
	$(BIN)/python tests/lint_workflow.py

# Whether the tests see small faults: a sample of them in a copy of the library (tests/mutants/README.md).
mutants: checks
	$(BIN)/python tests/mutants/run.py --jobs $(CORES)

# How fast it is: a table, results/benchmark.json and a figure of growth; the short form only sees that it works.
bench: env
	PYTHONPATH=benchmarks:tests/support $(BIN)/python benchmarks/run.py

bench-smoke: env
	PYTHONPATH=benchmarks:tests/support $(BIN)/python benchmarks/run.py --smoke --results results/smoke

# A private two-node Slurm in a temporary folder; installs Debian's slurm-wlm and munge if missing (as root only).
test-cluster: checks
	bash tests/cluster/run.sh

# The report in a real headless Chromium. The only target that needs more than the environment: it installs playwright,
# and Chromium if there is none (Debian's as root, else the one that playwright downloads). COVERED=paper has critical
# values of that analysis made before, which the report shows as it shows all that are there.
test-browser: checks
	$(if $(COVERED),$(SNAKEMAKE) $(COVERED:%=coverage_%))
	$(SNAKEMAKE) report
	bash tests/browser/run.sh

# A finished run against the recorded contours and ranges.
verify: figures
	$(BIN)/python tests/reference/verify.py

# Tables and pictures of README.md and docs/, from finished results.
readme: figures coherent coverage
	$(BIN)/python docs/generate.py

# What the cells of docs/tour.ipynb show.
tour: checks
	$(BIN)/python docs/tour.py

# The pages of README.md and docs/ and the library by its docstrings, site/index.html, to be opened offline. All of it anew:
# of what it left as it was Sphinx would not repeat a warning, which fails it.
docs: .venv/.docs
	rm -rf site
	$(BIN)/python -m sphinx --fresh-env --fail-on-warning --quiet \
		--conf-dir docs --doctree-dir .venv/doctrees . site
	rm -rf jupyter_execute

env: .venv/.complete

checks: .venv/.checks

# An environment holds the interpreter and the library of the folder it was made in: one that came along when the folder
# was copied or moved is another project's, and is made anew.
ifneq ($(shell test "$$(cat .venv/.complete 2>/dev/null)" = "$$(pwd -P)" || echo another),)
.PHONY: .venv/.complete
endif

# Snakemake gives the path of the interpreter to a shell, unquoted; Python makes no environment below a colon.
.venv/.complete: envs/requirements.lock envs/uv.lock envs/install.sh pyproject.toml
	@case "$$(pwd -P)" in *[[:space:]\'\"\`\$$\&\|\;\<\>\(\)\*\?\\:]*) echo "Snakemake cannot run in $$(pwd -P): move this folder to a path without spaces, quotes and other characters that a shell reads"; exit 1;; esac
	@$(PYTHON) -c '' 2>/dev/null || { echo "$(PYTHON) is not found, or does not start: Python 3.11 or newer is needed (make PYTHON=python3.12 ...)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is too old: Python 3.11 or newer is needed (make PYTHON=python3.12 ...)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { echo "this Python cannot make environments: install its venv package (Debian, Ubuntu: python3-venv)"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	sh envs/install.sh envs/requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@pwd -P > $@

.venv/.checks: .venv/.complete envs/checks.lock
	sh envs/install.sh envs/checks.lock
	@touch $@

.venv/.docs: .venv/.complete envs/docs.lock
	sh envs/install.sh envs/docs.lock
	@touch $@

clean:
	rm -rf results logs site docs/api jupyter_execute .snakemake
