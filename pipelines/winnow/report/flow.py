"""From rows in the logs to samples: the funnel, what adds up to what, and the rejected rows."""

from collections.abc import Mapping

from winnow.audit.record import Funnel
from winnow.report.charts import Bar, named_bars
from winnow.report.numbers import NOTHING, plain, ratio, share
from winnow.report.pictures import Step
from winnow.report.pictures import funnel as funnel_picture
from winnow.report.sections import Chart, Section, Table

_KINDS = ("valid", "duplicate", "rejected", "filtered", "other_date")


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
    chart = Chart(
        "chart-funnel",
        "Every bar is a part of the bar above, magnified",
        _finding(funnel),
        funnel_picture(
            "chart-funnel", "The funnel from rows to samples", _finding(funnel), _steps(funnel)
        ),
        _steps_table(funnel),
        (
            ("c1", "goes on to the bar below; in the last bar: easy negatives"),
            ("soft", "valid rows of other logs"),
            ("muted", "duplicate, filtered, of another date, not clicked or thinned out"),
            ("c3", "hard negatives"),
            ("c4", "easy ones in place of hard ones"),
            ("hatch", "rejected, or missing"),
        ),
        wide=True,
    )
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
    drawn = [
        Bar(
            f"{log}: {reason}",
            count,
            plain(count),
            kind="hatch",
            hint=f"{share(ratio(count, all_rows))} of the rows of {log}",
        )
        for log, reason, count, all_rows in rows[:12]
    ]
    if len(rows) > len(drawn):
        finding += f" The {len(drawn)} most frequent of {len(rows)} reasons are drawn."
    table = Table(
        ("log", "reason", "rows", "share of the log's rows"),
        tuple((log, why, plain(n), share(ratio(n, of))) for log, why, n, of in rows),
        prose=frozenset({1}),
    )
    name = "Rejected rows by log and reason"
    picture = named_bars("chart-rejected", name, finding, drawn)
    intro = (
        "A row that breaks a rule is kept in the table rejected with all its reasons; "
        "with several reasons it counts for each, so reasons may add up to more than rows."
    )
    return Section(
        key, title, short, intro, (Chart("chart-rejected", name, finding, picture, table),)
    )


def _read(funnel: Funnel) -> int:
    return sum(log.read for log in funnel.logs.values())


def _rejected(funnel: Funnel) -> int:
    return sum(log.rejected for log in funnel.logs.values())


def _finding(funnel: Funnel) -> str:
    return (
        f"{plain(_read(funnel))} rows were read, {plain(_rejected(funnel))} of them rejected. "
        f"{plain(funnel.exposed)} are exposures; {plain(funnel.clicked)} were clicked "
        f"({share(ratio(funnel.clicked, funnel.exposed))}), {plain(funnel.kept)} of these were "
        f"kept ({share(ratio(funnel.kept, funnel.clicked))}), and they got "
        f"{plain(funnel.easy + funnel.hard + funnel.fill)} of {plain(funnel.requested)} negatives."
    )


def _steps(funnel: Funnel) -> list[Step]:
    logs, read, rejected = funnel.logs.values(), _read(funnel), _rejected(funnel)
    left_out = sum(log.duplicate + log.filtered + log.other_date for log in logs)
    others = max(0, read - funnel.exposed - left_out - rejected)
    each = plain(ratio(funnel.requested, funnel.kept))
    return [
        Step(
            "Rows read",
            plain(read),
            _parts(
                read,
                (funnel.exposed, "c1", "exposed"),
                (others, "soft", "valid rows of other logs"),
                (left_out, "muted", "duplicate, filtered or of another date"),
                (rejected, "hatch", "rejected"),
            ),
            f"{share(ratio(funnel.exposed, read))} are exposures",
        ),
        Step(
            "Exposed",
            plain(funnel.exposed),
            _parts(
                funnel.exposed,
                (funnel.clicked, "c1", "clicked"),
                (funnel.exposed - funnel.clicked, "muted", "not clicked"),
            ),
            f"{share(ratio(funnel.clicked, funnel.exposed))} were clicked",
        ),
        Step(
            "Clicked",
            plain(funnel.clicked),
            _parts(
                funnel.clicked,
                (funnel.kept, "c1", "kept"),
                (funnel.clicked - funnel.kept, "muted", "thinned out, as the item is hot"),
            ),
            f"{share(ratio(funnel.kept, funnel.clicked))} were kept: {plain(funnel.kept)}",
        ),
        Step(
            f"Negatives: {each} for each",
            plain(funnel.requested),
            _parts(
                funnel.requested,
                (funnel.easy, "c1", "easy"),
                (funnel.hard, "c3", "hard"),
                (funnel.fill, "c4", "easy, filling in"),
                (funnel.shortfall, "hatch", "missing"),
            ),
        ),
    ]


def _parts(whole: int, *parts: tuple[int, str, str]) -> tuple[tuple[float, str, str], ...]:
    of = whole or 1
    return tuple(
        (min(1.0, max(0, count) / of), kind, f"{name}: {plain(count)} ({share(count / of)})")
        for count, kind, name in parts
    )


def _steps_table(funnel: Funnel) -> Table:
    read = _read(funnel)
    rejected = _rejected(funnel)
    steps = (
        ("rows read", read, None),
        ("rejected", rejected, read),
        ("exposed", funnel.exposed, read),
        ("clicked", funnel.clicked, funnel.exposed),
        ("kept", funnel.kept, funnel.clicked),
        ("negatives asked for", funnel.requested, None),
        ("easy", funnel.easy, funnel.requested),
        ("hard", funnel.hard, funnel.requested),
        ("fill", funnel.fill, funnel.requested),
        ("shortfall", funnel.shortfall, funnel.requested),
    )
    return Table(
        ("step", "count", "share of what it is a part of"),
        tuple((name, plain(n), share(ratio(n, of)) if of else NOTHING) for name, n, of in steps),
    )


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
    thinned = funnel.clicked - funnel.kept
    facts.append(
        _sum_in_words(funnel.clicked, "clicked", ((funnel.kept, "kept"), (thinned, "thinned out")))
    )
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
