"""Whether the columns that tell markets are carried, and tables tell the market of a positive."""

from collections.abc import Collection, Iterator, Mapping

from winnow.config.logs import LogConfig
from winnow.config.model import Fault, fault, nearest
from winnow.config.negatives import Negatives
from winnow.config.pool_entries import MarketEntry
from winnow.config.popularity import Popularity

_TELLING = ("positives", "training_samples")


def market_faults(
    negatives: Negatives | None,
    popularity: Popularity | None,
    logs: Mapping[str, LogConfig | None],
    carry: tuple[str, ...],
    tables: Collection[str] | None,
) -> Iterator[Fault]:
    """Give what is wrong with draws by the market of the request.

    Args:
        negatives, popularity, tables: None where something is wrong with them alone.
        logs: The logs by name, without those that are wrong themselves.
        carry: The carried columns of the impressions.
    """
    for index, entry in enumerate(negatives.easy if negatives is not None else ()):
        if not isinstance(entry, MarketEntry):
            continue
        where = ("negatives", "easy", index)
        for key, log, column in (
            ("of_request", "impressions", entry.of_request),
            ("of_items", "items", entry.of_items),
            ("of_clicks", "clicks", entry.of_clicks),
        ):
            if column is None or log not in logs:
                continue
            of_log, place = logs[log], f"logs.{log}.carry"
            carried = of_log.carry if of_log is not None else ()
            if log == "impressions":
                carried, place = carry, "carry, at the top"
            if column not in carried:
                yield fault(
                    (*where, key),
                    f"no such column of {log} is carried",
                    column,
                    f"one of {', '.join(carried)}" if carried else None,
                    nearest(column, carried) or f"Name it under {place}.",
                )
        if entry.of_clicks is not None and popularity is not None:
            yield from _counted(popularity, (*where, "of_clicks"), entry.of_clicks)
        if tables is not None and not set(_TELLING) & set(tables):
            what = "no table that is written tells the market of a positive"
            yield fault(where, what, None, f"{' or '.join(_TELLING)} among tables")


def _counted(popularity: Popularity, key: tuple[str | int, ...], column: str) -> Iterator[Fault]:
    if popularity.of != "impressions" and popularity.clicks == "all":
        return
    of_impressions = popularity.of == "impressions"
    counted = "of: impressions" if of_impressions else f"clicks: {popularity.clicks}"
    what = f"with popularity.{counted} the impression tells the market of what is counted"
    yield fault(key, what, column, next_step="Take it out.")
