"""What is told of the stages of a command, while it works."""

import io
import json
import re
import time
from contextlib import suppress
from datetime import datetime
from typing import Any

from rich.console import Console
from winnow.building.progress import Progress


def written(console: Console) -> str:
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def console(**settings: Any) -> Console:
    return Console(file=io.StringIO(), width=100, highlight=False, color_system=None, **settings)


class DescribeProgressWithoutATerminal:
    def it_tells_the_clock_time_when_a_stage_begins_and_when_it_ends(self) -> None:
        to = console()
        progress = Progress(to)
        with progress.stage("read logs") as stage:
            assert re.fullmatch(r"\d\d:\d\d:\d\d  read logs …\n", written(to))
            stage.rows = 12_345
        last = written(to).splitlines()[1]
        assert re.fullmatch(r"\d\d:\d\d:\d\d  read logs +0\.\d s  12,345 rows", last)
        assert list(progress.seconds) == ["read logs"]

    def it_tells_that_a_stage_failed(self) -> None:
        to = console()
        with suppress(ValueError), Progress(to).stage("audit"):
            raise ValueError
        assert written(to).split()[-1] == "failed"

    def it_adds_up_a_stage_that_comes_again(self) -> None:
        progress = Progress(console())
        for _ in range(2):
            with progress.stage("read"):
                time.sleep(0.02)
        assert list(progress.seconds) == ["read"]
        assert progress.seconds["read"] >= 0.04

    def it_is_silent_where_told_so(self) -> None:
        to = console()
        for log_format in (None, "text", "json"):
            progress = Progress(to, quiet=True, log_format=log_format)
            with progress.stage("read"):
                progress.say("here")
        assert written(to) == ""


class DescribeProgressOfAVariant:
    def it_names_the_variant_and_keeps_seconds_of_its_own(self) -> None:
        to = console()
        progress = Progress(to)
        own = progress.of("flat")
        with own.stage("sample"):
            pass
        with progress.stage("read"):
            pass
        first, second, *others = written(to).splitlines()
        assert first.endswith("  flat: sample …")
        assert re.fullmatch(r"\d\d:\d\d:\d\d  flat: sample +0\.\d s", second)
        assert all("flat" not in line for line in others)
        assert (list(own.seconds), list(progress.seconds)) == (["sample"], ["read"])

    def it_is_a_field_for_machines(self) -> None:
        to = console()
        progress = Progress(to, log_format="json")
        for one in (progress.of("flat"), progress):
            with one.stage("sample"):
                pass
        told = [json.loads(line) for line in written(to).splitlines()]
        assert [one.get("variant") for one in told] == ["flat", "flat", None, None]
        assert {one["stage"] for one in told} == {"sample"}


class DescribeProgressAsJson:
    def it_is_one_object_per_line(self) -> None:
        to = console(force_terminal=True)
        progress = Progress(to, log_format="json")
        with suppress(ValueError), progress.stage("sample") as stage:
            progress.say("\n[red]half[/red] done")
            stage.rows = 7
            raise ValueError
        start, message, end = [json.loads(line) for line in written(to).splitlines()]
        for one in (start, message, end):
            assert datetime.fromisoformat(one.pop("time")).tzinfo is not None
        assert start == {"event": "start", "stage": "sample"}
        assert message == {"event": "message", "stage": "sample", "text": "[red]half[/red] done"}
        assert end.pop("seconds") >= 0
        assert end == {"event": "end", "stage": "sample", "rows": 7, "failed": True}

    def it_names_the_run_in_every_line(self) -> None:
        to = console()
        progress = Progress(to, log_format="json", run_id="run-1")
        progress.say("before")
        for one in (progress.of("flat", run_id="run-2"), progress):
            with one.stage("outer"), one.stage("inner"):
                one.say("within")
        told = [json.loads(line) for line in written(to).splitlines()]
        assert [one["run_id"] for one in told] == ["run-1", *["run-2"] * 5, *["run-1"] * 5]
        assert [one["stage"] for one in told[1:6]] == ["outer", "inner", "inner", "inner", "outer"]
        assert told[0]["stage"] is None

    def it_warns_where_nothing_else_is_told(self) -> None:
        to = console()
        Progress(to, quiet=True, run_id="run-1").warn("look here")
        assert written(to) == "warning: look here\n"
        to = console()
        Progress(to, log_format="json").warn("look")
        assert json.loads(written(to))["text"] == "warning: look"


class DescribeProgressInATerminal:
    def it_shows_a_line_that_moves_and_then_the_seconds(self) -> None:
        to = console(force_terminal=True)
        with Progress(to).stage("sample"):
            time.sleep(0.6)
        text = written(to)
        assert re.search(r"sample +\d s …", text), "drawn while the stage works"
        assert re.search(r"sample +0\.\d s\n$", text), "written when it has ended"
        assert not re.search(r"\d\d:\d\d:\d\d", text)

    def it_writes_lines_with_clock_times_where_text_is_asked_for(self) -> None:
        to = console(force_terminal=True)
        with Progress(to, log_format="text").stage("sample"):
            pass
        assert len(re.findall(r"\d\d:\d\d:\d\d  sample", written(to))) == 2
