# make env | spark | demo | dist | test | proofs | faults | soak | cluster | trainers | airflow | objects |
# bench | lint | clean. Everything goes into .venv; nothing outside the folder changes.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
TRAINERS := .venv-trainers
RECBOLE := .venv-recbole
TENSORFLOW := .venv-tensorflow
READERS := .venv-readers
AIRFLOW := .venv-airflow
SBOM := .venv-sbom
OBJECTS := .venv-objects
# The extra of pyproject.toml: a test compares them.
EXECUTORS := numba numpy pyarrow
SIZE ?= full
WORKERS ?= 2
SEEDS ?= 1 2 3
# Builds of single rules, and of several dates: what sail runs in seconds.
LONG_ON_SPARK := tests/events tests/e2e/test_streaming_frequency.py tests/e2e/test_carried_histories.py \
	tests/operations/test_backfill.py tests/release/test_frequency_stream.py
# Builds and publishing on a server of Spark Connect, which the tests start.
ON_CONNECT := tests/golden tests/engines/test_connect_session.py tests/release/test_publish.py
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Bytecode is kept, whatever the environment says: each process would compile all tests anew.
export PYTHONDONTWRITEBYTECODE =

.PHONY: env spark demo dist test proofs faults soak cluster trainers airflow objects bench lint clean java
.DEFAULT_GOAL := env

# Everything for the engine sail. The engine spark also needs Java, and its JARs: make spark.
env: $(VENV)/.packages

spark: $(VENV)/.jars

# Packages: again only when a dependency or a version changed. PySpark comes as source: setuptools and
# wheel build it, in pinned versions, as a new environment's own setuptools may not know how to.
$(VENV)/.packages: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt hatchling setuptools wheel
	$(BIN)/python -m pip install --quiet --no-build-isolation --constraint constraints.txt \
		--editable '.[dev]'
	@touch $@

# The Delta JARs: once per environment, through Spark's own resolver.
$(VENV)/.jars: $(VENV)/.packages pipelines/winnow/engine/jars.py pipelines/winnow/engine/java.py | java
	$(BIN)/python -m winnow.engine.jars
	@touch $@

java:
	@java=$${JAVA_HOME:+$$JAVA_HOME/bin/}java; command -v "$$java" >/dev/null || { echo \
		"Java 17 or 21 is needed by the spark engine: install a JDK (Debian: openjdk-17-jre-headless) or set JAVA_HOME." >&2; exit 1; }

demo: env
	$(BIN)/python -m winnow.cli.main demo --out demo --size $(SIZE)

# The wheel; the same as a zip for the executors of a cluster, as spark-submit --py-files takes no
# wheel; what they need besides, for --archives; and a bill of materials in CycloneDX.
dist: $(VENV)/.packages $(SBOM)/.packages
	rm -rf dist build/environment
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	cp dist/winnow-*.whl dist/winnow.zip
	$(PYTHON) -m venv --copies build/environment
	build/environment/bin/python -m pip install --quiet --constraint constraints.txt $(EXECUTORS)
	tar -czf dist/environment.tar.gz -C build/environment .
	rm -rf build/environment
	$(SBOM)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		-o dist/sbom.cdx.json $(BIN)/python

$(SBOM)/.packages: deploy/cluster/sbom_constraints.txt
	$(PYTHON) -m venv $(SBOM)
	$(SBOM)/bin/python -m pip install --quiet --constraint deploy/cluster/sbom_constraints.txt \
		cyclonedx-bom
	@touch $@

# Everything on sail; on spark what meets the engine itself. Two processes: a classic and a Connect
# session cannot share one. Each worker has a session
# of its own, so the tests of a file stay together; files come in the order of their names, as those
# of few tests are often those of whole builds: at the end they would leave a core idle.
test: env spark
	WINNOW_TEST_ENGINE=sail $(PYTEST) -m "not proof"
	WINNOW_TEST_ENGINE=spark $(PYTEST) -m "both_engines and not proof" \
		$(addprefix --ignore ,$(LONG_ON_SPARK))

# What takes long and fails seldom: engines side by side, other CPUs, other kinds of files, the
# browser, more random recipes.
proofs: env spark
	WINNOW_TEST_ENGINE=sail $(PYTEST) -m proof
	WINNOW_TEST_ENGINE=spark $(PYTEST) -m both_engines $(LONG_ON_SPARK)
	WINNOW_TEST_ENGINE=connect $(BIN)/python -m pytest $(ON_CONNECT)

# The tests that are marked with a fault, and a table of how they ended: docs/faults.md.
faults: env spark
	WINNOW_TEST_CLUSTER=1 WINNOW_TEST_ENGINE=sail $(PYTEST) -p tests.faults.fault_table -m fault
	WINNOW_TEST_ENGINE=spark $(PYTEST) -p tests.faults.fault_table -m "fault and both_engines"

# Fifty builds, backfills, expires, forgets and repairs at random, with faults, from each of some seeds.
soak: env
	$(BIN)/python -m tests.faults.soak --seed $(SEEDS) --steps 50

# Builds on a real standalone cluster, a worker killed in one of them.
cluster: env spark
	WINNOW_TEST_CLUSTER=1 WINNOW_TEST_ENGINE=sail $(BIN)/python -m pytest tests/executors

# The loader and the losses with the real PyTorch, and data sets in the real MLflow, in an environment
# of its own: that of make env, and PyTorch, which on Linux brings 5 GB of libraries for GPUs.
# RecBole wants NumPy before 2, TensorFlow a gigabyte, and Daft PyArrow before 26: each has one of its
# own, too; Ray is in that of Daft.
trainers: $(TRAINERS)/.packages $(RECBOLE)/.packages $(TENSORFLOW)/.packages $(READERS)/.packages
	WINNOW_RECBOLE_PYTHON=$(CURDIR)/$(RECBOLE)/bin/python \
	WINNOW_TENSORFLOW_PYTHON=$(CURDIR)/$(TENSORFLOW)/bin/python \
	WINNOW_READERS_PYTHON=$(CURDIR)/$(READERS)/bin/python \
	WINNOW_TEST_ENGINE=sail $(TRAINERS)/bin/python -m pytest tests/trainers

$(RECBOLE)/.packages: tests/trainers/recbole_constraints.txt
	$(PYTHON) -m venv $(RECBOLE)
	$(RECBOLE)/bin/python -m pip install --quiet --constraint tests/trainers/recbole_constraints.txt recbole
	@touch $@

# TensorFlow Recommenders asks for the package tensorflow: that for CPUs is the same without libraries for GPUs.
$(TENSORFLOW)/.packages: tests/trainers/tensorflow_constraints.txt
	$(PYTHON) -m venv $(TENSORFLOW)
	$(TENSORFLOW)/bin/python -m pip install --quiet --constraint tests/trainers/tensorflow_constraints.txt \
		tensorflow-cpu pyarrow
	$(TENSORFLOW)/bin/python -m pip install --quiet --no-deps --constraint tests/trainers/tensorflow_constraints.txt \
		tf-keras tensorflow-recommenders
	@touch $@

# aiohttp: Ray 2.60 tries to import it in threads, and failed to list two files where it was missing.
$(READERS)/.packages: tests/trainers/readers_constraints.txt
	$(PYTHON) -m venv $(READERS)
	$(READERS)/bin/python -m pip install --quiet --constraint tests/trainers/readers_constraints.txt \
		'ray[data]' daft aiohttp
	@touch $@

$(TRAINERS)/.packages: $(VENV)/.packages
	$(PYTHON) -m venv $(TRAINERS)
	site=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
		echo "import site; site.addsitedir('$$site')" > \
		"$$($(TRAINERS)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/winnow.pth"
	$(TRAINERS)/bin/python -m pip install --quiet --constraint constraints.txt \
		torch torchdata duckdb mlflow-skinny
	@touch $@

# The DAG of deploy/airflow in a real Airflow, in an environment of its own (700 MB): it and PySpark
# want different versions of the same packages, so what it runs is the command of make env.
airflow: env $(AIRFLOW)/.packages
	$(AIRFLOW)/bin/python -m pytest tests/airflow

$(AIRFLOW)/.packages: deploy/airflow/constraints.txt
	$(PYTHON) -m venv $(AIRFLOW)
	$(AIRFLOW)/bin/python -m pip install --quiet --constraint deploy/airflow/constraints.txt \
		apache-airflow pytest
	@touch $@

# Logs and warehouses in an object store: moto, a server on this machine that speaks S3, in an
# environment of its own, as it wants other versions of what is here already; and the JARs with
# which Spark reads one.
objects: env spark $(OBJECTS)/.packages $(OBJECTS)/.jars
	WINNOW_TEST_ENGINE=sail WINNOW_TEST_OBJECTS=$(abspath $(OBJECTS))/bin/python \
		WINNOW_TEST_S3A=$(abspath $(OBJECTS))/jars $(BIN)/python -m pytest tests/objects

$(OBJECTS)/.jars: $(OBJECTS)/.packages pipelines/winnow/engine/s3a.py | java
	$(BIN)/python -m winnow.engine.jars --s3 $(OBJECTS)/jars
	@touch $@

$(OBJECTS)/.packages: tests/objects/constraints.txt
	$(PYTHON) -m venv $(OBJECTS)
	$(OBJECTS)/bin/python -m pip install --quiet --constraint tests/objects/constraints.txt \
		'moto[s3,server]'
	@touch $@

# 36 M rows, ten times as many, skewed ones, and a week of exclusion: hours, and 30 GB of disk.
# A part of it: see bench/README.md.
bench: spark $(VENV)/.bench
	$(BIN)/python -m bench

$(VENV)/.bench: $(VENV)/.packages
	$(BIN)/python -m pip install --quiet --no-build-isolation --constraint constraints.txt \
		--editable '.[dev,bench]'
	@touch $@

lint: $(VENV)/.packages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy pipelines/winnow jobs bench tests docs

clean:
	rm -rf $(VENV) $(TRAINERS) $(RECBOLE) $(TENSORFLOW) $(READERS) $(AIRFLOW) $(SBOM) $(OBJECTS) demo build dist artifacts spark-warehouse metastore_db derby.log
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
