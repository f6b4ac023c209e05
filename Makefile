# Every command that a person or CI types. `make` alone prints them.
# On a bare Debian 12 with Python, git and make, `make demo` and `make test` work as the first command.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Real images for tests and evaluation, where they lie beside the project; see docs/development.md
ifneq ($(wildcard ../shared/data/README.md),)
export GEO_R1_DATA ?= $(abspath ../shared/data)
endif

# Settings of whoever calls must not leak into QGIS or into the service
unexport PYTHONPATH PYTHONHOME PROJ_LIB PROJ_DATA GDAL_DATA
export PYTHONDONTWRITEBYTECODE = 1

PY := .venv/bin/python
RESULTS := build/test-results
PYTEST := $(PY) -m pytest -p no:cacheprovider
# QGIS tests import the plugin from build/, the very tree that goes into the zip
# Qt's own offscreen platform: windows become active without a window manager, so keys and shortcuts arrive
PYTEST_QGIS := QT_QPA_PLATFORM=offscreen .venv-qgis/bin/pytest -p no:cacheprovider -o pythonpath="build ."

# What `make test` runs, the longest first, LANES at once; then one by one what measures the window's time. CI adds the newer QGIS: make test TIERS="… qgis-trixie-backports alive-trixie-backports"
TIERS := backend qgis faults fast qt6 alive e2e
ALONE := alive% e2e
LANES := 2
# QGIS 3.40 and 3.44 in folders with another Debian (scripts/qgis_chroot.sh)
QGIS_SUITES := trixie trixie-backports

.PHONY: help setup lock setup-core setup-run demo run serve test test-fast test-backend test-qgis test-qgis-new \
	test-qt6 test-faults test-e2e test-gpu test-kernels exactness cov check format format-check lint types imports translations wire build zip zip-check wheel-check evaluate held-out bench-cpu bench-gpu bench-grpo bench-train bench-newkind bench-whole proof-newkind test-remote soak clean

help: ## print this list
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 15

# ---- set up ----------------------------------------------------------------------------------------------------------

setup: ## system packages that are missing, .venv and .venv-qgis with everything for tests
	@scripts/setup.sh full

lock: setup ## write down the versions in .venv that were seen working (scripts/constraints.txt)
	@{ sed -n '/^#/p' scripts/constraints.txt; .venv/bin/python -m pip freeze --exclude-editable --exclude torch \
		| sed 's/$$/; python_version == "3.11"/'; } > build/constraints.txt
	@mv build/constraints.txt scripts/constraints.txt

setup-core:
	@scripts/setup.sh core

setup-run:
	@scripts/setup.sh run

# ---- use -------------------------------------------------------------------------------------------------------------

demo: setup-run build ## real QGIS driven like a person: query, reasoning, polygon, GeoPackage, picture in demo-output/
	@scripts/demo.sh

run: setup-run build ## QGIS with the plugin and the demo raster; it waits for you
	@scripts/demo.sh --by-hand

serve: setup-core ## the service with the embedded model, in this terminal
	@.venv/bin/geo-r1 serve

evaluate: setup ## measure the shipped model with the frozen recipe (many minutes on a CPU)
	@.venv/bin/geo-r1 evaluate

held-out: setup ## planes on held-out airports, cars by street scene: windows beside the whole view (10 minutes)
	@.venv/bin/geo-r1 evaluate --suite airports --windows auto,view,300
	@.venv/bin/geo-r1 evaluate --suite streets --windows auto,view,300

bench-cpu: setup build ## speed on this CPU beside transformers and torch, start, memory, the dock; a table (5 minutes)
	@$(PY) scripts/bench/cpu.py

# ---- test ------------------------------------------------------------------------------------------------------------

test: setup build ## everything that needs no GPU, real QGIS and the demo included
	@rm -rf $(RESULTS)
	@status=0; $(PY) scripts/run_tiers.py --lanes $(LANES) --logs $(RESULTS) $(filter-out $(ALONE),$(TIERS)) \
		--alone $(filter $(ALONE),$(TIERS)) || status=1; \
	scripts/test_report.py $(RESULTS) --require $(filter-out fast backend,$(TIERS)) || status=1; \
	exit $$status

test-fast: setup ## pure and contract tests without the slow ones: the command typed all day
	@$(PYTEST) -q tests/pure tests/contracts -m "not slow"

test-backend: setup ## the service over real HTTP with the embedded model
	@$(MAKE) tier-backend

test-qgis: setup build ## real QGIS; prints the versions first
	@$(MAKE) tier-qgis tier-alive

test-qgis-new: setup build ## the same and the demo in QGIS 3.40 and 3.44, each in a folder of its own (needs root, 2 GB each)
	@rm -rf $(RESULTS); status=0; \
	for suite in $(QGIS_SUITES); do scripts/qgis_chroot.sh test $$suite tests/qgis tests/e2e --timeout=400 || status=1; done; \
	scripts/test_report.py $(RESULTS) --require $(addprefix qgis-,$(QGIS_SUITES)) || status=1; \
	exit $$status

test-qt6: setup build ## widgets and network code on Qt 6, with a small stand-in for qgis.core
	@$(MAKE) tier-qt6

test-faults: setup build ## kill -9, full disks, locks, dead networks; 200 kills at random moments (about 15 minutes)
	@GEO_R1_KILLS=200 $(MAKE) tier-faults FAULTS_TIMEOUT=2400
	@GEO_R1_RUN_KILLS=60 $(PYTEST) -q tests/backend/test_run_kills.py --timeout=900

exactness: setup build ## how exact polygons are, in pixels, per raster geometry and CRS: the table of docs/reliability.md
	@$(PYTEST_QGIS) -q -p tests.qgis.exactness_table tests/qgis/test_exactness_matrix.py tests/qgis/test_exactness_far.py

bench-whole: setup build ## memory and time of runs over rasters of 1 Mpx to 1 Gpx, with a service that answers at once (20 minutes)
	@QT_QPA_PLATFORM=offscreen PYTHONPATH=build:. .venv-qgis/bin/python -m tests.qgis.bench_whole

test-e2e: setup build ## QGIS, service process and embedded model together; the demo is one of them
	@$(MAKE) tier-e2e

cov: setup build ## branch coverage of all tiers in one report; gui/ is in it
	@rm -rf build/coverage; mkdir -p build/coverage
	@.venv/bin/coverage run -m pytest -p no:cacheprovider -q tests/pure tests/contracts tests/backend
	@QT_QPA_PLATFORM=offscreen .venv-qgis/bin/coverage run -m pytest -p no:cacheprovider \
		-o pythonpath="build ." -q tests/qgis
	@.venv/bin/coverage combine -q build/coverage
	@.venv/bin/coverage report

bench-grpo: setup ## one GRPO step of a 3B model beside TRL, on a GPU (minutes); BENCH="--plan lean" and the like
	@$(PY) scripts/bench/gpu_grpo.py --out build/bench/grpo.json $(BENCH)

bench-gpu: setup ## the torch engine on a GPU beside transformers, 3B geometry, random weights (10 minutes; BENCH="--self-check" or "--only ours")
	@$(PY) scripts/bench/gpu_engine.py --out build/bench/gpu.json $(BENCH)

.PHONY: bench-gpu-service
bench-gpu-service: setup ## the service with a 3B model of random weights on a GPU, driven over HTTP; writes build/bench/gpu_service.md (2 minutes, 8 GB of disk)
	@$(PY) scripts/bench/gpu_service.py $(BENCH)

.PHONY: bench-tiles
bench-tiles: setup ## many tiles through the service: tiles a second, a question in between, memory (15 minutes; BENCH="--parts tiles,again")
	@PYTHONPATH=backend:scripts/bench $(PY) scripts/bench/tiles.py $(BENCH)

.PHONY: bench-global
bench-global: setup ## comparisons over whole mosaics by tiles and geometry, beside one shrunken view (30 minutes; BENCH="--mosaics 8")
	@PYTHONPATH=.:backend $(PY) scripts/bench/global_comparison.py $(BENCH)

bench-train: setup ## seconds of a fine-tuning step with the embedded model on this CPU (1 minute; BENCH="--adaptation lora")
	@PYTHONPATH=backend $(PY) scripts/bench/training_step.py $(BENCH)

bench-newkind: setup ## fine-tuning on 20 roofs, asked on 150 others, embedded model (10 minutes an arm; BENCH="ARM --task rec --seeds 0 1 2")
	@PYTHONPATH=backend $(PY) scripts/bench/new_kind.py build/newkind $(or $(BENCH),sft_dapo-full --task rec)

proof-newkind: setup build ## 20 roofs in real QGIS, trained from the dock, 150 others asked before and after, 3 seeds (40 minutes; PROOF="--seeds 0")
	@PYTHONPATH=backend:scripts/bench $(PY) scripts/proof/run.py --out build/proof $(PROOF)

bench-fewshot: setup ## few shots of NWPU by rewards and by imitation, with tables; resumes (hours on a CPU; BENCH="--stage first --shard 1/4")
	@$(PY) scripts/bench/fewshot/run.py --out build/fewshot $(BENCH)
	@$(PY) scripts/bench/fewshot/run.py --out build/fewshot --table

test-remote: setup ## the remote engine against real servers: transformers serve, and llama.cpp's, built once (10 minutes, 600 MB)
	@scripts/llama_cpp.sh
	@$(PYTEST) -q tests/backend/test_remote_faults.py tests/backend/test_remote_servers.py tests/servers

soak: setup ## half an hour of steady work on the service; fails on anything that grows (SOAK_MINUTES=)
	@$(PY) scripts/soak.py

test-kernels: setup ## Triton's kernels beside plain torch without a GPU, by Triton's interpreter (installs it into build/, 2 minutes)
	@test -d build/triton || $(PY) -m pip install -q --no-deps --target build/triton "triton==3.6.0" "numpy<2.4"
	@PYTHONPATH=build/triton TRITON_INTERPRET=1 $(PYTEST) -q tests/gpu/test_qwen_kernels.py -m gpu --timeout=400

test-gpu: setup ## tests that need a CUDA device
	@$(PYTEST) -q tests/gpu -m gpu

.PHONY: tier-fast tier-backend tier-qgis tier-alive tier-qt6 tier-faults tier-e2e
tier-fast:
	@$(PYTEST) -q tests/pure tests/contracts --junitxml=$(RESULTS)/fast.xml

tier-backend:
	@$(PYTEST) -q tests/backend tests/hostile --junitxml=$(RESULTS)/backend.xml

tier-qgis:
	@scripts/print_versions.sh
	@$(PYTEST_QGIS) -q tests/qgis -m "not alone" --junitxml=$(RESULTS)/qgis.xml

tier-qgis-%:
	@scripts/qgis_chroot.sh test $* tests/qgis -m "not alone"

tier-alive:
	@$(PYTEST_QGIS) -q tests/qgis -m alone --junitxml=$(RESULTS)/alive.xml

tier-alive-%:
	@scripts/qgis_chroot.sh test $* tests/qgis -m alone --junitxml=$(RESULTS)/alive-$*.xml

tier-qt6:
	@scripts/setup.sh qt6
	@QT_QPA_PLATFORM=offscreen PYTEST_QT_API=pyqt6 .venv-qt6/bin/pytest -p no:cacheprovider \
		-o pythonpath="build . tests/qt6/shim" -q tests/qt6 --junitxml=$(RESULTS)/qt6.xml

# 24 kills; `make test-faults` has 200
tier-faults:
	@$(PYTEST_QGIS) -q tests/faults --timeout=$(or $(FAULTS_TIMEOUT),400) --junitxml=$(RESULTS)/faults.xml

tier-e2e:
	@$(PYTEST_QGIS) -q tests/e2e --timeout=400 --junitxml=$(RESULTS)/e2e.xml

# ---- check -----------------------------------------------------------------------------------------------------------

check: setup format-check lint types imports test-fast test-backend ## before each push

format: setup ## ruff: format and safe fixes
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

format-check:
	@.venv/bin/ruff format --check .

lint: setup ## ruff and codespell
	@.venv/bin/ruff check .
	@.venv/bin/codespell

types: setup ## mypy
	@.venv/bin/mypy

imports: setup ## who may import whom (import-linter)
	@PYTHONPATH=.:backend .venv/bin/lint-imports

# ---- build -----------------------------------------------------------------------------------------------------------

translations: ## collect the plugin's strings for translators (needs pylupdate5 of pyqt5-dev-tools)
	@rm -rf build/strings && mkdir -p build/strings && cp -r geo_r1_qgis build/strings/
	@# it overlooks calls whose last argument is followed by a comma, which is how ruff writes the long ones
	@find build/strings -name '*.py' -exec sed -i -zE 's/,([[:space:]]*\))/\1/g' {} +
	@cd build/strings && pylupdate5 -noobsolete $$(find geo_r1_qgis -name '*.py' | LC_ALL=C sort) -ts geo_r1_qgis/i18n/template.ts
	@cp build/strings/geo_r1_qgis/i18n/template.ts geo_r1_qgis/i18n/template.ts && rm -r build/strings

wire: ## copy the files that plugin and service share from the plugin to the service
	@cp geo_r1_qgis/core/{wire,training_wire,models_wire,chance,label_check,chip_windows,split}.py backend/geo_r1_backend/

build: ## build/geo_r1_qgis/, the tree that QGIS loads in tests, in the demo and from the zip
	@python3 scripts/build_plugin.py

zip: ## the plugin zip, with the same bytes for the same tree
	@python3 scripts/build_plugin.py --zip

zip-check: setup zip ## bandit, detect-secrets, flake8, layout, size and metadata of the zip
	@$(PY) scripts/check_zip.py build/geo_r1_qgis-*.zip

wheel-check: setup ## the service's sdist and wheel, installed by pipx away from the clone with an empty home; geo-r1 doctor there
	@scripts/check_wheel.sh

clean: ## remove what make made: build/, demo-output/, environments, caches
	@rm -rf build demo-output .venv .venv-qgis .venv-qt6 .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .qgis-settings
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
