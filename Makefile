# One venv, made once; `make test` on a fresh machine needs nothing but Python 3.11 or later and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
DEBIAN := nginx-light libnginx-mod-http-modsecurity postfix swaks wrk curl nftables iproute2 dovecot-imapd postgresql

.PHONY: setup compiled interpreted debian demo test lint bench load soak quality image clean

setup: $(VENV)/.done
$(VENV)/.done: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,load]'
	touch $@

# The data path as machine code, beside its source (docs/decisions/0009-compiled.md). After a change there: again.
compiled: setup interpreted
	REVPROXY_COMPILE=1 $(BIN)/python setup.py -q build_ext --inplace
	find revproxy -name '*.so' -exec touch {} +

interpreted:
	find revproxy -name '*.so' -delete

demo: setup
	$(BIN)/revproxy demo $(ARGS)

# The end-to-end tests use real servers. Without root or apt-get each of them says what it misses.
debian:
	@sh tests/e2e/debian.sh $(DEBIAN)

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup debian lint
	$(BIN)/pytest $(ARGS)

# With the Python that the image has, where it is there and no other was asked for (PYTHON=...): what is deployed.
BENCH := .venv-bench
BENCH_PYTHON = $(if $(filter file,$(origin PYTHON)),$$(sh bench/python.sh $(PYTHON)),$(PYTHON))
bench: debian
	@sh tests/e2e/debian.sh python3-venv python3-dev
	$(MAKE) compiled VENV=$(BENCH) PYTHON="$(BENCH_PYTHON)"
	$(BENCH)/bin/python -m bench $(ARGS)

load: setup debian
	$(BIN)/python -m tests.load $(ARGS)

soak: setup
	$(BIN)/python -m tests.soak $(ARGS)

quality: setup
	$(BIN)/python -m tests.quality $(ARGS)

# As root, with buildah and debootstrap: docker/README.md.
image:
	docker/build-image.sh build/image

clean:
	find revproxy -name '*.so' -delete
	rm -rf build $(VENV) $(BENCH) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
