"""Features as of a time: what came later is never seen, whichever type ids and times have."""

import pickle
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from winnow.errors import ReleaseError
from winnow.loading.feature_table import FeatureTable

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIME = pa.timestamp("us", "UTC")


def us(time: datetime) -> int:
    return int((time - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def days(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def of_times(rows: Sequence[tuple[Any, datetime | None, float]], **options: Any) -> FeatureTable:
    ids, times, values = zip(*rows, strict=True)
    table = pa.table({"id": list(ids), "since": pa.array(times, TIME), "x": list(values)})
    return FeatureTable(table, "id", valid_from="since", **options)


def seen(table: FeatureTable, ids: list[Any], at: list[int] | None) -> list[float]:
    rows = table.rows_at(ids, None if at is None else np.array(at, np.int64))
    return [float(x) for x in table.values["x"][rows]]


@pytest.mark.parametrize("ids", [[7, -5, 2**62], ["b", "", "ä"]])
class DescribeFeaturesOfIds:
    def it_finds_each_whatever_its_type(self, ids: list[Any]) -> None:
        table = FeatureTable(pa.table({"id": ids, "x": [1.0, 2.0, 3.0]}), "id")
        other = 8 if isinstance(ids[0], int) else "c"
        found = table.rows_at(pa.array([ids[1], other, None, ids[0], ids[2]]))
        assert (found >= 0).tolist() == [True, False, False, True, True]
        assert table.values["x"][found[found >= 0]].tolist() == [2.0, 1.0, 3.0]
        assert np.isnan(table.values["x"][found[1]])

    def it_is_mapped_from_a_file_in_other_processes(self, ids: list[Any], tmp_path: Path) -> None:
        rows = [(i, NOON + k * HOUR, float(n * 10 + k)) for n, i in enumerate(ids) for k in (0, 1)]
        table = of_times(rows)
        table.save(tmp_path / "f.arrow")
        mapped = FeatureTable.load(tmp_path / "f.arrow")
        sent = pickle.dumps(mapped)
        assert len(sent) < 500
        at = [us(NOON) + 1, us(NOON) + 1, us(NOON + 9 * HOUR)]
        for other in (mapped, pickle.loads(sent), pickle.loads(pickle.dumps(table))):
            assert seen(other, ids, at) == [0.0, 10.0, 21.0]
        assert not mapped.values["x"].flags.owndata


class DescribeFeaturesOfTimes:
    def it_sees_nothing_of_what_came_later(self) -> None:
        table = of_times([(1, NOON, 0.1), (1, NOON + HOUR, 0.9), (2, NOON + HOUR, 0.5)])
        assert seen(table, [1], [us(NOON + HOUR)]) == [0.1]
        assert seen(table, [1], [us(NOON + HOUR) + 1]) == [0.9]
        before = table.rows_at([1, 2, 2], np.array([us(NOON), us(NOON), us(NOON + HOUR)]))
        assert before.tolist() == [-1, -1, -1]

    def it_ends_where_a_row_says(self) -> None:
        table = pa.table(
            {
                "id": [1, 1],
                "since": pa.array([NOON, NOON + 3 * HOUR], TIME),
                "until": pa.array([NOON + HOUR, None], TIME),
                "x": [1.0, 2.0],
            }
        )
        known = FeatureTable(table, "id", valid_from="since", valid_to="until")
        at = [us(NOON + h * HOUR) for h in (1, 2, 3, 4)]
        found = known.rows_at([1, 1, 1, 1], np.array(at))
        assert found.tolist() == [0, -1, -1, 1]

    def it_takes_a_row_without_a_time_as_one_since_ever(self) -> None:
        table = of_times([(1, None, 0.1), (1, NOON, 0.2)])
        assert seen(table, [1, 1], [0, us(NOON + HOUR)]) == [0.1, 0.2]

    def it_knows_a_row_of_nanoseconds_from_the_next_microsecond(self) -> None:
        since = pa.array([us(NOON) * 1000 + 900], pa.int64()).cast(pa.timestamp("ns", "UTC"))
        table = pa.table({"id": [1], "since": since, "x": [1.0]})
        known = FeatureTable(table, "id", valid_from="since")
        assert known.rows_at([1, 1], np.array([us(NOON), us(NOON) + 1])).tolist() == [-1, 0]

    @pytest.mark.parametrize("text", [False, True])
    def it_finds_what_a_search_row_by_row_finds(self, text: bool) -> None:
        chance = np.random.default_rng(5)
        pairs = sorted({(int(i), int(t)) for i, t in chance.integers(0, 40, (500, 2))})
        pairs = [pairs[k] for k in chance.permutation(len(pairs))]
        ends = [t + int(n) for (_, t), n in zip(pairs, chance.integers(0, 12, 500), strict=False)]
        name = str if text else int
        table = pa.table(
            {
                "id": [name(i) for i, _ in pairs],
                "since": pa.array([t for _, t in pairs], pa.int64()).cast(TIME),
                "until": pa.array(ends, pa.int64()).cast(TIME),
                "n": list(range(len(pairs))),
            }
        )
        known = FeatureTable(table, "id", valid_from="since", valid_to="until")
        asked = [(int(i), int(t)) for i, t in chance.integers(-2, 44, (3000, 2))]
        found = known.rows_at([name(i) for i, _ in asked], np.array([t for _, t in asked]))
        expected = []
        for i, t in asked:
            rows = [(since, n) for n, (key, since) in enumerate(pairs) if key == i and since < t]
            last = max(rows, default=None)
            expected.append(-1 if last is None or ends[last[1]] < t else last[1])
        assert [-1 if r < 0 else int(known.values["n"][r]) for r in found] == expected
        assert 300 < sum(n >= 0 for n in expected) < 2500


class DescribeFeaturesOfDates:
    @pytest.mark.parametrize(("lag", "expected"), [(1, 4.0), (0, 5.0), (2, 3.0)])
    def it_takes_a_date_as_known_when_it_is_over(self, lag: int, expected: float) -> None:
        dates = [date(2026, 1, day) for day in (3, 4, 5, 6)]
        table = pa.table({"id": [9] * 4, "ds": dates, "x": [3.0, 4.0, 5.0, 6.0]})
        known = FeatureTable(table, "id", valid_from="ds", lag_days=lag)
        assert seen(known, [9], [days(date(2026, 1, 5))]) == [expected]
        assert known.rows_at([9], np.array([days(date(2026, 1, 2)) + lag])).tolist() == [-1]


class DescribeTheValueOfNoRow:
    def it_is_what_was_configured(self) -> None:
        table = pa.table(
            {
                "id": [1, 2],
                "n": pa.array([5, None], pa.int32()),
                "x": pa.array([None, 0.5], pa.float32()),
                "t": pa.array([None, "b"]),
                "yes": [True, False],
                "v": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
                "at": pa.array([NOON, NOON], TIME),
            }
        )
        values = FeatureTable(table, "id", defaults={"n": -1, "t": "?"}).values
        assert values["n"].tolist() == [5, -1, -1]
        assert values["n"].dtype == np.int32
        assert np.isnan(values["x"]).tolist() == [True, False, True]
        assert values["t"].tolist() == ["?", "b", "?"]
        assert values["yes"].tolist() == [True, False, False]
        assert values["v"].shape == (3, 2)
        assert values["v"][0].tolist() == [1.0, 2.0]
        assert np.isnan(values["v"][1:]).all()
        assert values["at"].tolist() == [us(NOON), us(NOON), 0]

    @pytest.mark.parametrize("values", [[1, None], ["a", None], [True, None]])
    def it_is_asked_for_where_a_feature_has_null(self, values: list[Any]) -> None:
        with pytest.raises(ReleaseError, match="has NULL, which this type has no value for"):
            FeatureTable(pa.table({"id": [1, 2], "x": values}), "id")

    def it_is_refused_where_it_is_of_another_type(self) -> None:
        with pytest.raises(ReleaseError, match="none of the feature's type"):
            FeatureTable(pa.table({"id": [1], "x": [1]}), "id", defaults={"x": "no"})


class DescribeWhatIsRefused:
    def it_is_a_default_that_the_type_would_change(self) -> None:
        rows = pa.table({"id": [1], "n": [1], "flag": [True]})
        for wrong in ({"n": 1.5}, {"flag": "no"}):
            with pytest.raises(ReleaseError, match="the default is none of the feature's type"):
                FeatureTable(rows, "id", defaults=wrong)

    def it_is_a_time_or_an_id_that_would_turn_into_another(self) -> None:
        far = pa.array([2**62], pa.timestamp("s", "UTC"))
        with pytest.raises(ReleaseError, match="a time is beyond what microseconds hold"):
            FeatureTable(pa.table({"id": [1], "since": far, "x": [1.0]}), "id", valid_from="since")
        with pytest.raises(ReleaseError, match="a whole number is beyond an int64"):
            FeatureTable(pa.table({"id": pa.array([2**63], pa.uint64()), "x": [1.0]}), "id")

    def it_is_a_file_that_was_not_saved(self, tmp_path: Path) -> None:
        (tmp_path / "other").write_text("text", encoding="utf-8")
        for name in ("other", "none"):
            with pytest.raises(ReleaseError, match="cannot be loaded"):
                FeatureTable.load(tmp_path / name)

    def it_is_two_rows_of_one_id_and_time(self) -> None:
        with pytest.raises(ReleaseError, match=r"there twice.*found the id 4"):
            of_times([(3, NOON, 1.0), (4, NOON, 1.0), (4, NOON, 2.0)])
        with pytest.raises(ReleaseError, match="Name valid_from"):
            FeatureTable(pa.table({"id": ["a", "a"], "x": [1, 2]}), "id")

    def it_is_a_time_without_a_zone(self) -> None:
        since = pa.array([datetime(2026, 1, 1)], pa.timestamp("us"))
        with pytest.raises(ReleaseError, match="neither times with a zone nor dates"):
            FeatureTable(pa.table({"id": [1], "since": since, "x": [1]}), "id", valid_from="since")

    def it_is_a_lag_into_the_future(self) -> None:
        table = pa.table({"id": [1], "ds": [date(2026, 1, 1)], "x": [1]})
        with pytest.raises(ReleaseError, match="known only later"):
            FeatureTable(table, "id", valid_from="ds", lag_days=-1)

    def it_is_an_id_that_is_null_or_no_id(self) -> None:
        with pytest.raises(ReleaseError, match="has no id"):
            FeatureTable(pa.table({"id": [1, None], "x": [1, 2]}), "id")
        with pytest.raises(ReleaseError, match="neither whole numbers nor texts"):
            FeatureTable(pa.table({"id": [1.5], "x": [1]}), "id")
        with pytest.raises(ReleaseError, match="of another type"):
            FeatureTable(pa.table({"id": [1], "x": [1]}), "id").rows_at(["1"])

    def it_is_a_column_that_is_not_there_or_of_no_known_type(self) -> None:
        with pytest.raises(ReleaseError, match="y: is no column"):
            FeatureTable(pa.table({"id": [1], "x": [1]}), "id", columns=["y"])
        with pytest.raises(ReleaseError, match="no feature is of this type"):
            FeatureTable(pa.table({"id": [1], "x": [[1, 2]]}), "id")

    def it_is_nothing_where_there_are_no_rows(self) -> None:
        empty = pa.table({"id": pa.array([], pa.int64()), "x": pa.array([], pa.float64())})
        assert FeatureTable(empty, "id").rows_at([1]).tolist() == [-1]
