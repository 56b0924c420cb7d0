"""What changed between two releases, as one self-contained page."""

from collections.abc import Mapping
from dataclasses import dataclass

from winnow.audit.record import AuditRecord, Funnel, PopularityBand
from winnow.report.drawing.chart import Caption, Chart, Table
from winnow.report.numbers import NOTHING, change, plain, ratio, share
from winnow.report.page import ReportPage
from winnow.report.parts import Section
from winnow.report.sections.negatives import rows_by_stage
from winnow.report.sections.popularity import NO_BANDS, band_name, moved_shares
from winnow.report.settings import changed_settings, told_inputs
from winnow.report.templating import environment
from winnow.report.verdict import GateRow, Verdict, groups_of, verdict_of

_STEPS = ("exposed", "clicked", "kept", "requested", "easy", "hard", "fill", "shortfall")

_SAID = {"pass": "passed", "warn": "passed with warnings", "fail": "failed"}


@dataclass(frozen=True)
class ChangedGate:
    """A gate that differs; None on the side that does not have it."""

    name: str
    group: str
    before: GateRow | None
    after: GateRow | None


def render_comparison(a: ReportPage, b: ReportPage) -> str:
    """Return what changed from release ``a`` to release ``b`` as HTML that needs nothing else."""
    gates = _changed_gates(a.record, b.record)
    settings = changed_settings(a.config_json, b.config_json)
    inputs = changed_settings(told_inputs(a.inputs_json), told_inputs(b.inputs_json))
    sections = [
        _counts_section("funnel", "Funnel", _funnel(a.record.funnel), _funnel(b.record.funnel)),
        _counts_section("tables", "Rows per table", a.tables, b.tables),
        _bands_section(a, b),
        _counts_section("hard", "Hard negatives by stage", _origins(a.record), _origins(b.record)),
        _counts_section("shortfall", "Shortfall by reason", a.record.shortfall, b.record.shortfall),
    ]
    return (
        environment()
        .get_template("comparison.html")
        .render(
            pages=(("A", a, _verdict(a)), ("B", b, _verdict(b))),
            summary=_summary(a, b, len(gates), len(settings)),
            gates=gates,
            sections=sections,
            settings=settings,
            inputs=inputs,
        )
    )


def _verdict(page: ReportPage) -> Verdict:
    return verdict_of(page.record, released=page.release_id is not None)


def _summary(a: ReportPage, b: ReportPage, gates: int, settings: int) -> list[str]:
    facts = []
    first, second = _SAID[a.record.verdict], _SAID[b.record.verdict]
    same = f"Both audits {first}."
    facts.append(same if first == second else f"The audit of A {first}, that of B {second}.")
    one = gates == 1
    facts.append(
        f"{plain(gates)} {'gate differs' if one else 'gates differ'} in status or figure."
        if gates
        else "No gate differs."
    )
    if (before := a.record.funnel) and (after := b.record.funnel):
        absolute, relative = change(before.kept, after.kept)
        facts.append(
            f"B has {plain(after.kept)} positives ({absolute}, {relative})."
            if before.kept != after.kept
            else f"Both have {plain(after.kept)} positives."
        )
    facts.append(
        f"{plain(settings)} {'setting' if settings == 1 else 'settings'} changed."
        if settings
        else "The settings are the same."
    )
    return facts


def _changed_gates(a: AuditRecord, b: AuditRecord) -> list[ChangedGate]:
    before, after = _by_name(a), _by_name(b)
    return [
        ChangedGate((after.get(key) or before[key]).name, key[0], before.get(key), after.get(key))
        for key in {**before, **after}
        if not _same(before.get(key), after.get(key))
    ]


def _by_name(record: AuditRecord) -> dict[tuple[str, str], GateRow]:
    return {
        (group.name, row.name): row
        for group in groups_of(record.gates)
        for row in (*group.open, *group.passed)
    }


def _same(a: GateRow | None, b: GateRow | None) -> bool:
    return bool(a and b and (a.status, a.figure) == (b.status, b.figure))


def _funnel(funnel: Funnel | None) -> dict[str, int]:
    if funnel is None:
        return {}
    logs = {f"{name}: read": rows.read for name, rows in funnel.logs.items()}
    logs |= {f"{name}: rejected": rows.rejected for name, rows in funnel.logs.items()}
    return logs | {name: getattr(funnel, name) for name in _STEPS}


def _origins(record: AuditRecord) -> dict[str, int]:
    stages = rows_by_stage(record.hard_origins)
    unplaced = sum(origin.rows for origin in record.hard_origins if origin.band is None)
    lost = {"place in the list not known": unplaced} if unplaced else {}
    return lost | {
        f"{stage}, {half} of its list": sum(counts[at])
        for stage, counts in stages.items()
        for half, at in (("better half", slice(0, 5)), ("worse half", slice(5, 10)))
    }


def _counts_section(
    key: str, title: str, before: Mapping[str, int], after: Mapping[str, int]
) -> Section:
    """Return counts of both sides; a name that one side does not have gets a dash there."""
    names = list({**before, **after})
    if not names:
        return Section(key, title, title, empty="Neither of the two has such figures.")
    table = Table(
        ("", "A", "B", "change", "relative"),
        tuple(
            (
                name,
                plain(before.get(name)),
                plain(after.get(name)),
                *change(before.get(name), after.get(name)),
            )
            for name in names
        ),
        strong=frozenset(
            row for row, name in enumerate(names) if before.get(name) != after.get(name)
        ),
    )
    return Section(key, title, title.split(" by ")[0], tables=(table,))


def _bands_section(a: ReportPage, b: ReportPage) -> Section:
    key, title = "popularity", "Popularity bands side by side"
    first, second = ({x.band: x for x in page.record.bands} for page in (a, b))
    numbers = sorted(first.keys() | second.keys())
    if not numbers:
        return Section(key, title, "Popularity", empty=NO_BANDS)
    charts = []
    for chart, name, figure in (
        ("kept", "Share of the kept positives, by band", "kept"),
        ("drawn", "Share of the easy negatives, by band", "drawn"),
    ):
        before = [_part(first, number, figure) for number in numbers]
        after = [_part(second, number, figure) for number in numbers]
        charts.append(_bands_chart(f"chart-{chart}", name, numbers, before, after))
    return Section(key, title, "Popularity", charts=charts)


def _part(bands: Mapping[int, PopularityBand], number: int, figure: str) -> float | None:
    total = sum(getattr(band, figure) for band in bands.values())
    return ratio(getattr(bands[number], figure), total) if number in bands else None


def _bands_chart(
    key: str,
    name: str,
    numbers: list[int],
    before: list[float | None],
    after: list[float | None],
) -> Chart:
    moves = [
        (abs(y - x), n, x, y)
        for n, x, y in zip(numbers, before, after, strict=True)
        if x is not None and y is not None
    ]
    finding = "The two have no band in common with figures."
    if moves:
        _, band, x, y = max(moves)
        finding = f"The largest move is in band {band}: from {share(x)} to {share(y)}."
        if x == y:
            finding = "No band moved."
    pairs = list(zip(before, after, strict=True))
    cells = [
        (band_name(number, len(numbers)), _points(x, y))
        for number, (x, y) in zip(numbers, pairs, strict=True)
    ]
    head = ("band", "A", "B", "change in percentage points")
    caption = Caption(key, name, finding, head, legend=(("mark", "A"), ("dot", "B")))
    return moved_shares(caption, cells, pairs, [f"A {share(x)}, B {share(y)}" for x, y in pairs])


def _points(x: float | None, y: float | None) -> str:
    return NOTHING if x is None or y is None else change(100 * x, 100 * y)[0]
