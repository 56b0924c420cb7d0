"""Carried histories that are wrong: the gates that notice it."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.audit.evidence import Evidence
from winnow.spark.sized import Sized
from winnow.tables.history_state import EarlierState, history_state

from tests.audit.asked_gates import audit_of
from tests.audit.in_every_run import Mistakes
from tests.audit.test_mutants import failed
from tests.e2e.test_carried_histories import DATES, DAYS, build_dates, carrying, some_logs
from tests.events.handmade import DAY, Built, Row

pytestmark = pytest.mark.sail_only

STATE = "history_state"
LISTS = ("item_ids", "actions", "us")
DAY_US = 86_400_000_000
REQUEST = "request_history_differs"
TABLE = "user_sequences"
OUTSIDE = "history_state_outside"
LOST = "history_state_lost"
DIFFERS = "history_state_differs"
MISPLACED = "sequence_misplaced"
TARGETS = "sequence_targets_differ"
SEQUENCE = "sequence_differs"
GATES = (OUTSIDE, LOST, DIFFERS, MISPLACED, TARGETS, SEQUENCE, REQUEST)


class StoppedBuildError(Exception):
    """The audit is not taken: what it would look at is known."""


@dataclass(frozen=True)
class Bench:
    """A build of the third date of which all is staged, and the two dates before it."""

    evidence: Evidence
    before: list[Built]

    def rows(self, table: str = STATE) -> list[Row]:
        rows: list[Row] = self.evidence.staged[table].toArrow().to_pylist()
        return sorted(rows, key=lambda row: int(row["shuffle_key"]))

    def with_rows(self, rows: list[Row], table: str = STATE) -> Evidence:
        frame = self.evidence.staged[table]
        of_rows = pa.Table.from_pylist(rows, frame.limit(0).toArrow().schema)
        stored = self.evidence.scratch.stored(of_rows, f"broken-{uuid.uuid4().hex}")
        staged = {**self.evidence.staged, table: stored.select(*frame.columns)}
        return replace(self.evidence, staged=staged)

    def state(self, built: Built, spark: SparkSession) -> EarlierState:
        """The state of an earlier date, as if it were that of the date before."""
        names = self.evidence.staged[STATE].columns
        schema = self.evidence.staged[STATE].limit(0).toArrow().schema
        rows = [{name: row[name] for name in names} for row in built.tables[STATE]]
        frame = self.evidence.scratch.stored(
            pa.Table.from_pylist(rows, schema), f"of-{uuid.uuid4().hex}"
        )
        return EarlierState(Sized(frame, len(rows)), self.evidence.day.start_us)


def one(rows: list[Row], wanted: Callable[[Row], Any]) -> Row:
    return next(row for row in rows if wanted(row))


def an_event_of_the_next_date_leaks_in(bench: Bench) -> Evidence:
    rows = bench.rows()
    row = one(rows, lambda row: len(row["us"]) > 1)
    row["us"][-1] = bench.evidence.day.end_us
    return bench.with_rows(rows)


def a_user_who_was_not_seen_is_lost(bench: Bench) -> Evidence:
    rows, start = bench.rows(), bench.evidence.day.start_us
    row = one(rows, lambda row: row["us"][-1] < start)
    return bench.with_rows([other for other in rows if other is not row])


def a_user_is_there_twice(bench: Bench) -> Evidence:
    rows = bench.rows()
    return bench.with_rows([*rows, rows[0]])


def an_event_is_doubled(bench: Bench) -> Evidence:
    rows = bench.rows()
    row = one(rows, lambda row: 0 < len(row["us"]) < 4)
    for name in LISTS:
        row[name] = [row[name][0], *row[name]]
    return bench.with_rows(rows)


def two_events_change_places(bench: Bench) -> Evidence:
    rows = bench.rows()
    row = one(rows, lambda row: len(set(row["us"])) == len(row["us"]) > 1)
    for name in LISTS:
        row[name] = [row[name][1], row[name][0], *row[name][2:]]
    return bench.with_rows(rows)


def events_of_one_time_change_places(bench: Bench) -> Evidence:
    rows = bench.rows()
    row = one(rows, lambda row: len(set(row["us"])) < len(row["us"]))
    at = one([{"at": n} for n in range(3)], lambda n: row["us"][n["at"]] == row["us"][n["at"] + 1])
    for name in ("item_ids", "actions"):
        place = at["at"]
        row[name][place], row[name][place + 1] = row[name][place + 1], row[name][place]
    return bench.with_rows(rows)


def an_event_is_of_another_item(bench: Bench) -> Evidence:
    rows = bench.rows()
    rows[0]["item_ids"][0] += 1
    return bench.with_rows(rows)


def what_has_expired_is_kept(bench: Bench) -> Evidence:
    rows = bench.rows()
    row = one(rows, lambda row: 0 < len(row["us"]) < 4)
    first = bench.evidence.day.start_us - DAYS * DAY_US
    added = {"item_ids": row["item_ids"][0], "actions": "buy", "us": first - 1}
    for name in LISTS:
        row[name] = [added[name], *row[name]]
    return bench.with_rows(rows)


def what_is_left_out_is_forgotten(bench: Bench) -> Evidence:
    rows = bench.rows()
    row = one(rows, lambda row: row["left_out_counts"])
    row["left_out_counts"], row["left_out_day_us"] = [], []
    return bench.with_rows(rows)


def what_is_left_out_is_of_another_date(bench: Bench) -> Evidence:
    rows, first = bench.rows(), bench.evidence.day.start_us - DAYS * DAY_US
    row = one(rows, lambda row: row["left_out_day_us"] and row["left_out_day_us"][0] > first)
    row["left_out_day_us"] = [one_date - DAY_US for one_date in row["left_out_day_us"]]
    return bench.with_rows(rows)


def the_state_is_of_another_date(bench: Bench) -> Evidence:
    evidence = bench.evidence
    older = bench.state(bench.before[0], evidence.scratch.spark)
    contract = evidence.contracts[STATE]
    frame = history_state(evidence.logs, older, contract, evidence.run)
    staged = {**evidence.staged, STATE: evidence.scratch.staged(frame, f"m-{uuid.uuid4().hex}")}
    return replace(evidence, staged=staged)


def requests_know_the_log_alone(bench: Bench) -> Evidence:
    rows, start = bench.rows("request_samples"), bench.evidence.day.start_us
    row = one(rows, lambda row: row["hist_us"] and row["hist_us"][0] < start)
    own = [n for n, us in enumerate(row["hist_us"]) if us >= start]
    for name in ("hist_item_ids", "hist_actions", "hist_us"):
        row[name] = [row[name][n] for n in own]
    return bench.with_rows(rows, "request_samples")


def requests_forget_what_the_state_left_out(bench: Bench) -> Evidence:
    rows = bench.rows("request_samples")
    one(rows, lambda row: row["hist_left_out"])["hist_left_out"] = 0
    return bench.with_rows(rows, "request_samples")


def sequence(rows: list[Row], wanted: Callable[[Row], Any]) -> Row:
    return one(rows, lambda row: len(row["seq_us"]) > 2 and wanted(row))


def with_sequence(
    bench: Bench, change: Callable[[Row], None], wanted: Callable[[Row], Any] = bool
) -> Evidence:
    rows = bench.rows(TABLE)
    change(sequence(rows, wanted))
    return bench.with_rows(rows, TABLE)


def place_of_a_target(row: Row) -> int:
    place: int = row["seq_is_target"].index(True)
    return place


def a_target_knows_itself(bench: Bench) -> Evidence:
    def change(row: Row) -> None:
        place = place_of_a_target(row)
        row["seq_n_before"][place] += 1

    return with_sequence(bench, change)


def a_target_knows_what_came_after_its_impression(bench: Bench) -> Evidence:
    def places(row: Row) -> list[int]:
        both = zip(row["seq_n_before_shown"], row["seq_n_before"], strict=True)
        return [n for n, (shown, all_) in enumerate(both) if shown is not None and shown < all_]

    def change(row: Row) -> None:
        row["seq_n_before_shown"][places(row)[0]] += 1

    return with_sequence(bench, change, places)


def elements_of_one_time_are_before_each_other(bench: Bench) -> Evidence:
    def change(row: Row) -> None:
        row["seq_n_before"] = list(range(len(row["seq_us"])))

    return with_sequence(bench, change, lambda row: len(set(row["seq_us"])) < len(row["seq_us"]))


def one_is_a_target_that_is_none(bench: Bench) -> Evidence:
    def change(row: Row) -> None:
        place = row["seq_is_target"].index(False)
        row["seq_is_target"][place] = True
        row["seq_n_before_shown"][place] = row["seq_n_before"][place]

    return with_sequence(bench, change, lambda row: not all(row["seq_is_target"]))


def a_target_is_none(bench: Bench) -> Evidence:
    def change(row: Row) -> None:
        place = place_of_a_target(row)
        row["seq_is_target"][place] = False
        row["seq_n_before_shown"][place] = None

    return with_sequence(bench, change, lambda row: sum(row["seq_is_target"]) > 1)


def a_user_with_targets_is_lost(bench: Bench) -> Evidence:
    return bench.with_rows(bench.rows(TABLE)[1:], TABLE)


def two_elements_of_a_sequence_change_places(bench: Bench) -> Evidence:
    def change(row: Row) -> None:
        for name in (name for name in row if name.startswith("seq_") and name != "seq_left_out"):
            row[name] = [row[name][1], row[name][0], *row[name][2:]]

    return with_sequence(bench, change, lambda row: len(set(row["seq_us"][:2])) == 2)


def the_oldest_element_is_lost(bench: Bench) -> Evidence:
    def change(row: Row) -> None:
        for name in (name for name in row if name.startswith("seq_") and name != "seq_left_out"):
            row[name] = row[name][1:]
        for name in ("seq_n_before", "seq_n_before_shown"):
            row[name] = [n if n is None else max(n - 1, 0) for n in row[name]]

    start = bench.evidence.day.start_us
    return with_sequence(
        bench, change, lambda row: row["seq_us"][0] < start and len(set(row["seq_us"][:2])) == 2
    )


def a_sequence_forgets_what_was_left_out(bench: Bench) -> Evidence:
    def change(row: Row) -> None:
        row["seq_left_out"] = 0

    return with_sequence(bench, change, lambda row: row["seq_left_out"])


MISTAKES: dict[Callable[[Bench], Evidence], set[str]] = {
    an_event_of_the_next_date_leaks_in: {OUTSIDE, DIFFERS},
    a_user_who_was_not_seen_is_lost: {LOST, DIFFERS},
    a_user_is_there_twice: {LOST},
    an_event_is_doubled: {LOST, DIFFERS},
    two_events_change_places: {OUTSIDE, DIFFERS},
    events_of_one_time_change_places: {DIFFERS},
    an_event_is_of_another_item: {DIFFERS},
    what_has_expired_is_kept: {OUTSIDE, LOST, DIFFERS},
    what_is_left_out_is_forgotten: {LOST, DIFFERS},
    what_is_left_out_is_of_another_date: {DIFFERS},
    the_state_is_of_another_date: {LOST, DIFFERS},
    requests_know_the_log_alone: {REQUEST},
    requests_forget_what_the_state_left_out: {REQUEST},
    a_target_knows_itself: {MISPLACED},
    a_target_knows_what_came_after_its_impression: {TARGETS},
    elements_of_one_time_are_before_each_other: {MISPLACED},
    one_is_a_target_that_is_none: {TARGETS},
    a_target_is_none: {TARGETS},
    a_user_with_targets_is_lost: {TARGETS, SEQUENCE},
    two_elements_of_a_sequence_change_places: {MISPLACED, SEQUENCE},
    the_oldest_element_is_lost: {SEQUENCE},
    a_sequence_forgets_what_was_left_out: {SEQUENCE},
}


@pytest.fixture(scope="module")
def bench(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder, seen = tmp_path_factory.mktemp("histories"), list[Evidence]()
    some_logs().write(folder)
    settings = carrying(Path(folder))
    before = build_dates(settings, spark, *DATES[1:3])

    def stop(evidence: Evidence) -> None:
        seen.append(evidence)
        raise StoppedBuildError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("winnow.building.audit.audit", stop)
        with pytest.raises(StoppedBuildError):
            build_dates(settings, spark, DAY)
    assert DAY - DATES[2] == timedelta(1)
    yield Bench(seen[0], before)


class DescribeMistakesInHistories:
    def it_passes_without_one(self, bench: Bench) -> None:
        assert failed(audit_of(bench.evidence, GATES)) == set()

    def it_passes_where_some_users_stand_for_all(self, bench: Bench) -> None:
        run = bench.evidence.run
        limits = replace(run.scratch.limits, compared_positives=20)
        many = replace(run, scratch=replace(run.scratch, limits=limits))
        record = audit_of(replace(bench.evidence, run=many), GATES)
        assert failed(record) == set()
        assert "looked at 1 in" in str([gate for gate in record.gates if gate.name == DIFFERS])

    @pytest.mark.parametrize(
        "mistake", Mistakes().of(MISTAKES.items()), ids=lambda one: one.__name__
    )
    def it_does_not_pass(self, mistake: Callable[[Bench], Evidence], bench: Bench) -> None:
        found = failed(audit_of(mistake(bench), MISTAKES[mistake]))
        assert found >= MISTAKES[mistake]
        assert found <= {*GATES}
