"""The packages that executors need, as ``pyproject.toml`` lists them, and what these need."""

import re
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def listed() -> list[str]:
    """The names of the extra ``executors``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [_name(one) for one in project["optional-dependencies"]["executors"]]


def installed() -> list[Distribution]:
    """The distributions of the extra and of all that these depend on."""
    found: dict[str, Distribution] = {}
    waiting = listed()
    while waiting:
        own = distribution(waiting.pop())
        if own.metadata["Name"] not in found:
            found[own.metadata["Name"]] = own
            required = [one for one in own.requires or [] if "extra ==" not in one]
            waiting += [_name(one) for one in required]
    return list(found.values())


def modules() -> set[str]:
    """What they put at the top of ``site-packages``, as paths there."""
    tops = {file.parts[0] for own in installed() for file in own.files or []}
    return {top for top in tops if top not in ("..", "__pycache__")}


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return found[0]
