"""The templates, with every text escaped unless a chart of our own made it."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def environment() -> Environment:
    """Return the templates of this package; they are found in a zip of it, too."""
    return Environment(
        loader=PackageLoader("winnow.report", "templates"),
        # Item ids, reasons and settings come from logs and files that anybody may have written.
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
