"""From rows in the logs to samples: the funnel, what adds up to what, and the rejected rows."""

from collections.abc import Mapping

from winnow.audit.record import Funnel
from winnow.report.drawing.area_charts import Step
from winnow.report.drawing.area_charts import funnel as funnel_chart
from winnow.report.drawing.chart import Caption, Table
from winnow.report.drawing.row_charts import Row, named_bars
from winnow.report.numbers import plain, ratio, share
from winnow.report.parts import Section

_KINDS = ("valid", "duplicate", "rejected", "filtered", "other_date")
_MOST_DRAWN = 12


def funnel_section(funnel: Funnel | None, tables: Mapping[str, int]) -> Section:
    """Return the way from rows in the logs to samples, with the sums that must hold."""
    key, title, short = "funnel", "From logs to samples", "Funnel"
    written = Table(
        ("table", "rows"),
        tuple((name, plain(rows)) for name, rows in sorted(tables.items())),
        caption="Rows per table",
    )
    own = (written,) if tables else ()
    if funnel is None:
        why = "The audit stopped before it counted the rows, so there is no funnel."
        return Section(key, title, short, tables=own, empty=why)
    caption = Caption(
        key="chart-funnel",
        title="Every bar is a part of the bar above, magnified",
        finding=_finding(funnel),
        head=("step", "count", "share of what it is a part of"),
        legend=(
            ("c1", "goes on to the bar below; in the last bar: easy negatives"),
            ("soft", "valid rows of other logs"),
            ("muted", "duplicate, filtered, of another date, not clicked or thinned out"),
            ("c3", "hard negatives"),
            ("c4", "easy ones in place of hard ones"),
            ("hatch", "rejected, or missing"),
        ),
        wide=True,
    )
    chart = funnel_chart(caption, _steps(funnel))
    intro = (
        "A positive is an item that a user was shown and clicked. "
        "Hot items are thinned, and each positive that is kept gets its negatives."
    )
    facts = tuple(_sums(funnel))
    return Section(key, title, short, intro, (chart,), (_logs_table(funnel), *own), facts)


def rejected_section(funnel: Funnel | None) -> Section:
    """Return the rejected rows by log and reason."""
    key, title, short = "rejected", "Rejected rows", "Rejected"
    if funnel is None:
        return Section(key, title, short, empty="The audit stopped before it counted the rows.")
    rows = sorted(
        (
            (log, reason, count, rows.read)
            for log, rows in funnel.logs.items()
            for reason, count in rows.reasons.items()
            if count
        ),
        key=lambda row: (-row[2], row[0], row[1]),
    )
    total = _rejected(funnel)
    if not rows:
        why = "No row was rejected." if not total else f"{plain(total)} rows, without a reason."
        return Section(key, title, short, empty=why)
    read = _read(funnel)
    log, reason, count, _ = rows[0]
    finding = (
        f"{plain(total)} of {plain(read)} rows ({share(ratio(total, read))}) were rejected. "
        f"The most frequent reason is {reason} in {log}: {plain(count)} rows."
    )
    drawn = min(len(rows), _MOST_DRAWN)
    if len(rows) > drawn:
        finding += f" The {drawn} most frequent of {len(rows)} reasons are drawn."
    caption = Caption(
        key="chart-rejected",
        title="Rejected rows by log and reason",
        finding=finding,
        head=("log", "reason", "rows", "share of the log's rows"),
        prose=frozenset({1}),
    )
    bars = [
        Row(
            (log, reason, plain(count), share(ratio(count, of))),
            count,
            plain(count),
            f"{share(ratio(count, of))} of the rows of {log}",
        )
        for log, reason, count, of in rows
    ]
    intro = (
        "A row that breaks a rule is kept in the table rejected with all its reasons; "
        "with several reasons it counts for each, so reasons may add up to more than rows."
    )
    chart = named_bars(caption, bars, drawn=drawn, named_by=2)
    return Section(key, title, short, intro, (chart,))


def _read(funnel: Funnel) -> int:
    return sum(log.read for log in funnel.logs.values())


def _rejected(funnel: Funnel) -> int:
    return sum(log.rejected for log in funnel.logs.values())


def _finding(funnel: Funnel) -> str:
    clicked = "how many were clicked was not counted"
    kept = f"{plain(funnel.kept)} positives were kept"
    if funnel.clicked is not None:
        clicked = (
            f"{plain(funnel.clicked)} were clicked ({share(ratio(funnel.clicked, funnel.exposed))})"
        )
        kept = (
            f"{plain(funnel.kept)} of these were kept ({share(ratio(funnel.kept, funnel.clicked))})"
        )
    return (
        f"{plain(_read(funnel))} rows were read, {plain(_rejected(funnel))} of them rejected. "
        f"{plain(funnel.exposed)} are exposures; {clicked}, {kept}, and they got "
        f"{plain(funnel.easy + funnel.hard + funnel.fill)} of {plain(funnel.requested)} negatives."
    )


def _steps(funnel: Funnel) -> list[Step]:
    logs, read, rejected = funnel.logs.values(), _read(funnel), _rejected(funnel)
    left_out = sum(log.duplicate + log.filtered + log.other_date for log in logs)
    others = max(0, read - funnel.exposed - left_out - rejected)
    return [
        Step(
            "Rows read",
            read,
            (
                (funnel.exposed, "c1", "exposed"),
                (others, "soft", "valid rows of other logs"),
                (left_out, "muted", "duplicate, filtered or of another date"),
                (rejected, "hatch", "rejected"),
            ),
            f"{share(ratio(funnel.exposed, read))} are exposures",
        ),
        *_clicked_steps(funnel),
        Step(
            f"Negatives: {plain(ratio(funnel.requested, funnel.kept))} for each",
            funnel.requested,
            (
                (funnel.easy, "c1", "easy"),
                (funnel.hard, "c3", "hard"),
                (funnel.fill, "c4", "easy, filling in"),
                (funnel.shortfall, "hatch", "missing"),
            ),
        ),
    ]


def _clicked_steps(funnel: Funnel) -> list[Step]:
    clicked = funnel.clicked
    if clicked is None:
        return []
    return [
        Step(
            "Exposed",
            funnel.exposed,
            ((clicked, "c1", "clicked"), (funnel.exposed - clicked, "muted", "not clicked")),
            f"{share(ratio(clicked, funnel.exposed))} were clicked",
        ),
        Step(
            "Clicked",
            clicked,
            (
                (funnel.kept, "c1", "kept"),
                (clicked - funnel.kept, "muted", "thinned out, as the item is hot"),
            ),
            f"{share(ratio(funnel.kept, clicked))} were kept: {plain(funnel.kept)}",
        ),
    ]


def _logs_table(funnel: Funnel) -> Table:
    rows = tuple(
        (name, plain(log.read), *(plain(getattr(log, kind)) for kind in _KINDS))
        for name, log in funnel.logs.items()
    )
    sums = (sum(getattr(log, kind) for log in funnel.logs.values()) for kind in _KINDS)
    return Table(
        ("log", "read", *(_words(kind) for kind in _KINDS)),
        rows,
        ("all", plain(_read(funnel)), *(plain(n) for n in sums)),
        "Where the rows of each log went",
    )


def _sums(funnel: Funnel) -> list[str]:
    """Return the equations that must hold, in words; a broken one says by how much."""
    logs = funnel.logs.values()
    sums = tuple((sum(getattr(log, kind) for log in logs), _words(kind)) for kind in _KINDS)
    facts = [_sum_in_words(_read(funnel), "rows read", sums)]
    for name, log in funnel.logs.items():
        own = tuple((getattr(log, kind), _words(kind)) for kind in _KINDS)
        if sum(count for count, _ in own) != log.read:
            facts.append(_sum_in_words(log.read, f"rows of {name} read", own))
    if funnel.clicked is not None:
        parts = ((funnel.kept, "kept"), (funnel.clicked - funnel.kept, "thinned out"))
        facts.append(_sum_in_words(funnel.clicked, "clicked", parts))
    negatives = (
        (funnel.easy, "easy"),
        (funnel.hard, "hard"),
        (funnel.fill, "fill"),
        (funnel.shortfall, "missing"),
    )
    facts.append(_sum_in_words(funnel.requested, "negatives asked for", negatives))
    return facts


def _words(kind: str) -> str:
    return "of another date" if kind == "other_date" else kind


def _sum_in_words(whole: int, name: str, parts: tuple[tuple[int, str], ...]) -> str:
    found = sum(count for count, _ in parts)
    terms = " + ".join(f"{plain(count)} {kind}" for count, kind in parts)
    end = "" if found == whole else f" This does not add up: the parts make {plain(found)}."
    return f"{plain(whole)} {name} = {terms}.{end}"
