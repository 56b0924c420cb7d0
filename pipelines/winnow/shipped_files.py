"""The contracts and configs that come with Winnow: in a wheel, in a zip, and in a checkout."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML was built with it, as its wheels are: it takes an eighth of the time."""


def shipped_text(folder: Literal["configs", "schemas"], name: str) -> str:
    """Return the text of ``schemas/<name>`` or ``configs/<name>``."""
    return _folder(folder).joinpath(name).read_text(encoding="utf-8")


def shipped_tree(folder: Literal["configs", "schemas"], name: str) -> Any:
    """Return what the YAML of ``schemas/<name>`` or ``configs/<name>`` holds."""
    return yaml.load(shipped_text(folder, name), _LOADER)


def shipped_recipes() -> tuple[str, ...]:
    """Return the names of the recipes in ``configs/recipes``, sorted."""
    names = (file.name for file in _folder("configs").joinpath("recipes").iterdir())
    return tuple(sorted(name[: -len(".yaml")] for name in names if name.endswith(".yaml")))


def _folder(name: str) -> Traversable:
    within = files("winnow").joinpath(name)
    # In a checkout they stand at the top, where a person looks for them.
    return within if within.is_dir() else Path(__file__).resolve().parents[2] / name
