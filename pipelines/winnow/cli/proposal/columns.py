"""Which column of a file is which column of a contract: by its name, or by what it holds."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from winnow.cli.proposal.samples import Sample
from winnow.cli.proposal.times import flag_in, numbers, time_in, whole_numbers
from winnow.config.columns import TimeSource
from winnow.config.logs import EVENT_TIME
from winnow.config.positives import Positives

ACTIONS = Positives().actions
_EVENT = "ts time timestamp eventts eventtime eventtimestamp at datetime createdat"

# Names as they are compared: in small letters, without anything between words.
SYNONYMS: dict[str, str] = {
    "impression_id": "impid impression exposureid expid showid viewid pageviewid",
    "request_id": "request reqid req requestid queryid searchid sessionid session traceid rid "
    "recommendationid recid feedid",
    "user_id": "uid user userid member memberid customer customerid visitorid accountid viewer "
    "viewerid buyerid",
    "item_id": "iid item itemid sku skuid product productid article articleid goodsid contentid "
    "content videoid adid movieid newsid trackid songid listingid docid",
    "position": "pos slot place displayrank index idx displayposition",
    "viewed": "isviewed seen isseen visible isvisible",
    "action_type": "action event eventtype eventname type behavior behaviour behaviortype "
    "interaction interactiontype activity",
    "stage": "phase step layer rankingstage funnelstage",
    "rank": "ranking place position pos order",
    "score": "prediction pred predscore rankscore ctr pctr prob probability",
    "stage_size": "listsize ncandidates candidatecount",
    "passed": "pass kept survived selected ispassed passedon wenton ischosen advanced",
    "cut_reason": "reason dropreason filterreason cutreason",
    "impression_ts": f"{_EVENT} impressiontime shownat exposuretime showtime exptime viewtime "
    "servedat",
    "click_ts": f"{_EVENT} clicktime clickedat clickts actiontime actedat",
    "feedback_ts": f"{_EVENT} hiddenat hidetime rejectedat dislikedat feedbacktime",
    "feedback_type": "reason type kind what feedback rejecttype",
    "stage_ts": f"{_EVENT} stagetime rankedat ranktime",
    "valid_from": "from start starttime startts onsalefrom onlinetime publishedat publishtime "
    "createdat availablefrom launchedat",
    "valid_to": "to end endtime endts onsaleto offlinetime until availableto expiresat removedat",
}
LABELS = frozenset(
    ["click", "clicked", "isclick", "isclicked", "label", "clickflag", "target", "y"]
)
"""Names of a column of impressions that says whether they were clicked."""

_LEAST_ALIKE = 0.8
_TIMES = (*EVENT_TIME.values(), "valid_from", "valid_to")


@dataclass(frozen=True)
class Match:
    """What a contract column is made of.

    Attributes:
        column: The source column.
        score: How sure that is: 3 the same name, 2 a known other name, 1 a likeness or contents.
        time: How it says a time, where it does.
        found: What was found in it, in words.
    """

    column: str
    score: float
    time: TimeSource | None = None
    found: str = ""


@dataclass(frozen=True)
class Matches:
    """The columns of one log's contract that a sample has; ``label`` says what was clicked."""

    columns: Mapping[str, Match] = field(default_factory=dict)
    label: str | None = None


def match_columns(names: Sequence[str], sample: Sample) -> Matches:
    """Find the columns of a contract in a sample.

    Args:
        names: The contract's columns.
        sample: The columns that are there, and what they hold.
    """
    pairs = sorted(
        (-score, rank, place, name, column)
        for rank, name in enumerate(names)
        for place, column in enumerate(sample.columns)
        if (score := _likeness(name, column)) and _may_be(name, column, sample)
    )
    chosen: dict[str, Match] = {}
    for score, _, _, name, column in pairs:
        if name not in chosen and column not in {match.column for match in chosen.values()}:
            chosen[name] = _match(name, column, sample.columns[column], -score)
    _by_contents(names, sample, chosen)
    mapped = {match.column for match in chosen.values()}
    labels = [c for c in sample.columns if _plain(c) in LABELS and flag_in(sample.columns[c])]
    return Matches(chosen, next((column for column in labels if column not in mapped), None))


def _by_contents(names: Sequence[str], sample: Sample, chosen: dict[str, Match]) -> None:
    """Add what no name told, where a single column that is left holds such values."""
    holds: dict[str, Callable[[str, list[Any]], bool]] = {
        name: lambda column, values: time_in(column, values) is not None
        for name in EVENT_TIME.values()
    }
    holds["action_type"] = lambda _, values: bool({str(v).lower() for v in values} & {*ACTIONS})
    if "stage" in chosen:
        holds["passed"] = lambda column, values: flag_in(values) and _plain(column) not in LABELS
    for name, fits in holds.items():
        if name not in names or name in chosen:
            continue
        mapped = {match.column for match in chosen.values()}
        left = [c for c, v in sample.columns.items() if c not in mapped and v and fits(c, v)]
        if len(left) == 1:
            chosen[name] = _match(name, left[0], sample.columns[left[0]], 1)


def _match(name: str, column: str, values: list[Any], score: float) -> Match:
    time = time_in(column, values) if name in _TIMES else None
    if time is not None:
        return Match(column, score, *time)
    return Match(column, score, None, str(values[0]) if values else "no value in the first rows")


def _may_be(name: str, column: str, sample: Sample) -> bool:
    """Return whether the values can be what the contract says; where there are none, they can."""
    values = sample.columns[column]
    if not values:
        return True
    if isinstance(values[0], list):
        return False
    if name in _TIMES:
        return time_in(column, values) is not None
    if name.endswith("_id"):
        return not isinstance(values[0], float | bool) and not _is_date(column, values)
    if name in ("position", "rank", "stage_size"):
        return whole_numbers(values)
    if name in ("passed", "viewed"):
        return flag_in(values)
    if name == "score":
        return numbers(values)
    return isinstance(values[0], str) and (not numbers(values) or name == "action_type")


def _is_date(column: str, values: list[Any]) -> bool:
    found = time_in(column, values)
    return found is not None and found[0].unit == "iso"


def _likeness(name: str, column: str) -> float:
    here, there = _plain(name), _plain(column)
    if name == column:
        return 3.0
    if here == there:
        return 2.9
    known = SYNONYMS.get(name, "").split()
    if there in known:
        return 2.0 + 0.5 / (1 + known.index(there))
    last = _plain(column.rpartition(".")[2])
    if "." in column and (last == here or last in known):
        return 1.9
    close = difflib.SequenceMatcher(None, here, there).ratio()
    return close if close >= _LEAST_ALIKE else 0.0


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
