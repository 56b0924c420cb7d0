"""Which extra of the package holds what is not installed: named, in place of a trace."""

from collections.abc import Iterator
from contextlib import contextmanager

from winnow.errors import MissingExtraError, Problem

EXTRAS = {
    "delta": "spark",
    "great_expectations": "audit",
    "grpc": "sail",
    "jinja2": "audit",
    "mlflow": "mlflow",
    "numba": "sail",
    "obstore": "s3",
    "openlineage": "openlineage",
    "pandas": "audit",
    "polars": "polars",
    "prometheus_client": "metrics",
    "py4j": "sail",
    "pysail": "sail",
    "pyspark": "sail",
    "scipy": "audit",
    "torch": "torch",
}
"""The extra that brings an importable package; of several the smallest that does a whole work."""


@contextmanager
def extras_named() -> Iterator[None]:
    """Raise what is not installed, within the block, as the extra that holds it.

    Raises:
        MissingExtraError: A package of an extra is not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise MissingExtraError(missing(package)) from error


def missing(package: str) -> Problem:
    """Return the problem of a package that is not there, and what installs it."""
    extra = EXTRAS[package]
    fix = f"pip install 'winnow[{extra}]'"
    if extra == "sail" and package != "pysail":
        fix = f"{fix}, or 'winnow[spark]' where there is Java or a cluster."
    return Problem(package, "is not installed", next_step=fix)
