"""How the engines want files to be named, what they make of folders and hints, what they spill.

The one place that looks at which kind of session it is: a classic one (Spark) or one of Spark
Connect (Sail). Everything else is the same DataFrame code.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Dialect:
    """What an engine makes of paths and of plans.

    Attributes:
        name: ``spark`` or ``sail``, for messages.
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
        return _quoted(uri) if self.urls else re.sub(r"([\[\]{}*?\\])", r"\\\1", uri)

    def exact(self, uri: str) -> str:
        """Return an address to write to, or of a Delta table: no engine takes it for a pattern."""
        return _quoted(uri) if self.urls else uri


def dialect_of(spark: SparkSession) -> Dialect:
    """Return how the engine of a session takes paths and hints, and whether it spills."""
    connect = type(spark).__module__.startswith("pyspark.sql.connect")
    return Dialect(
        name="sail" if connect else "spark",
        urls=connect,
        folder_dates=not connect,
        spills=not connect,
        hints=not connect,
    )


def _quoted(uri: str) -> str:
    scheme, separator, path = uri.partition("://")
    return f"{scheme}{separator}{quote(path)}"
