"""What a positive asks for, source by source, as whole numbers of negatives."""

from typing import NamedTuple

from winnow.config.chosen_entries import FeedbackEntry, OtherRequestsEntry


class Drawn(NamedTuple):
    """One source of draws, as a positive asks for it.

    Attributes:
        name: Of the source, with its place among those of the name from the second on.
        code: As in ``neg_source``.
        stream: Names the hashes that decide its rows.
        asked: Draws of a positive; 0 of the source of fills, which draws what is missing.
        distribution: Its place among ``Negatives.distributions``.
        not_recalled: Whether what the ranking log has of the request is forbidden as well.
        distinct: Whether a positive gets no item twice of it.
        behind: Of a distinct source of fills, the place of the one that it draws as, of whose items
            it repeats none either; -1 of all others.
    """

    name: str
    code: int
    stream: int
    asked: int
    distribution: int
    not_recalled: bool
    distinct: bool
    behind: int = -1


class Pool(NamedTuple):
    """Hard negatives of the stages of a request that are chosen together.

    Attributes:
        asked: How many of a positive.
        selection: How they are chosen.
        entries: The places of their sources in ``negatives.hard``.
    """

    asked: int
    selection: str
    entries: tuple[int, ...]


class AskedFeedback(NamedTuple):
    """What is asked for of items that the user rejected.

    Attributes:
        asked: How many of a positive. place: Of its source in ``negatives.hard``.
        entry: The source.
    """

    asked: int
    place: int
    entry: FeedbackEntry


class AskedOthers(NamedTuple):
    """What is asked for of items that other requests of the user cut or put low.

    Attributes:
        asked: How many of a positive. place: Of its source in ``negatives.hard``.
        entry: The source.
    """

    asked: int
    place: int
    entry: OtherRequestsEntry
