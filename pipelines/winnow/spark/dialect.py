"""How the engines want files to be named, what they make of folders and hints, what they spill.

The one place that looks at which kind of session it is: a classic one of Spark, or one of Spark
Connect, behind which is Spark or Sail. Everything else is the same DataFrame code.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote
from weakref import WeakKeyDictionary

from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Dialect:
    """What an engine makes of paths and of plans.

    Attributes:
        name: The engine: ``spark``, ``sail`` or ``connect``.
        urls: Paths are URLs, percent signs and all, as for Sail; else they are taken as they are
            written to, and as patterns read from, as for Spark.
        folder_dates: A date in a folder's name becomes a column where the schema asks for it;
            Sail leaves that column NULL without a word.
        spills: A shuffle goes to disk where memory is short, as on Spark; Sail holds it whole.
        hints: Joins follow a broadcast hint, as on Spark.
    """

    name: str
    urls: bool
    folder_dates: bool
    spills: bool
    hints: bool

    def to_read(self, uri: str) -> str:
        """Return an address to read exactly one file or folder from."""
        return _quoted(uri) if self.urls else re.sub(r"([\[\]{}*?\\])", r"\\\1", _of_hadoop(uri))

    def exact(self, uri: str) -> str:
        """Return an address to write to, or of a Delta table: no engine takes it for a pattern."""
        return _quoted(uri) if self.urls else _of_hadoop(uri)


_KNOWN: "WeakKeyDictionary[SparkSession, Dialect]" = WeakKeyDictionary()
"""Of sessions that were asked about: a server of Connect tells in a message what it is."""


def dialect_of(spark: SparkSession) -> Dialect:
    """Return how the engine of a session takes paths and hints, and whether it spills."""
    known = _KNOWN.get(spark)
    if known is None:
        name = engine_name(spark)
        sail = name == "sail"
        known = _KNOWN[spark] = Dialect(
            name=name, urls=sail, folder_dates=not sail, spills=not sail, hints=not sail
        )
    return known


def engine_name(spark: SparkSession) -> str:
    """Return ``spark``, ``sail`` or ``connect``: the last is Spark behind a server of Connect."""
    if not type(spark).__module__.startswith("pyspark.sql.connect"):
        return "spark"
    # Both speak Connect and say that they are of the client's version. Spark has an application.
    return "sail" if spark.conf.get("spark.app.id", None) is None else "connect"


def _quoted(uri: str) -> str:
    scheme, separator, path = uri.partition("://")
    return f"{scheme}{separator}{quote(path)}"


def _of_hadoop(uri: str) -> str:
    """Return an address as Spark knows it: Hadoop calls what reads an object store ``s3a``."""
    return re.sub(r"^s3://", "s3a://", uri)
