"""What an audit found, as one record: stored with the release, drawn by the report.

Everything the report shows comes from this record, so a release can be looked at long after its
logs and its staging are gone. It is kept small: counts by decile, stage or reason, never rows.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from winnow.config.gates import Bounds
from winnow.config.model import Frozen
from winnow.contracts.counts import RowCounts

Status = Literal["pass", "warn", "fail", "error"]
Verdict = Literal["pass", "warn", "fail"]


class GateResult(Frozen):
    """One gate: what was checked, the figure, what was allowed, and what it means.

    Attributes:
        name: Its name, in snake case; unique in a record.
        group: The part of the release that it judges: inputs, positives, easy negatives, hard
            negatives, mix, popularity, tables, or history.
        status: ``error`` where the figure could not be computed: a failure of its own kind.
        severity: The worst that the gate does: ``warn`` never stops a release.
        figure: What was measured; None where it could not be.
        unit: rows, share, p-value, PSI, ...
        fail, warn: The allowed figures; outside of ``fail`` it fails, outside of ``warn`` it warns.
        meaning: What the figure says, as a sentence for a person.
        wanted: What is allowed, in words, where bounds alone do not say it.
        detail: What was found beyond the figure, or why it could not be computed.
    """

    name: str
    group: str
    status: Status
    severity: Literal["fail", "warn"]
    figure: float | int | None
    unit: str
    fail: Bounds | None = None
    warn: Bounds | None = None
    meaning: str
    wanted: str = ""
    detail: str = ""


def verdict_of(gates: Sequence[GateResult]) -> Verdict:
    """Return the worst status of gates; one that could not be judged counts as failed."""
    statuses = {gate.status for gate in gates}
    if statuses & {"fail", "error"}:
        return "fail"
    return "warn" if "warn" in statuses else "pass"


class SuiteRecord(Frozen):
    """A user's own suite of Great Expectations, of which each expectation is a gate.

    Attributes:
        subject: The table or log that it judged.
        name: Its name. source: The name of its file; empty where the config holds it.
        sha256: Of ``expectations``, as hex digits.
        rows: How many rows it judged. of_rows: How many there are.
        expectations: All of them, as JSON.
    """

    subject: str
    name: str
    source: str
    sha256: str
    rows: int
    of_rows: int
    expectations: str


class Funnel(Frozen):
    """From rows in the logs to samples, for one date.

    Attributes:
        logs: By name of the log.
        exposed: Valid impressions of the date.
        clicked: Distinct (user, request, item) that were shown and clicked: candidates. None where
            no table of positives is written, or they could not be compared with the logs.
        kept: Positives after down-sampling.
        easy, hard, fill, shortfall: Negatives; the four add up to ``requested``.
        requested: Negatives that were asked for.
    """

    logs: dict[str, RowCounts]
    exposed: int
    clicked: int | None
    kept: int
    requested: int
    easy: int
    hard: int
    fill: int
    shortfall: int


class PopularityBand(Frozen):
    """Items of the catalogue that are about equally popular, and what they got.

    Attributes:
        band: Its number from 1, most clicked items first; ties by item id.
        items: How many items it holds.
        clicks: Their clicks in the popularity window.
        candidates, kept: Positives before and after down-sampling.
        q: Their share of the weights: of easy draws, if nobody's forbidden set mattered.
        expected: Easy draws that are expected, given every user's forbidden set.
        drawn: Easy draws, fills included.
    """

    band: int
    items: int
    clicks: int
    candidates: int
    kept: int
    q: float
    expected: float
    drawn: int


class TopItem(Frozen):
    """One of the most clicked items; fields as in ``PopularityBand``, ``rank`` from 1."""

    rank: int
    item_id: str
    clicks: int
    candidates: int
    kept: int
    q: float
    expected: float
    drawn: int


class HardOrigin(Frozen):
    """Hard negatives of one stage in one band of its list.

    Attributes:
        stage: The stage that cut or ranked low.
        source: cut or low.
        hardness: Place among the stages that give negatives, from 1.
        band: Tenth of the rank percentile, 0 (best) to 9 (worst); None where it is not known.
        rows: Hard negatives.
    """

    stage: str
    source: str
    hardness: int
    band: int | None
    rows: int


class Histogram(Frozen):
    """Counts between edges: ``len(edges) == len(counts) + 1``, ascending."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Erasure(Frozen):
    """Rows of some users that were erased at once.

    Attributes:
        erased_ts: When.
        rows: How many of each table.
    """

    erased_ts: datetime
    rows: Mapping[str, int]


class AuditRecord(Frozen):
    """All that an audit found.

    Attributes:
        format: Version of this shape.
        verdict: The worst status of the gates; ``error`` counts as ``fail``.
        gates: All gates, in the order of the suite; users' own ones last.
        suites: Users' own suites.
        funnel: From rows to samples; None where the audit stopped before.
        bands: Ten bands of popularity, the most clicked first.
        top_items: Up to 100 most clicked items.
        hard_origins: Where hard negatives come from.
        log_q: Easy draws by their declared log_q.
        shortfall: Missing hard or easy negatives by reason, those that were filled included.
        volume: Figures that later releases are compared with: rows, click_rate, users, items.
        seconds: How long the audit took.
        erased: What was erased since of what the release holds; the other figures are of before.
    """

    format: int = 1
    verdict: Verdict
    gates: tuple[GateResult, ...]
    suites: tuple[SuiteRecord, ...] = ()
    funnel: Funnel | None = None
    bands: tuple[PopularityBand, ...] = ()
    top_items: tuple[TopItem, ...] = ()
    hard_origins: tuple[HardOrigin, ...] = ()
    log_q: Histogram | None = None
    shortfall: Mapping[str, int] = Field(default_factory=dict)
    volume: Mapping[str, float] = Field(default_factory=dict)
    seconds: float = 0.0
    erased: tuple[Erasure, ...] = ()

    def with_gates(self, gates: Sequence[GateResult], suites: Sequence[SuiteRecord]) -> Self:
        """Return the record with further gates, and the verdict of all of them."""
        all_gates = (*self.gates, *gates)
        update = {"gates": all_gates, "suites": (*self.suites, *suites)}
        return self.model_copy(update=update | {"verdict": verdict_of(all_gates)})
