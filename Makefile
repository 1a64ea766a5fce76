# Needs Python 3.11 or later with pip, and nothing else; all goes into .venv.
#
#   make demo    show and load the virtio devices of a saved QEMU machine
#   make test    run all tests that need no QEMU
#   make check   what a contributor runs before a commit
#   make clean   remove what these made

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
# pip installs into $(VENV) from outside, so that ensurepip (python3-venv) is not needed either.
PIP := $(PYTHON) -m pip --disable-pip-version-check --python $(VENV)/bin/python install -q
SETTINGS := core/pyproject.toml $(sort $(wildcard plugins/*/pyproject.toml))
PROJECTS := $(SETTINGS:%/pyproject.toml=%)
SAMPLE := samples/x86-q35.mig

.PHONY: demo test check clean

demo: $(VENV)/installed
	$(VENV)/bin/virtmig inspect $(SAMPLE)
	$(VENV)/bin/virtmig load --trace $(SAMPLE)

test: $(VENV)/tests-installed
	$(RUN) pytest -m "not qemu and not isolated"

check: $(VENV)/tests-installed
	$(PIP) tox
	$(RUN) tox run-parallel -e lint,typing,docs,golden,isolated-core,mindeps,pkg

$(VENV)/installed: $(SETTINGS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv --without-pip $(VENV)
	$(PIP) $(PROJECTS:%=-e ./%)
	touch $@

$(VENV)/tests-installed: $(VENV)/installed
	$(PIP) pip -e './core[lzo,new,testing,url,zstd]'
	touch $@

clean:
	rm -rf $(VENV) .tox build
