"""What a person and a machine are told about a build."""

import io
import json
from datetime import date

from rich.console import Console
from winnow.building.summary import BuildSummary, Totals
from winnow.building.summary_text import print_builds, print_summary
from winnow.contracts.counts import RowCounts

SUMMARY = BuildSummary(
    release_id="20260102T000000000000Z-abcdefgh",
    ds=date(2026, 1, 1),
    published=True,
    warehouse="/w",
    logs={
        "impressions": RowCounts(1_000, 990, 3, 4, 1, 2),
        "clicks": RowCounts(100, 90, 5, 5, 0, 0),
    },
    tables={"positives": 80},
    totals=Totals(positives=80, easy=800, hard=700, fill=60, shortfall=40),
    shortfall_reasons={"pool_too_small": 100},
    seconds={"read": 1.25, "sample": 2.0},
    warnings=("3 days of history, 30 are configured",),
)


def shown(summaries: list[BuildSummary], width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, soft_wrap=True)
    if len(summaries) == 1:
        print_summary(summaries[0], console)
    else:
        print_builds(summaries, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


class DescribeTheSummary:
    def it_is_a_record_of_json_types(self) -> None:
        record = json.loads(json.dumps(SUMMARY.as_record()))
        assert record["ds"] == "2026-01-01"
        assert record["logs"]["clicks"]["rejected"] == 5
        assert record["totals"]["shortfall"] == 40
        assert record["seconds"] == {"read": 1.25, "sample": 2.0}

    def it_shows_where_rows_went_and_what_was_made(self) -> None:
        lines = [" ".join(line.split()) for line in shown([SUMMARY]).splitlines()]
        assert "impressions 1,000 990 3 4 1 2" in lines
        assert "date rows in rejected positives easy hard fill shortfall seconds" in lines
        assert "2026-01-01 1,100 9 80 800 700 60 40 3.2" in lines
        assert "missing negatives, pool_too_small: 100" in lines
        assert "warning: 3 days of history, 30 are configured" in lines

    def it_cuts_nothing_off_in_a_narrow_terminal(self) -> None:
        wide, narrow = shown([SUMMARY]), shown([SUMMARY], width=40)
        assert [line.split() for line in narrow.splitlines() if "─" not in line] == [
            line.split() for line in wide.splitlines() if "─" not in line
        ]
        assert "…" not in narrow

    def it_ends_with_three_lines_of_python(self) -> None:
        lines = shown([SUMMARY, SUMMARY]).splitlines()[-3:]
        compile("\n".join(lines), "reading", "exec")
        assert lines[1] == "release = winnow.open_release('/w', ds=date(2026, 1, 1))"
