"""The recipes for public logs, as the page has them, build files of the form that is published."""

import json
import math
import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.errors import GateError
from winnow.events import events
from winnow.sampler import steps

from tests.contracts.logs_for_tests import write_text
from tests.docs.pages import ROOT, blocks_of
from tests.events.handmade import Built, build_day

RECIPES = {
    block.text.partition("\n")[0]: block.text
    for block in blocks_of(ROOT / "docs" / "recipes.md")
    if block.language == "yaml"
}


def recipe(name: str, folder: Path) -> Config:
    """The config of the page whose first line names these logs."""
    [text] = [text for title, text in RECIPES.items() if name in title]
    (folder / "winnow.yaml").write_text(text, encoding="utf-8")
    return load_config(folder / "winnow.yaml")


class Mind:
    """Logs in the form of MIND, and what must come of them."""

    DAY = date(2019, 11, 15)

    def __init__(self) -> None:
        self.shown: dict[str, set[str]] = defaultdict(set)
        self.clicked: set[tuple[str, str, str]] = set()
        self.history: dict[str, set[str]] = {}
        self.items = [f"N{n}" for n in range(1, 121)]
        self.n_shown = 0
        self.lines: list[str] = []
        chance = random.Random(3)
        for user in (f"U{n}" for n in range(1, 31)):
            self.history[user] = set(chance.sample(self.items, chance.randrange(6)))
        for number in range(1, 241):
            user = f"U{chance.randint(1, 30)}"
            day = self.DAY - timedelta(chance.randrange(5))
            at = datetime(day.year, day.month, day.day, chance.randrange(24), 5, 9)
            shown = chance.sample(self.items[:80], 6)
            labels = [chance.random() < 0.2 for _ in shown]
            self._add(str(number), user, at, dict(zip(shown, labels, strict=True)))

    def _add(self, request: str, user: str, at: datetime, shown: dict[str, bool]) -> None:
        packed = " ".join(f"{item}-{int(label)}" for item, label in shown.items())
        # As published: month and hour without a leading zero.
        clock = f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S %p}"
        history = " ".join(sorted(self.history[user]))
        self.lines.append("\t".join([request, user, clock, history, packed]))
        self.shown[user] |= set(shown)
        if at.date() == self.DAY:
            self.n_shown += len(shown)
            self.clicked |= {(user, request, item) for item, label in shown.items() if label}

    def write(self, folder: Path) -> None:
        write_text(folder / "behaviors.tsv", "\n".join([*self.lines, ""]))
        news = [f"{item}\tnews\tworld\tIt's 5\" wide\t\thttps://x\t[]\t[]\n" for item in self.items]
        write_text(folder / "news.tsv", "".join(news))


@pytest.fixture(scope="module")
def mind() -> Mind:
    return Mind()


@pytest.fixture(scope="module")
def built_mind(spark: SparkSession, mind: Mind, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("mind")
    mind.write(folder)
    return build_day(recipe("MIND", folder), spark, mind.DAY)


class DescribeMind:
    def it_takes_the_candidates_with_label_1_as_positives(
        self, built_mind: Built, mind: Mind
    ) -> None:
        rows = built_mind.tables["positives"]
        assert {(r["user_id"], r["request_id"], r["item_id"]) for r in rows} == mind.clicked
        assert len(rows) > 20

    def it_makes_a_ranking_sample_of_every_candidate(self, built_mind: Built, mind: Mind) -> None:
        rows = built_mind.tables["ranking_samples"]
        assert len(rows) == mind.n_shown
        assert {row["position"] for row in rows} == set(range(1, 7))
        assert sum(row["label"] for row in rows) == len(mind.clicked)

    def it_draws_articles_that_the_user_was_not_shown(self, built_mind: Built, mind: Mind) -> None:
        rows = built_mind.tables["easy_negatives"]
        assert len(rows) == 4 * len(built_mind.tables["positives"])
        weights = {row["item_id"]: row["weight"] for row in built_mind.tables["item_stats"]}
        for row in rows:
            user = row["user_id"]
            allowed = set(mind.items) - mind.shown[user] - mind.history[user]
            assert row["neg_item_id"] in allowed
            logged = math.log(weights[row["neg_item_id"]] / sum(weights[i] for i in allowed))
            assert row["log_q"] == pytest.approx(logged, abs=1e-6)

    def it_does_not_pass_the_audit_where_the_sampler_forgets_what_was_clicked_before(
        self, spark: SparkSession, mind: Mind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mind.write(tmp_path)
        whole = events.history_events
        monkeypatch.setattr(steps, "history_events", lambda *args: whole(*args).limit(0))
        with pytest.raises(GateError, match="shown_negatives"):
            build_day(recipe("MIND", tmp_path), spark, mind.DAY)

    def it_rejects_nothing(self, built_mind: Built, mind: Mind) -> None:
        assert built_mind.tables["rejected"] == []
        assert built_mind.summary.logs["items"].valid == len(mind.items)


STAGES = ("prerank", "rank", "rerank", "shown")
ACTIONS = {"click": "effective_view", "long_view": "long_view", "like": "like", "follow": "follow"}


class Wide:
    """Candidates of requests with a flag and a rank for every stage they reached."""

    DAY = date(2026, 1, 2)

    def __init__(self) -> None:
        chance = random.Random(7)
        self.rows: list[dict[str, int | str]] = []
        self.reached: dict[int, dict[str, list[int]]] = {}
        self.actions: dict[tuple[int, int], str] = {}
        self.shown: dict[int, set[int]] = defaultdict(set)
        for request in range(1, 61):
            self._request(request, 1 + request % 12, chance)

    def _request(self, request: int, user: int, chance: random.Random) -> None:
        ranked = {"prerank": chance.sample(range(1, 200), 24)}
        for before, stage, n in (("prerank", "rank", 14), ("rank", "rerank", 8)):
            ranked[stage] = chance.sample(ranked[before], n)
        ranked["shown"] = chance.sample(ranked["rerank"], 4)
        self.reached[request] = ranked
        self.shown[user] |= set(ranked["shown"])
        for item in ranked["prerank"]:
            row: dict[str, int | str] = {"request": request, "user": user, "video": item}
            row["request_ms"] = 1_767_348_000_000 + request * 1000
            for stage, flag, rank in (
                ("prerank", "in_prerank", "prerank_rank"),
                ("rank", "in_rank", "rank_rank"),
                ("rerank", "in_rerank", "rerank_rank"),
                ("shown", "realshow", "show_position"),
            ):
                there = item in ranked[stage]
                row[flag] = int(there)
                row[rank] = ranked[stage].index(item) + 1 if there else ""
            for name, flag in ACTIONS.items():
                acted = bool(row["realshow"]) and chance.random() < 0.3
                row[flag] = int(acted)
                if acted:
                    self.actions[request, item] = name
            self.rows.append(row)

    def write(self, folder: Path) -> None:
        lines = [",".join(map(str, row.values())) for row in self.rows]
        write_text(folder / "wide.csv", "\n".join([",".join(self.rows[0]), *lines, ""]))


@pytest.fixture(scope="module")
def wide() -> Wide:
    return Wide()


@pytest.fixture(scope="module")
def built_wide(spark: SparkSession, wide: Wide, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("wide")
    wide.write(folder)
    return build_day(recipe("wide.csv", folder), spark, wide.DAY)


class DescribeAWideLog:
    def it_has_a_positive_with_its_strongest_action(self, built_wide: Built, wide: Wide) -> None:
        rows = built_wide.tables["positives"]
        found = {(r["request_id"], r["item_id"]): r["action_type"] for r in rows}
        assert found == wide.actions
        assert set(found.values()) == set(ACTIONS)

    def it_accounts_for_every_row(self, built_wide: Built, wide: Wide) -> None:
        logs = built_wide.summary.logs
        n_shown = 4 * len(wide.reached)
        assert (logs["impressions"].valid, logs["impressions"].filtered) == (
            n_shown,
            len(wide.rows) - n_shown,
        )
        reached = sum(len(items) for ranked in wide.reached.values() for items in ranked.values())
        assert (logs["ranking_log"].read, logs["ranking_log"].valid) == (reached, reached)
        assert logs["clicks"].valid == sum(
            int(row[flag]) for row in wide.rows for flag in ACTIONS.values()
        )
        assert built_wide.tables["rejected"] == []

    def it_takes_hard_negatives_from_the_stage_that_each_flag_names(
        self, built_wide: Built, wide: Wide
    ) -> None:
        rows = built_wide.tables["hard_negatives"]
        assert {row["stage"] for row in rows} <= {"prerank", "rank", "rerank"}
        assert len(rows) > 100
        for row in rows:
            ranked, item = wide.reached[row["request_id"]], row["neg_item_id"]
            assert item in ranked[row["stage"]]
            assert item not in wide.shown[row["user_id"]]
            assert item not in ranked[STAGES[STAGES.index(row["stage"]) + 1]]
            assert row["stage_rank"] == ranked[row["stage"]].index(item) + 1


class DescribeSessionsInOneLine:
    def it_takes_carts_and_orders_of_what_a_session_looked_at(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        noon, lines, wanted = 1_767_355_200_000, [], set()
        for session in range(40):
            events = [(10 + (session + n) % 30, n, "clicks") for n in range(4)]
            events += [(10 + session % 30, 5, "carts"), (10 + (session + 1) % 30, 6, "orders")]
            wanted |= {(session, aid, kind) for aid, _, kind in events if kind != "clicks"}
            told = [{"aid": a, "ts": noon + n * 1000, "type": kind} for a, n, kind in events]
            lines.append(json.dumps({"session": session, "events": told}))
        write_text(tmp_path / "sessions.jsonl", "\n".join([*lines, ""]))
        built = build_day(recipe("sessions.jsonl", tmp_path), spark, date(2026, 1, 2))
        rows = built.tables["positives"]
        assert {(r["user_id"], r["item_id"], r["action_type"]) for r in rows} == wanted
        assert built.summary.logs["impressions"].valid == 160


class DescribeViewsAndPurchasesInTwoFiles:
    def it_takes_what_was_bought_of_what_was_seen(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        views, buys, wanted = [], [], set()
        for session in range(1, 41):
            seen = [100 + (session * 3 + n) % 50 for n in range(5)]
            views += [f"{session},2026-01-02T10:{n:02}:09.277Z,{i},0" for n, i in enumerate(seen)]
            buys.append(f"{session},2026-01-02T11:00:00.000Z,{seen[2]},1200,1")
            wanted.add((session, seen[2], "buy"))
        write_text(tmp_path / "yoochoose-clicks.dat", "\n".join([*views, ""]))
        write_text(tmp_path / "yoochoose-buys.dat", "\n".join([*buys, ""]))
        built = build_day(recipe("yoochoose", tmp_path), spark, date(2026, 1, 2))
        rows = built.tables["positives"]
        assert {(r["user_id"], r["item_id"], r["action_type"]) for r in rows} == wanted
