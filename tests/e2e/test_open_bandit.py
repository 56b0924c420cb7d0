"""Real logs, as their CSV files are: every row and every requested negative is accounted for."""

import csv
import io
import shutil
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pyspark.sql import SparkSession
from rich.console import Console
from winnow.building.build import build
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.building.summary import BuildSummary, Totals
from winnow.building.summary_text import print_summary
from winnow.config.loading import load_config
from winnow.engine.choice import engine_of
from winnow.release.opening import open_release
from winnow.release.reader import ReleaseReader

from tests.docs.pages import appears, blocks_of

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "open-bandit"
DAY = date(2019, 11, 26)

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(),
    reason="the Open Bandit Dataset is not in ../shared/data/open-bandit; Winnow keeps no copy",
)


class Built(NamedTuple):
    summary: BuildSummary
    release: ReleaseReader
    shown: dict[str, set[int]]
    clicked: set[tuple[str, int, int]]
    catalogue: set[int]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.release.polars(table).collect().to_dicts()


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The example's own config, beside a link to the data, built once."""
    folder = tmp_path_factory.mktemp("open_bandit")
    shutil.copy(ROOT / "examples" / "open_bandit" / "winnow.yaml", folder)
    (folder / "data").symlink_to(DATA)
    config = load_config(folder / "winnow.yaml")
    summary = build(BuildRequest(config, DAY, engine_of(spark), progress=Progress(quiet=True)))

    shown: dict[str, set[int]] = defaultdict(set)
    clicked: set[tuple[str, int, int]] = set()
    with (DATA / "random-men.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            user = "|".join(row[f"user_feature_{n}"] for n in range(4))
            # The dataset begins two dates earlier, within the window of seven.
            if date.fromisoformat(row["timestamp"][:10]) <= DAY:
                shown[user].add(int(row["item_id"]))
            if row["click"] == "1" and row["timestamp"].startswith(DAY.isoformat()):
                clicked.add((user, int(row[""]), int(row["item_id"])))
    with (DATA / "men-items.csv").open(newline="") as lines:
        catalogue = {int(row["item_id"]) for row in csv.DictReader(lines)}
    release = open_release(config.warehouse, ds=DAY)
    return Built(summary, release, dict(shown), clicked, catalogue)


class DescribeTheRowsThatWereRead:
    def it_accounts_for_every_row_of_every_log(self, built: Built) -> None:
        rows = {name: tuple(log.places.values()) for name, log in built.summary.logs.items()}
        assert rows == {
            "impressions": (10_000, 1_288, 0, 0, 0, 8_712),
            "clicks": (10_000, 6, 0, 0, 1_282, 8_712),
            "items": (34, 34, 0, 0, 0, 0),
        }
        for log in built.summary.logs.values():
            parts = log.valid + log.duplicate + log.rejected + log.filtered + log.other_date
            assert log.read == parts

    def it_makes_a_ranking_sample_of_every_impression(self, built: Built) -> None:
        rows = built.rows("ranking_samples")
        assert len(rows) == 1_288
        assert sum(row["label"] for row in rows) == 6


class DescribeThePositives:
    def it_takes_every_click_of_the_date_and_nothing_else(self, built: Built) -> None:
        rows = built.rows("positives")
        found = {(row["user_id"], row["request_id"], row["item_id"]) for row in rows}
        assert found == built.clicked
        assert len(rows) == len(found) == 6

    def it_keeps_them_in_the_samples_also_without_a_negative(self, built: Built) -> None:
        samples = built.rows("training_samples")
        assert len(samples) == 6
        assert sorted(len(row["neg_item_ids"]) for row in samples) == [0, 0, 10, 10, 10, 10]


class DescribeTheNegatives:
    def it_draws_from_what_the_user_was_never_shown(self, built: Built) -> None:
        rows = built.rows("easy_negatives")
        assert len(rows) == 40
        for row in rows:
            assert row["neg_item_id"] in built.catalogue - built.shown[row["user_id"]]
        for row in built.rows("training_samples"):
            assert not set(row["neg_item_ids"]) & built.shown[row["user_id"]]

    def it_adds_up_for_every_positive(self, built: Built) -> None:
        for row in built.rows("training_samples"):
            parts = row["n_easy"] + row["n_hard"] + row["n_fill"] + row["shortfall"]
            assert row["n_requested"] == parts == 10
            assert len(row["neg_item_ids"]) == 10 - row["shortfall"]
            assert sum(row["shortfall_counts"]) == row["n_fill"] + row["shortfall"]

    def it_falls_short_exactly_where_nothing_is_left(self, built: Built) -> None:
        for row in built.rows("training_samples"):
            left = built.catalogue - built.shown[row["user_id"]]
            # Later events of the date forbid too, so equal users have equal sets.
            assert row["shortfall"] == (0 if left else 10)
            assert row["shortfall_reasons"] == ([] if left else ["catalogue_exhausted"])
        assert built.summary.totals == Totals(6, 40, 0, 0, 20)
        assert built.summary.shortfall_reasons == {"catalogue_exhausted": 20}

    def it_is_certain_of_the_only_item_that_is_left(self, built: Built) -> None:
        certain = [
            row
            for row in built.rows("training_samples")
            if len(built.catalogue - built.shown[row["user_id"]]) == 1
        ]
        assert len(certain) == 1
        assert certain[0]["neg_log_q"] == [0.0] * 10

    def it_has_an_empty_table_of_hard_ones(self, built: Built) -> None:
        assert built.rows("hard_negatives") == []
        assert "hard_negatives" in built.release.tables


class DescribeTheReadmeOfTheExample:
    def it_shows_what_is_printed(self, built: Built) -> None:
        told = io.StringIO()
        print_summary(built.summary, Console(file=told, soft_wrap=True))
        page = blocks_of(ROOT / "examples" / "open_bandit" / "README.md")
        (shown,) = [block.text for block in page if block.language == "text"]
        assert appears(shown, told.getvalue())
