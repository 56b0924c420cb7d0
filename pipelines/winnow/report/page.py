"""The page of one release: everything that its audit found, in the order in which people ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from winnow.audit.record import AuditRecord
from winnow.contracts.counts import PLACES
from winnow.report.history import HistoryEntry, courses, newest_first
from winnow.report.numbers import plain, ratio, share
from winnow.report.parts import Section
from winnow.report.sections.draws import draws_section
from winnow.report.sections.exclusion import exclusion_section
from winnow.report.sections.funnel import funnel_section, rejected_section
from winnow.report.sections.negatives import hard_section, log_q_section, shortfall_section
from winnow.report.sections.popularity import thinning_section
from winnow.report.settings import Setting, settings_of, told_inputs
from winnow.report.templating import environment
from winnow.report.verdict import groups_of, verdict_of

__all__ = ["HistoryEntry", "ReportPage", "render", "tiles_of"]


@dataclass(frozen=True)
class ReportPage:
    """All that the page of one release shows.

    Attributes:
        release_id: The release; None for a run that published nothing.
        run_id: The process that made it. ds: The date that it is of.
        created: When it was released; None where it was not.
        code_version: The version of Winnow.
        config_json, inputs_json: Its settings and its inputs, as the release stores them.
        tables: Rows per table.
        record: What the audit found.
        history: The last releases in any order, with or without this one.
    """

    release_id: str | None
    run_id: str
    ds: date
    created: datetime | None
    code_version: str
    config_json: str
    inputs_json: str
    tables: Mapping[str, int]
    record: AuditRecord
    history: Sequence[HistoryEntry] = ()

    @property
    def name(self) -> str:
        """What a person calls it: the release, or the run that was not released."""
        return self.release_id or f"run {self.run_id}"

    def as_entry(self) -> HistoryEntry:
        """Return its own figures, to stand beside those of other releases."""
        return HistoryEntry.of(self.name, self.ds, self.record)


@dataclass(frozen=True)
class Tile:
    """One of the figures at the top: what it is, the figure, and what it is to be compared with."""

    name: str
    figure: str
    note: str = field(default="")


def render(page: ReportPage) -> str:
    """Return the page as HTML that needs nothing else: no network, no script, no font.

    Equal pages give equal text. All texts of the page are escaped, whoever wrote them.
    """
    own = page.as_entry()
    others = [entry for entry in page.history if entry.release_id != own.release_id]
    releases = newest_first([*others, own])
    return (
        environment()
        .get_template("page.html")
        .render(
            page=page,
            verdict=verdict_of(page.record, released=page.release_id is not None),
            tiles=tiles_of(page.record),
            groups=groups_of(page.record.gates),
            sections=_sections(page),
            releases=releases if others else [],
            own=own,
            courses=courses(releases),
            inputs=_inputs(page),
            settings=settings_of(page.config_json),
        )
    )


def tiles_of(record: AuditRecord) -> list[Tile]:
    """Return the few figures that say how large the release is and how much of it is missing."""
    gates = record.gates
    passed = sum(1 for gate in gates if gate.status == "pass")
    tiles = [Tile("Gates passed", f"{plain(passed)} of {plain(len(gates))}")]
    if funnel := record.funnel:
        read = sum(log.read for log in funnel.logs.values())
        rejected = sum(log.rejected for log in funnel.logs.values())
        got = funnel.easy + funnel.hard + funnel.fill
        hard = share(ratio(funnel.hard, got))
        missing = share(ratio(funnel.shortfall, funnel.requested))
        clicked = funnel.clicked
        share_clicked = None if clicked is None else ratio(clicked, funnel.exposed)
        tiles += [
            Tile("Rows read", plain(read), f"{plain(rejected)} rejected"),
            Tile("Exposed", plain(funnel.exposed), f"{share(share_clicked)} clicked"),
            Tile("Positives kept", plain(funnel.kept), f"of {plain(funnel.clicked)}"),
            Tile("Negatives", plain(got), f"{hard} hard" if got else ""),
            Tile(
                "Shortfall",
                plain(funnel.shortfall),
                f"{missing} missing" if funnel.requested else "",
            ),
        ]
    if record.erased:
        rows = sum(sum(one.rows.values()) for one in record.erased)
        when = f"last on {max(one.erased_ts for one in record.erased):%Y-%m-%d}"
        tiles.append(Tile("Rows erased", plain(rows), f"users forgotten, {when}"))
    return tiles


def _sections(page: ReportPage) -> list[Section]:
    record = page.record
    return [
        funnel_section(record.funnel, page.tables),
        thinning_section(record.bands),
        draws_section(record.bands),
        hard_section(record.hard_origins, record.funnel),
        exclusion_section(record.bands, record.top_items),
        log_q_section(record.log_q),
        shortfall_section(record.shortfall, record.funnel),
        rejected_section(record.funnel),
    ]


def _inputs(page: ReportPage) -> list[Setting]:
    """Return what the release says of its inputs, but for the counts that the funnel shows."""
    shown = page.record.funnel.logs if page.record.funnel else {}
    fields = (*PLACES, "reasons")
    return [
        setting
        for setting in settings_of(told_inputs(page.inputs_json), counts=True)
        if not any(setting.key.startswith(f"logs.{log}.{name}") for log in shown for name in fields)
    ]
