"""Winnow: training samples for retrieval models, made from a recommender's logs.

    import winnow
    winnow.build("winnow.yaml", "2026-01-01")
    samples = winnow.open_release("warehouse").polars("training_samples")

Each name is loaded when it is first asked for: a trainer that only reads loads no engine.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from winnow.building.face import build as build
    from winnow.building.face import build_variants as build_variants
    from winnow.building.sample import sample as sample
    from winnow.config.loading import load_config as load_config
    from winnow.config.tree import Config as Config
    from winnow.operations.dates.face import backfill as backfill
    from winnow.release.opening import open_dates as open_dates
    from winnow.release.opening import open_release as open_release
    from winnow.release.time_split import open_time_split as open_time_split
    from winnow.simulation.build_config import simulate as simulate

    __version__: str

_PLACES = {
    "Config": "winnow.config.tree",
    "backfill": "winnow.operations.dates.face",
    "build": "winnow.building.face",
    "build_variants": "winnow.building.face",
    "load_config": "winnow.config.loading",
    "open_dates": "winnow.release.opening",
    "open_release": "winnow.release.opening",
    "open_time_split": "winnow.release.time_split",
    "sample": "winnow.building.sample",
    "simulate": "winnow.simulation.build_config",
}

__all__ = [  # noqa: RUF022 - in the order in which a person meets them
    "build",
    "build_variants",
    "backfill",
    "sample",
    "open_release",
    "open_dates",
    "open_time_split",
    "load_config",
    "Config",
    "simulate",
    "__version__",
]


if not TYPE_CHECKING:  # a name that is not there stays an error for a type checker

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from winnow.building.code_version import package_version

            found: Any = package_version()
        elif name in _PLACES:
            found = getattr(import_module(_PLACES[name]), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
