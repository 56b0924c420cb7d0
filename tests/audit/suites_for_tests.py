"""Users' suites, as tests write them."""

import json
from pathlib import Path
from typing import Any

from winnow.audit.suites.reading import read_suites
from winnow.audit.suites.suite import Suite
from winnow.config.loading import load_config
from winnow.config.tree import Config

LOGS: dict[str, Any] = {
    "logs": {"impressions": {"path": "i"}, "clicks": {"path": "c"}},
    "negatives": {"hard": []},
    "carry": ["scene"],
}


def config_with(folder: Path, *given: dict[str, Any], **keys: Any) -> Config:
    """A config with these entries of ``expectations``; no log of it is there."""
    path = folder / "winnow.yaml"
    path.write_text(json.dumps(LOGS | {"expectations": list(given)} | keys), encoding="utf-8")
    return load_config(path)


def suite_of(folder: Path, *expectations: dict[str, Any], **keys: Any) -> Suite:
    """A suite over ``positives`` that the config itself holds."""
    entry = {"table": "positives", "expectations": list(expectations)} | keys
    (suite,) = read_suites(config_with(folder, entry))
    return suite


def expectation(kind: str, /, **kwargs: Any) -> dict[str, Any]:
    return {"type": f"expect_{kind}", "kwargs": kwargs}
