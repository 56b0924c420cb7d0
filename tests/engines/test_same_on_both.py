"""Both engines make the same rows, and each goes on where the other one stopped."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from winnow.config.tree import FURTHER_TABLES, TABLES
from winnow.simulation import Simulation, simulate
from winnow.simulation.build_config import write_simulated

from tests.engines.children import Case, build, child
from tests.odd_names import ODD

# Beside it the golden tables, and what meets an engine itself, are tested on both by make test.
pytestmark = pytest.mark.proof

ROOT = Path(__file__).resolve().parents[2]
OPEN_BANDIT = ROOT.parent / "shared" / "data" / "open-bandit"
CASES = ("golden", "simulated", "string_ids", "folders", "open_bandit")
WITHOUT_RANKING = ("folders", "open_bandit")
ENGINES = ("sail", "spark")
RESAMPLED = """
positives:
  labels: [click, cart, buy]
  per_user_cap: 3
  upsampling: {threshold_clicks: 4.0, most: 2.5}
in_batch:
  batch_size: 16
  streaming: {rate: 0.1, buckets: 100}
  pool: {batches: 2, sources: [{source: uniform, count: 9}, {source: exposed, count: 4}]}
requests: {history_length: 5, history: {carried: true}}
"""
NOON = 1_767_355_200_000_000
"""2026-01-02 12:00 UTC in microseconds."""
OTHER = {"sail": "spark", "spark": "sail"}


def simulated(out: Path, *, string_ids: bool) -> Case:
    simulation = Simulation(
        out=out, first_day=date(2026, 1, 2), days=2, history_days=1, users=80, items=200,
        requests_per_day=120, recall_size=40, coarse_size=25, fine_size=12, exposed_size=6,
        click_logit=-1.5, dirty_share=0.02, string_ids=string_ids,
    )  # fmt: skip
    simulate(simulation)
    config = write_simulated(simulation)
    if string_ids:
        with config.open("a", encoding="utf-8") as text:
            text.write(RESAMPLED)
    return Case(config, "2026-01-02")


def folders(home: Path) -> Case:
    """Folders whose names say other than the files' own columns; text held in three ways."""
    plain = pa.array(["x"] * 8)
    scenes = [plain, plain.dictionary_encode(), plain.cast(pa.large_string()), plain]
    users, items = pa.array(range(1, 9), pa.int64()), pa.array(range(100, 108), pa.int64())
    for hour, scene in enumerate(scenes):
        shown = {
            "user": pa.StructArray.from_arrays([users], ["id"]),
            "item_id": items if hour % 2 else pc.add(items, 10),
            "request_id": pa.array(range(hour * 10, hour * 10 + 8), pa.int64()),
            "impression_ts": pa.array([NOON + hour * 3600 * 10**6] * 8, pa.timestamp("us", "UTC")),
            "hour": pa.array([3] * 8, pa.int32()),
            "dt": pa.array(["of the file"] * 8),
            "scene": scene,
        }
        folder = home / "impressions" / "dt=20260102" / f"hour={hour:02}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table(shown), folder / "a.parquet")
        clicked = pa.table(shown).slice(0, 3).flatten().rename_columns({"user.id": "user_id"})
        folder = home / "clicks" / "2026" / "01" / "02"
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            clicked.rename_columns({"impression_ts": "click_ts"}), folder / f"{hour}.parquet"
        )
    (home / "winnow.yaml").write_text(
        """
logs:
  impressions:
    path: impressions
    partition: {column: dt}
    columns: {user_id: user.id, of_file: dt}
  clicks: {path: clicks/2026/*/02}
ids: {impression: string}
carry: [hour, of_file, scene]
exclusion: {exposure_lookback_days: 0, click_lookback_days: 0}
negatives: {per_positive: 2, hard: []}
attribution: {window_hours: 1}
""",
        encoding="utf-8",
    )
    return Case(home / "winnow.yaml", "2026-01-02")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    base = tmp_path_factory.mktemp("cases")
    shutil.copytree(ROOT / "tests" / "golden" / "logs", base / "golden" / "logs")
    shutil.copy(ROOT / "tests" / "golden" / "winnow.yaml", base / "golden")
    found = {
        "golden": Case(base / "golden" / "winnow.yaml", "2026-03-01"),
        "simulated": simulated(base / "simulated", string_ids=False),
        "string_ids": simulated(base / "string_ids", string_ids=True),
        "folders": folders(base / "folders"),
    }
    if OPEN_BANDIT.is_dir():
        folder = base / "open_bandit"
        folder.mkdir()
        shutil.copy(ROOT / "examples" / "open_bandit" / "winnow.yaml", folder)
        (folder / "data").symlink_to(OPEN_BANDIT)
        found["open_bandit"] = Case(folder / "winnow.yaml", "2019-11-26")
    return found


# Each engine goes on in a warehouse that the other one began: Spark in one of numbers as ids,
# Sail in one of strings. What it makes there again is its build of that case.
OTHERS = {"sail": "string_ids", "spark": "simulated"}


@dataclass(frozen=True)
class Ran:
    """What each engine made of each case, and in the warehouse that the other one began."""

    own: dict[str, dict[str, dict[str, Any]]]
    fresh: dict[str, dict[str, Any]]
    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]
    """Who verified, and whose warehouse: of one's own when the other one has gone on in it."""


@pytest.fixture(scope="module")
def ran(cases: dict[str, Case], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    base = tmp_path_factory.mktemp("engines")
    with (
        child("sail", base) as sail,
        child("spark", base) as spark,
        ThreadPoolExecutor(len(ENGINES)) as both,
    ):
        children = {"sail": sail, "spark": spark}

        def own(engine: str) -> dict[str, dict[str, Any]]:
            return {
                # That either engine can work in a warehouse of any name is seen on the way.
                name: children[engine].ask(
                    build(case, base / engine / (ODD if name == "golden" else name))
                )
                for name, case in cases.items()
                if name != OTHERS[engine]
            }

        def crossed(engine: str) -> tuple[dict[str, Any], ...]:
            name = OTHERS[engine]
            case, warehouse = cases[name], base / OTHER[engine] / name
            tasks = (
                {"verify": str(warehouse)}, build(case, warehouse), build(case, warehouse, 1),
                {"verify": str(warehouse)},
            )  # fmt: skip
            return tuple(children[engine].ask(task) for task in tasks)

        def back(engine: str) -> dict[str, Any]:
            return children[engine].ask({"verify": str(base / engine / OTHERS[OTHER[engine]])})

        def each(work: Callable[[str], Any]) -> dict[str, Any]:
            return dict(zip(ENGINES, both.map(work, ENGINES), strict=True))

        made, others, again = each(own), each(crossed), each(back)
        # Another epoch of one case on both: Sail makes it in a warehouse that is empty.
        name = OTHERS["spark"]
        epoch = sail.ask(build(cases[name], base / "sail" / "epoch", 1))
    for engine in ENGINES:
        made[engine][OTHERS[engine]] = others[engine][1]
    return Ran(
        own=made,
        fresh={engine: others[engine][2] for engine in ENGINES} | {"epoch": epoch},
        before={engine: others[engine][0] for engine in ENGINES},
        after={engine: others[engine][3] for engine in ENGINES}
        | {f"{engine}, after {OTHER[engine]}": again[engine] for engine in ENGINES},
    )


class DescribeTheSameLogs:
    @pytest.mark.parametrize("table", [*TABLES, *FURTHER_TABLES])
    @pytest.mark.parametrize("case", CASES)
    def it_makes_the_same_rows(self, case: str, table: str, ran: Ran) -> None:
        if case == "open_bandit" and not OPEN_BANDIT.is_dir():
            pytest.skip("the Open Bandit Dataset is not in ../shared/data/open-bandit")
        made = [ran.own[engine][case]["content"] for engine in ENGINES]
        if table == "cascade_samples" and case in WITHOUT_RANKING:
            assert [table in content for content in made] == [False, False]
            return
        if table in FURTHER_TABLES and case != "string_ids":
            assert [table in content for content in made] == [False, False]
            return
        contents = [content[table] for content in made]
        assert contents[0] == contents[1]
        if case in ("simulated", "string_ids"):
            assert contents[0][0] > 0, f"{table} must hold something"


@pytest.mark.parametrize("engine", ENGINES)
class DescribeTheOthersWarehouse:
    def it_verifies_the_others_release(self, engine: str, ran: Ran) -> None:
        assert ran.before[engine] == {"releases": 1, "findings": []}

    def it_sees_that_its_rows_are_released_already(self, engine: str, ran: Ran) -> None:
        assert not ran.own[engine][OTHERS[engine]]["published"]
        assert ran.own[OTHER[engine]][OTHERS[engine]]["published"]

    def it_replaces_them_by_others(self, engine: str, ran: Ran) -> None:
        made, before = ran.fresh[engine], ran.own[engine][OTHERS[engine]]
        assert made["published"]
        assert made["content"]["easy_negatives"] != before["content"]["easy_negatives"]
        assert ran.after[engine] == {"releases": 2, "findings": []}

    def it_leaves_a_warehouse_that_the_other_reads(self, engine: str, ran: Ran) -> None:
        assert ran.after[f"{OTHER[engine]}, after {engine}"] == {"releases": 2, "findings": []}


class DescribeAnotherEpoch:
    def it_has_the_same_rows_on_both(self, ran: Ran) -> None:
        assert ran.fresh["epoch"]["content"] == ran.fresh["spark"]["content"]
        assert ran.fresh["epoch"]["content"] != ran.own["spark"]["simulated"]["content"]
