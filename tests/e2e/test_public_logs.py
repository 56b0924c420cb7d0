"""The recipes for public logs, as the page has them, build files of the form that is published."""

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines.config.loading import load_config
from pipelines.config.tree import Config
from tests.contracts.logs_for_tests import write_text
from tests.docs.pages import ROOT, blocks_of
from tests.stages.handmade import Built, build_day

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
        for row in rows:
            assert row["neg_item_id"] in set(mind.items) - mind.shown[row["user_id"]]

    def it_rejects_nothing(self, built_mind: Built, mind: Mind) -> None:
        assert built_mind.tables["rejected"] == []
        assert built_mind.summary.logs["items"].valid == len(mind.items)
