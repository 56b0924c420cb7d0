"""Where pairs are described: files of bounded size, rows found again by their place."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from winnow.dates import CalendarDay
from winnow.sampler.built_catalogue import build_catalogue
from winnow.sampler.catalogue_file import save_catalogue
from winnow.sampler.kept_pairs import write_kept_pairs
from winnow.sampler.pair_files import PairFiles
from winnow.sampler.task_settings import SamplerSettings
from winnow.spark.limits import Limits

from tests.invariants.one_partition import DAY, config, items


def batch_of(numbers: range) -> pa.RecordBatch:
    """Pairs of items without a click before, which are never thinned."""
    ids = pa.array(numbers, pa.int64())
    names = ("request_id", "user_key", "request_key", "owner_key")
    never_hot = pa.array([7 * (number % 50 + 1) for number in numbers], pa.int64())
    text = pa.array([f"page {number}" for number in numbers])
    action = pa.array([0] * len(numbers), pa.int8())
    return pa.RecordBatch.from_pydict(
        {**dict.fromkeys(names, ids), "item_key": never_hot, "action": action, "page": text}
    )


@pytest.fixture
def settings(tmp_path: Path) -> SamplerSettings:
    path = tmp_path / "catalogue.arrow"
    save_catalogue(build_catalogue(items(), config(), DAY), path)
    day = CalendarDay(np.datetime64("1970-01-01").astype(object))
    return SamplerSettings.of(config(), day, str(path), str(tmp_path), by_score=(True, True))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.arrow") if path.stem.isdigit()]


class DescribeKeptPlaces:
    def it_writes_one_file_for_all_batches_of_a_task(
        self, settings: SamplerSettings, tmp_path: Path
    ) -> None:
        (places,) = write_kept_pairs([batch_of(range(30)), batch_of(range(30, 40))], settings)
        assert len(files_in(tmp_path)) == 1
        assert places.column_names == [
            "request_id",
            "user_key",
            "owner_key",
            "pair_file",
            "pair_row",
        ]
        assert places["request_id"].to_pylist() == list(range(40))
        assert places["pair_row"].to_pylist() == list(range(40))

    def it_begins_another_file_where_one_holds_enough_bytes(
        self, settings: SamplerSettings, tmp_path: Path
    ) -> None:
        few = Limits(bytes_per_file=batch_of(range(30)).nbytes)
        batches = [batch_of(range(30 * n, 30 * n + 30)) for n in range(5)]
        places = pa.Table.from_batches(list(write_kept_pairs(batches, settings, few)))
        assert len(files_in(tmp_path)) > 1
        assert places["request_id"].to_pylist() == list(range(150))
        found = PairFiles(str(tmp_path)).read(
            places["pair_file"].to_numpy()[::-7], places["pair_row"].to_numpy()[::-7]
        )
        wanted = [(n, f"page {n}") for n in range(149, -1, -7)]
        rows = zip(found["request_id"].to_pylist(), found["page"].to_pylist(), strict=True)
        assert sorted(rows) == sorted(wanted)

    @pytest.mark.parametrize("batches", [[], [range(0)], [range(0), range(0)]])
    def it_writes_nothing_where_there_is_no_pair(
        self, settings: SamplerSettings, tmp_path: Path, batches: list[range]
    ) -> None:
        assert list(write_kept_pairs([batch_of(numbers) for numbers in batches], settings)) == []
        assert files_in(tmp_path) == []

    @pytest.mark.fault(3)
    def it_names_no_file_of_an_attempt_that_failed(
        self, settings: SamplerSettings, tmp_path: Path
    ) -> None:
        def failing() -> Iterator[pa.RecordBatch]:
            yield batch_of(range(30))
            raise OSError("gone")

        with pytest.raises(OSError, match="gone"):
            list(write_kept_pairs(failing(), settings, Limits(bytes_per_file=1)))
        left = files_in(tmp_path)
        (places,) = write_kept_pairs([batch_of(range(30))], settings)
        assert len(left) == 1
        assert set(places["pair_file"].to_pylist()).isdisjoint(int(path.stem) for path in left)
