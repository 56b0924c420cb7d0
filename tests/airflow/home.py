"""A place for Airflow: its settings stand in the environment before it is imported."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tests.child_process import ROOT, child_environment

WINNOW = ROOT / ".venv" / "bin" / "winnow"
"""The command, of the environment that make env makes. ``WINNOW_TEST_COMMAND`` names another."""

DAGS = ROOT / "deploy" / "airflow" / "dags"


def there() -> bool:
    """Whether Airflow is here. To import it would read its settings too soon."""
    try:
        return bool(version("apache-airflow"))
    except PackageNotFoundError:
        return False


def command() -> str:
    return os.environ.get("WINNOW_TEST_COMMAND", str(WINNOW))


def made_home() -> Path:
    """Make the folder of an Airflow with a database of its own, and say so in the environment."""
    home = Path(tempfile.mkdtemp(prefix="winnow-airflow-"))
    (home / "dags").mkdir()
    for file in DAGS.iterdir():
        if file.is_file():
            shutil.copy(file, home / "dags")
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True
    )
    return home


def shop(folder: Path, more: str = "") -> Path:
    """A copy of the example; its config, with more text behind it."""
    own = ROOT / "examples" / "own_logs"
    shutil.copytree(own, folder, ignore=lambda _folder, names: {"warehouse", "ablation"} & {*names})
    config = folder / "winnow.yaml"
    config.write_text(config.read_text(encoding="utf-8") + more, encoding="utf-8")
    return config


def told(*words: str) -> Any:
    """What a command of Winnow prints as JSON."""
    done = subprocess.run(
        [command(), *words, "--json"],
        capture_output=True, text=True, check=True, env=child_environment(),
    )  # fmt: skip
    return json.loads(done.stdout)
