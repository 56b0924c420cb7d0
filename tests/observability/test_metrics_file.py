"""The file of metrics: what it says, in which format, and that nobody meets a part of it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as read_as_prometheus
from winnow.errors import ConfigError
from winnow.observability.metrics import LAST_SUCCESS, require_metrics_file, write_metrics

from tests.observability.outcomes import BEGUN, ENDED, FAILED, RUN_ID, outcome

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(path: Path) -> Samples:
    """The values by name and labels; the parser refuses what is no OpenMetrics."""
    families = text_string_to_metric_families(path.read_text(encoding="utf-8"))  # type: ignore[no-untyped-call]
    return {
        (one.name, tuple(sorted((k, v) for k, v in one.labels.items() if v))): one.value
        for family in families
        for one in family.samples
    }


class DescribeTheFile:
    def it_says_how_the_last_run_went(self, tmp_path: Path) -> None:
        path = tmp_path / "winnow.prom"
        write_metrics([outcome()], path)
        run = (("ds", "2026-01-01"), ("release", "r1"), ("run_id", RUN_ID))
        rows = {
            ("winnow_log_rows", (("log", "clicks"), ("place", place))): float(count)
            for place, count in (
                ("valid", 4), ("duplicate", 1), ("rejected", 2), ("filtered", 2), ("other_date", 0)
            )
        }  # fmt: skip
        gates = {
            ("winnow_gates", (("status", status),)): float(count)
            for status, count in (("pass", 2), ("warn", 1), ("fail", 1), ("error", 1))
        }
        broken = {
            ("winnow_gate_not_passed", (("gate", name), ("status", status))): 1.0
            for name, status in (
                ("rejected_share.clicks", "fail"), ("history_share", "warn"), ("log_q", "error")
            )
        }  # fmt: skip
        assert samples(path) == rows | gates | broken | {
            ("winnow_run_info", run): 1.0,
            ("winnow_run_exit_code", ()): 0.0,
            ("winnow_run_published", ()): 1.0,
            ("winnow_run_start_timestamp_seconds", ()): BEGUN.timestamp(),
            ("winnow_run_end_timestamp_seconds", ()): ENDED.timestamp(),
            (LAST_SUCCESS, ()): ENDED.timestamp(),
            ("winnow_stage_seconds", (("stage", "count rows"),)): 1.25,
            ("winnow_stage_seconds", (("stage", "audit"),)): 0.5,
            ("winnow_table_rows", (("table", "positives"),)): 4.0,
            ("winnow_table_rows", (("table", "rejected"),)): 2.0,
        }

    def it_is_read_alike_by_prometheus(self, tmp_path: Path) -> None:
        path = tmp_path / "winnow.prom"
        write_metrics([outcome(variant='a "b"\\c')], path)
        text = path.read_text(encoding="utf-8")
        families = [*read_as_prometheus(text)]
        assert {family.type for family in families} == {"gauge"}
        read = {
            (one.name, tuple(sorted((k, v) for k, v in one.labels.items() if v))): one.value
            for family in families
            for one in family.samples
        }
        assert read == samples(path)
        assert text.endswith("# EOF\n")

    def it_keeps_the_last_success_where_a_run_fails(self, tmp_path: Path) -> None:
        path = tmp_path / "winnow.prom"
        write_metrics([outcome()], path)
        later = ENDED + timedelta(days=1)
        bare: dict[str, Any] = {
            "logs": {},
            "tables": {},
            "gates": (),
            "seconds": {},
            "release_id": None,
        }
        write_metrics([outcome(ending=FAILED, ended=later, published=False, **bare)], path)
        found = samples(path)
        assert found[LAST_SUCCESS, ()] == ENDED.timestamp()
        assert found["winnow_run_exit_code", ()] == 3
        assert {name for name, _ in found} == {
            *("winnow_run_info", "winnow_run_exit_code", "winnow_run_published", LAST_SUCCESS),
            *("winnow_run_start_timestamp_seconds", "winnow_run_end_timestamp_seconds"),
        }

    def it_tells_variants_apart(self, tmp_path: Path) -> None:
        path = tmp_path / "winnow.prom"
        good, bad = outcome(variant="good"), outcome(variant="bad", ending=FAILED)
        write_metrics([good, replace(bad, ending=good.ending)], path)
        write_metrics([replace(good, ended=ENDED + timedelta(1)), bad], path)
        found = samples(path)
        of = {one: (("variant", one),) for one in ("good", "bad")}
        assert [found["winnow_run_exit_code", of[one]] for one in of] == [0, 3]
        assert found[LAST_SUCCESS, of["good"]] - found[LAST_SUCCESS, of["bad"]] == 86_400

    @pytest.mark.parametrize("former", ["", "no metrics at all {", "x 1\n"])
    def it_takes_the_place_of_any_other(self, former: str, tmp_path: Path) -> None:
        path = tmp_path / "winnow.prom"
        path.write_text(former, encoding="utf-8")
        write_metrics([outcome(ending=FAILED)], path)
        assert (LAST_SUCCESS, ()) not in samples(path)

    def it_may_be_read_by_all_and_leaves_nothing_beside_it(self, tmp_path: Path) -> None:
        path = tmp_path / "winnow.prom"
        write_metrics([outcome()], path)
        before = path.stat().st_ino
        write_metrics([outcome()], path)
        assert path.stat().st_mode & 0o777 == 0o644
        assert path.stat().st_ino != before, "it was replaced, not written over"
        assert list(tmp_path.iterdir()) == [path]


class DescribeAPlaceForIt:
    @pytest.mark.parametrize("name", ["nowhere/winnow.prom", "."])
    def it_is_refused_before_any_work(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="the file cannot be written there"):
            require_metrics_file(tmp_path / name)
