"""What the one shuffle by user and its kernel cost: counted, so that no clock matters."""

from pathlib import Path

import polars as pl
import pytest
from winnow.sampler import shuffle
from winnow.sampler.task import sample_partition

from tests.costs.crossing import Notes
from tests.costs.plans import exchanges, explained
from tests.invariants.staged import DAY, Staged

pytestmark = pytest.mark.both_engines

PARTITIONS = 7

# What goes in: of a pair only where it is described.
COLUMNS_IN = ("owner_key", "item_key", "kind", "score", "rank")
BYTES_PER_EVENT = 30
# What comes out, a row per positive: 31 values, of which labels, cap and repeats are 6, and 12
# lists of its 20 negatives.
COLUMNS_OUT = 46
LEAVES_OUT = 46
BYTES_PER_GROUP = 880


@pytest.fixture(scope="module")
def notes(staged: Staged, tmp_path_factory: pytest.TempPathFactory) -> Notes:
    """What crossed while the small funnel was sampled once."""
    notes = Notes(tmp_path_factory.mktemp("crossing"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shuffle, "sample_partition", notes.of(sample_partition))
        staged.groups(PARTITIONS, "costs").count()
    return notes


def wanted_events(staged: Staged, logs: Path) -> int:
    """Count again, from the files, the rows that can matter to a sample of the date."""
    known = staged.kept.join(staged.pairs.select("user_key", "user_id").distinct(), "user_key")
    pairs = pl.DataFrame(known.toArrow())

    def rows(name: str, dates: str = "*") -> pl.DataFrame:
        found = pl.read_parquet(logs / name / f"date={dates}" / "*.parquet")
        return found.filter(pl.col("item_id").is_not_null())

    def before_the_end(name: str, time: str) -> int:
        at = pl.col(time).dt.epoch("us")
        # A time that is far off is a mistake; of a broken log some are.
        known = rows(name).filter((at >= DAY.shifted(-100).start_us) & (at < DAY.end_us))
        return known.filter(pl.col("user_id").is_in(pairs["user_id"].implode())).height

    stages = [stage.name for stage in staged.config.ladder]
    ranked = rows("ranking_log", DAY.date.isoformat()).filter(
        pl.col("request_id").is_in(pairs["request_id"].implode()) & pl.col("stage").is_in(stages)
    )
    shown = before_the_end("impressions", "impression_ts")
    return pairs.height + shown + before_the_end("clicks", "click_ts") + ranked.height


class DescribeTheShuffle:
    def it_moves_rows_between_tasks_once_and_by_user(self, staged: Staged) -> None:
        plan = explained(shuffle.by_user(staged.events(), PARTITIONS))
        moved = list(exchanges(plan))
        (by_user,) = [node for node in moved if node.text != "copied to all tasks"]
        assert f", {PARTITIONS})" in by_user.text or f"], {PARTITIONS})" in by_user.text
        # The users and the requests of pairs are copied, so that other rows are dropped at once.
        assert len(moved) - 1 <= 3
        assert not [node for node in plan.below() if "SortMergeJoin" in node.text]

    def it_calls_the_kernel_once_per_partition(self, notes: Notes) -> None:
        assert len(notes.calls) == PARTITIONS


class DescribeWhatCrossesIntoPython:
    def it_is_every_event_that_can_matter_and_no_other(
        self, notes: Notes, staged: Staged, simulated: Path
    ) -> None:
        events = wanted_events(staged, simulated.parent / "logs")
        assert notes.crossing("in").rows == events == staged.events().count()
        assert events > 5_000

    def it_has_four_columns(self, notes: Notes) -> None:
        assert notes.crossing("in").columns == notes.crossing("in").leaves == COLUMNS_IN

    def it_is_small(self, notes: Notes) -> None:
        """Two keys, a kind and a value are 25 bytes, and a bit says whether there is a value."""
        crossed = notes.crossing("in")
        assert 25 < crossed.bytes / crossed.rows < BYTES_PER_EVENT


class DescribeWhatComesBack:
    def it_is_one_row_per_positive(self, notes: Notes, staged: Staged) -> None:
        pairs = staged.pairs.count()
        assert 100 < notes.crossing("out").rows < pairs

    def it_has_one_list_per_fact_about_negatives(self, notes: Notes) -> None:
        crossed = notes.crossing("out")
        assert (len(crossed.columns), len(crossed.leaves)) == (COLUMNS_OUT, LEAVES_OUT)
        assert sum(leaf.endswith("[]") for leaf in crossed.leaves) == 12

    def it_is_small(self, notes: Notes) -> None:
        crossed = notes.crossing("out")
        assert crossed.bytes / crossed.rows < BYTES_PER_GROUP
