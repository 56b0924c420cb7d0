"""The sources of negatives: their names, and the codes and hash streams that are fixed for ever.

A source of the *drawn* shape is a weighted draw from a group of the catalogue, and its rows have a
``log_q``; one of the *chosen* shape takes some of a finite pool, and its rows have an
``incl_prob``. The *kind*, easy or hard, decides the table.
"""

import json
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    # Tasks ask for codes and streams, and executors have no Pydantic.
    from winnow.config.model import Frozen


class Source(NamedTuple):
    """A source of negatives.

    Attributes:
        name: As in ``negatives`` and in the column ``source``.
        code: As in ``neg_source``, from 0 to 31.
        stream: Names the hashes that decide its rows.
        drawn: Whether it is drawn; else it is chosen.
    """

    name: str
    code: int
    stream: int
    drawn: bool


class OwnSource(NamedTuple):
    """A source of the user's own.

    Attributes:
        source: Its name and code.
        settings: The model of its settings.
        drawn_by: What gives its groups, a ``DrawnSource``.
    """

    source: Source
    settings: "type[Frozen]"
    drawn_by: Any

    def parsed(self, settings: dict[str, Any]) -> "Frozen":
        """Return settings as a config file has them.

        Raises:
            ValidationError: They are none.
        """
        return self.settings.model_validate_json(json.dumps(settings))


ENTRY_POINTS = "winnow.sources"
"""The group of entry points by which an installed package brings sources."""

CODES = 32
"""Codes of sources lie below this; a source that is named n times in a config adds n times it."""

MOST_OF_ONE = 4
"""So many drawn sources of one name fit into the codes."""

OWN_CODES = range(16, CODES)
"""The codes of sources that are the user's own."""

_FIRST_STREAM = 64


def _source(name: str, code: int, stream: int | None = None, *, drawn: bool) -> Source:
    return Source(name, code, _FIRST_STREAM + code if stream is None else stream, drawn)


EASY_FILL = "easy_fill"
"""Draws that stand in for negatives that another source could not give."""

NEGATIVE_FEEDBACK = "negative_feedback"
"""Items that the user rejected: the one source that may give what the user was shown."""

OTHER_REQUESTS = "other_requests"
"""Items that the ranking of another request of the user cut or put low."""

BUILT_IN: dict[str, Source] = {
    source.name: source
    for source in (
        _source("popularity", 0, 2, drawn=True),
        _source(EASY_FILL, 1, 3, drawn=True),
        _source("cut", 2, 4, drawn=False),
        _source("low", 3, 4, drawn=False),
        _source("uniform", 4, drawn=True),
        _source("hot", 5, drawn=True),
        _source("cold", 6, drawn=True),
        _source("exposed", 7, drawn=True),
        _source("same_attribute", 8, drawn=True),
        _source("segment", 9, drawn=True),
        _source(NEGATIVE_FEEDBACK, 10, drawn=False),
        _source(OTHER_REQUESTS, 11, drawn=False),
        _source("market", 12, drawn=True),
    )
}
"""The sources that Winnow brings, by name. A code or a stream that was used is never used anew."""

_OWN: dict[str, OwnSource] = {}


def own_source(name: str) -> OwnSource | None:
    """Return a source of the user's own: registered, or an entry point of ``winnow.sources``.

    Returns:
        None where there is none of the name.

    Raises:
        ValueError: The entry point's name or code is another source's.
    """
    if name not in _OWN:
        for found in entry_points(group=ENTRY_POINTS, name=name):
            source = found.load()
            register_own(source.name, source.code, source.Settings, source)
    return _OWN.get(name)


def register_own(name: str, code: int, settings: "type[Frozen]", drawn_by: Any) -> None:
    """Add a drawn source of the user's own; the same one may be added twice.

    Raises:
        ValueError: The name or the code is another source's, or the code is not in ``OWN_CODES``.
    """
    if code not in OWN_CODES:
        raise ValueError(f"the code of {name} must be from {OWN_CODES[0]} to {OWN_CODES[-1]}")
    new = OwnSource(_source(name, code, drawn=True), settings, drawn_by)
    for other in (*BUILT_IN.values(), *(own.source for own in _OWN.values())):
        if other != new.source and (other.name == name or other.code == code):
            raise ValueError(f"{name} with code {code}: the source {other.name} is {other.code}")
    _OWN[name] = new


def source_named(name: str) -> Source:
    """Return a source by its name.

    Raises:
        KeyError: There is none.
    """
    own = _OWN.get(name)
    return own.source if own else BUILT_IN[name]


def all_sources() -> tuple[Source, ...]:
    """Return every source, by code."""
    own = [one.source for one in _OWN.values()]
    return tuple(sorted((*BUILT_IN.values(), *own), key=lambda source: source.code))


def name_of_code(code: int) -> str:
    """Return what a code of ``neg_source`` is called in the long tables.

    The second source of a name is ``<name>_2``; one that is not registered here has its number.
    """
    own, place = code % CODES, code // CODES
    known = {source.code: source.name for source in all_sources()}
    name = known.get(own, f"source {own}")
    return f"{name}_{place + 1}" if place else name
