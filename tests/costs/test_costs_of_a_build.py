"""What a build reads and writes: counted in its plans and its files, so that no clock matters."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from winnow.building.build import build
from winnow.building.request import BuildRequest
from winnow.building.summary import BuildSummary
from winnow.config.tree import TABLES
from winnow.engine.engine import Engine
from winnow.engine.startup.warm_up import COMPILING
from winnow.release import promotion
from winnow.release.opening import open_release
from winnow.release.paths import STAGING, staging_path
from winnow.release.sorted_files import SortedFiles
from winnow.release.staging import drop_staging

from tests.costs.watching import NowAt, Watch
from tests.invariants.staged import DAY, every_table

# Spark stages the same frames through the same code; its plans are not seen through a client.
pytestmark = pytest.mark.sail_only

# How often each stage scans a log: a log may be most of what a build reads, so every pass counts.
# Where a number goes down, write the lower one here. Where it goes up, find another way, or say
# here what the new pass is for.
LOG_PASSES = {
    # Its counts and repeated keys; where some key is repeated, the rows of these keys; where some
    # row is rejected, the reasons.
    "count rows": {"impressions": 3, "clicks": 3, "ranking_log": 3, "items": 1},
    # To join, and to weigh. Items: to see that no id is there twice, which saves sorting them all.
    "join clicks, weigh items": {"impressions": 1, "clicks": 2, "items": 2},
    "sample": {"impressions": 1, "clicks": 1, "ranking_log": 1},
    # Impressions: those whose key is repeated, to choose among them; ranking_samples; item_stats;
    # rejected; cascade_samples, also of the ranking log. Clicks: rejected, and the orphans.
    # request_samples: pages, what else may be the first impression of a request, and histories.
    # user_sequences: what its users clicked. evaluation_samples: what users were shown and clicked.
    "stage tables": {"impressions": 8, "clicks": 5, "ranking_log": 2},
    # Impressions and clicks: the positives and the exclusions again. Impressions: what the tables
    # carry of them. Clicks and items: the weights. Ranking log: who was cut, and why hard negatives
    # are missing. For cascade_samples the impressions once more, and the ranking log twice: all
    # keys, and some requests with all that is told of them. For request_samples the first
    # impressions of requests, the pages of some, and the clicks of some users. For user_sequences
    # the clicks of some users. For evaluation_samples the first impressions, what users met, and
    # when items are there.
    "audit": {"impressions": 8, "clicks": 6, "ranking_log": 4, "items": 2},
}

# The same for what a run has staged: its own frames, and the tables that will be published.
STAGED_PASSES = {
    "count rows": {"counted": 3},
    # Pairs: are there any of another user's click?
    "join clicks, weigh items": {"counted": 1, "pairs": 1},
    # Users, requests and places of the pairs whose positives are kept; all pairs to choose them.
    "sample": {"pairs": 1, "kept-pairs": 3, "groups": 1},
    # Groups: the tables that are made of them, all in one pass; item_stats. Every table is read
    # once after it was written: its content hash is of what the files hold. Pairs: the clicks
    # of ranking_samples, of cascade_samples and of pages. Groups, for request_samples: which
    # requests they are of, and what was sampled; for user_sequences the same of users. Pairs, for
    # evaluation_samples: all of them, and whose they are.
    "stage tables": {
        "groups": 6,
        "pairs": 8,
        "counted": 4,
        "winners": 3,
        "requests": 3,
        "users-with-targets": 1,
        **{str(table): 1 for table in TABLES},
    },
    "audit": {
        "pairs": 1,
        # The third asks for other users' clicks; two are for the requests of cascade_samples.
        # One more is for the pages of request_samples, one for evaluation_samples.
        "audited-pairs": 7,
        "audited-first-times": 2,
        "audited-first-asked": 3,
        "audited-held-out": 2,
        "audited-met": 3,
        "audited-deliveries": 6,
        "audited-stages": 2,
        "cascade_samples": 2,
        # Of these and ranking_samples, one is of two columns: which user has most rows?
        "positives": 9,
        "easy_negatives": 3,
        "hard_negatives": 5,
        # Two are of one column: the users whose exposures and clicks are compared. For
        # request_samples: the requests, those of some pages, the users of some histories, sums of
        # sizes, and some rows to compare. For user_sequences: the targets, and of some users who
        # they are and what is a target.
        "training_samples": 17,
        "request_samples": 7,
        "user_sequences": 4,
        # Rules of all rows, times and users of them, some lists, and the rules of single rows.
        "evaluation_samples": 10,
        "training_samples_pointwise": 2,
        "ranking_samples": 5,
        "item_stats": 5,
        "rejected": 3,
    },
}


@dataclass(frozen=True)
class Costs:
    """What one build did.

    Attributes:
        watch: The actions of its session.
        summary: What it told.
        rows_given: Rows that its tasks wrote into the files of each table.
        rows_staged: Rows in the files of the run's staging, just before it was dropped.
        staged_files: The inodes of the staged files of all tables.
        staging: The folder of the run's staging.
        warehouse: The folder of the tables.
    """

    watch: Watch
    summary: BuildSummary
    rows_given: Counter[str]
    rows_staged: Counter[str]
    staged_files: set[int]
    staging: Path
    warehouse: Path


@pytest.fixture(scope="module")
def costs(engine: Engine, simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Costs:
    warehouse = tmp_path_factory.mktemp("costs") / "warehouse"
    config = every_table(simulated).model_copy(update={"warehouse": str(warehouse)})
    watch = Watch(NowAt(quiet=True))
    given, rows, inodes, places = Counter[str](), Counter[str](), set[int](), list[Path]()
    write_file = SortedFiles._write_file

    def noting_write(files: SortedFiles, table: pa.Table, folder: str) -> str:
        given[Path(files.folder).name] += table.num_rows
        return write_file(files, table, folder)

    def noting_drop(of: Path, run_id: str) -> None:
        places.append(staging_path(of, run_id))
        for file in places[0].rglob("*.parquet"):
            name = file.relative_to(places[0]).parts[0]
            rows[name] += pq.read_metadata(file).num_rows
            if name in TABLES:
                inodes.add(file.stat().st_ino)
        for file in places[0].glob("pair-files/*.arrow"):
            with pa.memory_map(str(file)) as source:
                rows["pair-files"] += pa.ipc.open_file(source).get_batch(0).num_rows
        drop_staging(of, run_id)

    with pytest.MonkeyPatch.context() as patch, watch.watching():
        # The tasks of Sail are threads of this process.
        patch.setattr(SortedFiles, "_write_file", noting_write)
        patch.setattr(promotion, "drop_staging", noting_drop)
        summary = build(BuildRequest(config, DAY.date, engine, progress=watch.progress))
    return Costs(watch, summary, given, rows, inodes, places[0], warehouse)


def scanning(passes: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return {stage: dict(sorted(names.items())) for stage, names in sorted(passes.items())}


class DescribePasses:
    def it_scans_each_log_as_often_as_written_above(self, costs: Costs, simulated: Path) -> None:
        found = costs.watch.passes(simulated.parent / "logs")
        assert scanning(found) == scanning(LOG_PASSES)

    def it_reads_what_it_has_staged_as_often_as_written_above(self, costs: Costs) -> None:
        assert scanning(costs.watch.passes(costs.staging)) == scanning(STAGED_PASSES)

    def it_does_not_read_published_tables_again(self, costs: Costs) -> None:
        """Their files are the staged ones, which were hashed: see DescribePromoteByLinks."""
        found = costs.watch.passes(costs.warehouse)
        assert [names for names in found.values() if set(names) != {STAGING}] == []

    def it_sees_every_stage_that_works(self, costs: Costs) -> None:
        """Else a pass could be missing above because nobody looked."""
        stages = {action.stage for action in costs.watch.actions}
        assert stages == set(costs.summary.seconds) - {"check the logs", "publish", COMPILING}


class DescribeWhatIsWritten:
    def it_writes_no_row_of_a_table_twice(self, costs: Costs) -> None:
        assert costs.rows_given == costs.summary.tables
        assert set(costs.summary.tables) == set(TABLES)
        assert all(costs.summary.tables.values())

    def it_stages_the_tables_and_little_else(self, costs: Costs) -> None:
        """Pairs, those that are kept and their places, groups, catalogue, counts, repeated keys."""
        rows, summary = dict(costs.rows_staged), costs.summary
        assert {table: rows.pop(table) for table in TABLES} == summary.tables
        repeated = sum(log.duplicate for log in summary.logs.values())
        assert rows.pop("groups") == summary.totals.positives
        assert rows.pop("catalogue.parquet") == summary.tables["item_stats"]
        # A row per place and log, and one per key that is repeated: at most the rows too many.
        assert rows.pop("counted") <= repeated + 5 * len(summary.logs)
        assert 0 < rows.pop("winners") <= summary.logs["impressions"].duplicate
        # One row per click at most, of the date or of the one after.
        pairs = rows.pop("pairs")
        assert pairs <= summary.logs["clicks"].valid + summary.logs["clicks"].other_date
        # Several may be of one positive.
        kept = rows.pop("kept-pairs")
        assert summary.totals.positives <= kept < pairs
        # What is known of each.
        assert rows.pop("pair-files") == kept
        # The audit joins them again.
        assert rows.pop("audited-pairs") == pairs
        # And what was delivered in the requests that cascade_samples has.
        shown = summary.logs["impressions"].valid
        assert summary.totals.positives < rows.pop("audited-deliveries") < shown
        assert 0 < rows.pop("audited-stages") < summary.logs["ranking_log"].valid
        # And when the requests that request_samples has were shown first.
        assert rows.pop("audited-first-times") == summary.tables["request_samples"]
        assert rows.pop("requests") == summary.tables["request_samples"]
        assert rows.pop("users-with-targets") == summary.tables["user_sequences"]
        # And of evaluation_samples: when requests began, what was clicked, and all that users met.
        assert rows.pop("audited-first-asked") == summary.tables["evaluation_samples"]
        assert 0 < rows.pop("audited-held-out") < rows.pop("audited-met")
        assert rows == {}

    def it_writes_each_staged_frame_in_one_go(self, costs: Costs) -> None:
        folders = [action.writes for action in costs.watch.actions if action.writes]
        written = [folder.relative_to(costs.staging).as_posix() for folder in folders]
        logs = [f"counted/{log}/0" for log in (*LOG_PASSES["count rows"], "items-of-date")]
        # Kept pairs and sample groups are written by the tasks that make them.
        frames = ["pairs", "winners/impressions", "audited-pairs", "audited-deliveries"]
        frames += ["audited-stages", "requests", "users-with-targets", "audited-first-times"]
        frames += ["audited-first-asked", "audited-held-out", "audited-met"]
        # And the items, which the driver, and then the audit, reads from files and removes.
        frames += [
            "items-of-date",
            "audited-items",
            "items-to-evaluate",
            "audited-evaluation-items",
        ]
        assert sorted(written) == sorted([*logs, *frames])

    def it_publishes_the_very_files_that_it_staged(self, costs: Costs) -> None:
        release = open_release(costs.warehouse, ds=DAY.date)
        published = [Path(file) for table in release.tables for file in release.files(table)]
        assert {file.stat().st_ino for file in published} == costs.staged_files
        assert len(published) == len(costs.staged_files)
