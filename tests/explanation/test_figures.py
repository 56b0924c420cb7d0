"""A date's logs in figures: what was foretold is what a build of the same logs makes."""

import json
import math
import uuid
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.dataset as pds
import pytest
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.building.sampling import run_in
from winnow.config.loading import load_config
from winnow.config.negatives import Negatives
from winnow.config.positives import Positives
from winnow.config.tree import Config
from winnow.engine.engine import Engine
from winnow.errors import InputError
from winnow.explanation.figures import Figures, in_figures
from winnow.simulation import Simulation, simulate
from winnow.simulation.build_config import write_simulated

from tests.events.handmade import DAY as HANDMADE_DAY
from tests.events.handmade import Built, Logs, at, build_day
from tests.events.handmade import config as handmade_config

DAY = date(2026, 1, 2)
EASY: list[dict[str, Any]] = [
    {"source": "popularity", "count": 8},
    {"source": "uniform", "count": 6},
    {"source": "hot", "top": 0.1, "count": 4},
    {"source": "cold", "most_clicks": 1, "count": 2},
]


class Told(NamedTuple):
    config: Config
    built: Built
    figures: Figures


def changed(config: Config, **parts: Any) -> Config:
    return config.model_copy(update=parts)


def figures_of(config: Config, engine: Engine, folder: Path, day: date = DAY) -> Figures:
    request = BuildRequest(config, day, engine, immature=True, progress=Progress(quiet=True))
    return in_figures(request, run_in(folder, request, uuid.uuid4().hex))


@pytest.fixture(scope="module")
def simulated_config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    simulation = Simulation(
        out=tmp_path_factory.mktemp("foretold"), first_day=DAY, days=2, history_days=3,
        users=150, items=250, requests_per_day=400, recall_size=50, coarse_size=30, fine_size=15,
        exposed_size=8, click_logit=-1.0, dirty_share=0.02,
    )  # fmt: skip
    simulate(simulation)
    config = load_config(write_simulated(simulation))
    negatives = Negatives.model_validate(
        {
            "per_positive": 30,
            "easy": EASY,
            "hard": [entry.model_dump() for entry in config.negatives.hard],
            "on_shortfall": "leave",
        },
        strict=False,
    )
    positives = Positives.model_validate({"downsampling": {"rule": "none"}})
    return changed(config, negatives=negatives, positives=positives)


@pytest.fixture(scope="module")
def told(
    engine: Engine, simulated_config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Told:
    figures = figures_of(simulated_config, engine, tmp_path_factory.mktemp("run"))
    assert not Path(simulated_config.warehouse).exists()
    return Told(simulated_config, build_day(simulated_config, engine.spark, DAY), figures)


def by_hand(told: Told, weights: dict[int | str, int]) -> dict[int | str, float]:
    """Expected draws of every item per positive of a source: from files, in plain Python."""
    positives = Counter(row["user_id"] for row in told.built.tables["positives"])
    forbidden = forbidden_by_hand(told.config)
    found: dict[int | str, float] = defaultdict(float)
    for user, n in positives.items():
        left = {item: w for item, w in weights.items() if item not in forbidden[user]}
        for item, weight in left.items():
            found[item] += n * weight / sum(left.values())
    total = sum(positives.values())
    return {item: found[item] / total for item in weights}


def forbidden_by_hand(config: Config) -> dict[int, set[int]]:
    """What each user was shown or clicked in the windows, read from the files."""
    found: dict[int, set[int]] = defaultdict(set)
    for name, time, days in (("impressions", "impression_ts", 7), ("clicks", "click_ts", 30)):
        log = getattr(config.logs, name)
        rows = pds.dataset(log.path, partitioning="hive").to_table().to_pylist()
        for row in rows:
            known = row["user_id"] is not None and row["item_id"] is not None and row[time]
            if known and DAY - timedelta(days) <= row[time].date() <= DAY:
                found[row["user_id"]].add(row["item_id"])
    return found


class DescribeTheItems:
    def it_has_the_weights_of_the_build(self, told: Told) -> None:
        stats = {row["item_id"]: row for row in told.built.tables["item_stats"]}
        stats = {item: row for item, row in stats.items() if row["weight"] is not None}
        assert told.figures.catalogue == len(stats)
        for item in told.figures.items:
            row = stats[item.item_id]
            assert (item.weight, item.q, item.clicks) == (row["weight"], row["q"], row["clicks"])
            assert item.keep_prob == 1.0
        assert told.figures.items[0].clicks == max(row["clicks"] for row in stats.values())
        assert told.figures.items[-1].clicks == min(row["clicks"] for row in stats.values())

    def it_tells_of_items_from_hot_to_new(self, told: Told) -> None:
        assert [item.role for item in told.figures.items] == ["hottest", "rank 10", "middle", "new"]
        popular = [item.popularity for item in told.figures.items]
        assert popular == sorted(popular, reverse=True)

    def it_counts_positives_as_the_build_does(self, told: Told) -> None:
        rows = told.built.tables["positives"]
        assert told.figures.positives == len(rows) > 200
        assert told.figures.users == len({row["user_id"] for row in rows})
        of_item = Counter(row["item_id"] for row in rows)
        for item in told.figures.items:
            assert item.positives == of_item[item.item_id]

    def it_says_to_how_many_users_an_item_is_forbidden(self, told: Told) -> None:
        forbidden = forbidden_by_hand(told.config)
        users = {row["user_id"] for row in told.built.tables["positives"]}
        for item in told.figures.items:
            n = sum(item.item_id in forbidden[user] for user in users)
            assert item.forbidden_users == pytest.approx(n / len(users), rel=1e-12)
        assert told.figures.items[0].forbidden_users > told.figures.items[-1].forbidden_users


class DescribeTheDraws:
    def weights(self, told: Told, source: str) -> dict[int | str, int]:
        rows = [r for r in told.built.tables["item_stats"] if r["weight"] is not None]
        clicked = sorted(
            (r for r in rows if r["clicks"] > 0), key=lambda r: (-r["clicks"], r["item_id"])
        )
        if source == "hot":
            rows = clicked[: math.ceil(0.1 * len(clicked))]
        if source == "cold":
            rows = [r for r in rows if r["clicks"] <= 1]
        even = source in ("uniform", "cold")
        return {r["item_id"]: 1 if even else r["weight"] for r in rows}

    @pytest.mark.parametrize("entry", EASY, ids=lambda entry: str(entry["source"]))
    def it_expects_what_plain_python_does(self, told: Told, entry: dict[str, Any]) -> None:
        weights = self.weights(told, entry["source"])
        expected, total = by_hand(told, weights), sum(weights.values())
        drawn = 0
        for item in told.figures.items:
            (of,) = [one for one in item.sources if one.source == entry["source"]]
            q = weights.get(item.item_id, 0) / total
            assert of.q == pytest.approx(q, rel=1e-6)
            assert of.declared == pytest.approx(1_000 * entry["count"] * q, rel=1e-6)
            own = 1_000 * entry["count"] * expected.get(item.item_id, 0.0)
            assert of.expected == pytest.approx(own, rel=1e-6)
            drawn += of.expected > 0
            assert of.kept == (pytest.approx(own / of.declared) if q else None)
        assert drawn > 0

    def it_is_what_was_drawn_within_chance(self, told: Told) -> None:
        drawn = Counter(
            (row["source"], row["neg_item_id"]) for row in told.built.tables["easy_negatives"]
        )
        thousands, compared = told.figures.positives / 1_000, 0
        for item in told.figures.items:
            for of in item.sources:
                expected, found = of.expected * thousands, drawn[of.source, item.item_id]
                assert abs(found - expected) <= 5 * math.sqrt(expected) + 1e-9
                compared += expected > 10
        assert compared >= 5, "too few draws to compare anything"

    def it_keeps_less_of_a_hot_item(self, told: Told) -> None:
        kept = [item.sources[0].kept or 0.0 for item in told.figures.items]
        assert kept[0] < kept[-1]
        assert kept[0] < 0.9


class DescribeWhatFallsShort:
    def it_counts_requests_with_ranking_rows(self, told: Told) -> None:
        rows = told.built.tables["positives"]
        requests = told.figures.requests
        assert requests.positive == len({row["request_id"] for row in rows})
        assert 0 < requests.positive_ranked <= requests.positive <= requests.shown
        assert requests.shown_ranked <= requests.shown
        assert list(requests.stages) == ["coarse", "fine"]
        (n_coarse, coarse), (n_fine, fine) = requests.stages.values()
        assert n_fine <= n_coarse <= requests.positive_ranked
        assert 0 < fine < coarse

    def it_is_no_more_than_what_the_build_lacks(self, told: Told) -> None:
        """Requests that are not logged are the reason that the build gives."""
        lacking = 0
        for row in told.built.tables["training_samples"]:
            reasons = dict(zip(row["shortfall_reasons"], row["shortfall_counts"], strict=True))
            lacking += reasons.get("request_not_logged", 0) > 0
        assert (told.figures.not_ranked == 0.0) == (lacking == 0)


class DescribeOtherPositives:
    def it_expects_thinned_capped_and_repeated_ones(
        self, told: Told, engine: Engine, tmp_path: Path
    ) -> None:
        positives = Positives.model_validate(
            {
                "downsampling": {"rule": "sqrt", "threshold_clicks": 2.0},
                "upsampling": {"threshold_clicks": 4.0, "power": 1.0, "most": 3.0},
                "per_user_cap": 2,
            }
        )
        figures = figures_of(changed(told.config, positives=positives), engine, tmp_path)
        clicks = {row["item_id"]: row["clicks"] for row in told.built.tables["item_stats"]}
        of_user: dict[int, list[tuple[float, float]]] = defaultdict(list)
        for row in told.built.tables["positives"]:
            f = clicks.get(row["item_id"], 0)
            keep = min(1.0, math.sqrt(2.0 / f)) if f else 1.0
            of_user[row["user_id"]].append((keep, min(3.0, max(1.0, 4.0 / max(f, 1)))))
        expected = 0.0
        for rows in of_user.values():
            stays = min(1.0, 2 / sum(keep for keep, _ in rows))
            expected += stays * sum(keep * repeats for keep, repeats in rows)
        assert figures.positives == pytest.approx(expected, rel=1e-9)
        assert figures.items[0].keep_prob == pytest.approx(
            math.sqrt(2.0 / figures.items[0].clicks), rel=1e-12
        )


def city_logs() -> Logs:
    """Users are shown two items and click the first: of bern, of oslo, or of nowhere."""
    day = Logs(string_ids=True)
    for name, city in {"b1": "bern", "b2": "bern", "b3": "bern", "o1": "oslo", "x": None}.items():
        day.item(name, None, None, city=city)
    for user, items in {"u1": ("b1", "x"), "u2": ("b1", "b2"), "u3": ("o1", "b1")}.items():
        day.show(user, f"r{user}", items, at("10:00"))
        day.click(user, f"r{user}", items[0], at("10:01"))
    day.show("u4", "ru4", ["x", "b2"], at("11:00"))
    day.click("u4", "ru4", "x", at("11:01"))
    day.click("u9", None, "b1", at("12:00", -1))
    return day


@pytest.fixture(scope="module")
def cities(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Figures:
    base = tmp_path_factory.mktemp("cities")
    city_logs().write(base)
    made = handmade_config(
        base,
        logs=("impressions", "clicks", "items"),
        ids={"user": "string", "item": "string", "request": "string"},
        negatives={"hard": []},
    )
    easy = [{"source": "same_attribute", "attributes": ["city"], "alpha": 0.0, "count": 4}]
    tree = made.model_dump(mode="json", by_alias=True)
    tree["negatives"] = {"per_positive": 4, "easy": easy, "hard": []}
    tree["logs"]["items"]["carry"] = ["city"]
    config = Config.model_validate_json(json.dumps(tree))
    return figures_of(config, engine, tmp_path_factory.mktemp("run"), HANDMADE_DAY)


class DescribeAGroupThatDependsOnThePositive:
    """Of four positives two are of bern, one is of oslo, and one of no city."""

    def it_draws_nothing_that_is_forbidden_to_all_of_the_group(self, cities: Figures) -> None:
        hot = cities.items[0]
        assert (hot.role, hot.item_id) == ("hottest", "b1")
        (of,) = hot.sources
        assert of.q == pytest.approx(1 / 3)
        assert of.declared == pytest.approx(1_000 * 4 * (2 / 4) / 3)
        assert (of.expected, of.kept) == (0.0, 0.0)

    def it_draws_from_what_is_left_of_the_group(self, cities: Figures) -> None:
        """To the user of one of the two b2 is forbidden; the other one has two items left."""
        new = cities.items[-1]
        assert (new.role, new.item_id) == ("new", "b2")
        (of,) = new.sources
        assert of.expected == pytest.approx(1_000 * 4 * (1 / 4) / 2)
        assert of.kept == pytest.approx(0.75)

    def it_says_how_many_positives_have_no_group(self, cities: Figures) -> None:
        assert cities.without_group == {"same_attribute": 0.25}

    def it_has_no_share_of_requests_where_nothing_is_chosen(self, cities: Figures) -> None:
        assert cities.not_ranked is None
        assert (cities.requests.shown, cities.requests.positive) == (4, 4)


@pytest.fixture(scope="module")
def countries(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Figures:
    """The same logs; u1 and u3 are of NO, u2 is of SE, of u4 nothing is known, u9 is of SE."""
    base = tmp_path_factory.mktemp("countries")
    day = city_logs()
    for user, country in {"u1": "NO", "u2": "SE", "u3": "NO", "u9": "SE"}.items():
        day.user(user, country=country)
    day.write(base)
    made = handmade_config(
        base,
        logs=("impressions", "clicks", "items", "users"),
        ids={"user": "string", "item": "string", "request": "string"},
        negatives={"hard": []},
    )
    easy = [{"source": "segment", "attribute": "country", "alpha": 1.0, "count": 4}]
    tree = made.model_dump(mode="json", by_alias=True)
    tree["negatives"] = {"per_positive": 4, "easy": easy, "hard": []}
    tree["logs"]["users"]["carry"] = ["country"]
    config = Config.model_validate_json(json.dumps(tree))
    return figures_of(config, engine, tmp_path_factory.mktemp("run"), HANDMADE_DAY)


class DescribeAGroupThatDependsOnTheUser:
    """Five items; b1 has a click of SE, so W is 2 of 6 there, and 1 of 5 for NO."""

    def it_expects_draws_by_the_segment_of_each_positive(self, countries: Figures) -> None:
        hot = countries.items[0]
        (of,) = hot.sources
        assert hot.item_id == "b1"
        assert of.q == pytest.approx(2 / 6)
        declared = 2 * (1 / 5) + 2 / 6
        assert of.declared == pytest.approx(1_000 * 4 * declared / 4)
        assert of.expected == 0.0

    def it_leaves_out_what_is_forbidden_to_the_user(self, countries: Figures) -> None:
        """b2 is forbidden to u2 and u4; to u1 b1 and x are, to u3 o1 and b1."""
        (of,) = countries.items[-1].sources
        assert countries.items[-1].item_id == "b2"
        assert of.expected == pytest.approx(1_000 * 4 * (1 / 3 + 1 / 3) / 4)

    def it_says_how_many_positives_have_no_segment(self, countries: Figures) -> None:
        assert countries.without_group == {"segment": 0.25}


@pytest.fixture(scope="module")
def markets(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Figures:
    """The same logs; b1, b2 and x are sold in SE, b2 and o1 in NO; the request of u4 names none."""
    base = tmp_path_factory.mktemp("markets")
    day = city_logs()
    sold = {"b1": ["SE"], "b2": ["SE", "NO"], "x": ["SE"], "o1": ["NO"]}
    for row in day.rows["items"]:
        row["markets"] = sold.get(row["item_id"])
    of_user = {"u1": "SE", "u2": "SE", "u3": "NO", "u9": "SE"}
    for row in day.rows["impressions"]:
        row["market"] = of_user.get(row["user_id"])
    day.write(base)
    made = handmade_config(
        base,
        logs=("impressions", "clicks", "items"),
        ids={"user": "string", "item": "string", "request": "string"},
        carry=["market"],
        negatives={"hard": []},
    )
    market = {"source": "market", "of_request": "market", "of_items": "markets"}
    tree = made.model_dump(mode="json", by_alias=True)
    tree["negatives"] = {"per_positive": 4, "easy": [market | {"alpha": 1.0}], "hard": []}
    tree["logs"]["items"]["carry"] = ["markets"]
    config = Config.model_validate_json(json.dumps(tree))
    return figures_of(config, engine, tmp_path_factory.mktemp("run"), HANDMADE_DAY)


class DescribeAGroupThatDependsOnTheRequest:
    def it_expects_draws_by_the_market_of_each_positive(self, markets: Figures) -> None:
        """b1 is one of three for the two positives of SE, to whose users it is forbidden."""
        hot = markets.items[0]
        (of,) = hot.sources
        assert (hot.item_id, of.source) == ("b1", "market")
        assert of.declared == pytest.approx(1_000 * 4 * (2 / 3) / 4)
        assert of.expected == 0.0

    def it_adds_up_the_markets_that_an_item_is_sold_in(self, markets: Figures) -> None:
        """b2 alone is left to u1 in SE and to u3 in NO, and is forbidden to u2."""
        (of,) = markets.items[-1].sources
        assert markets.items[-1].item_id == "b2"
        assert of.declared == pytest.approx(1_000 * 4 * (2 / 3 + 1 / 2) / 4)
        assert of.expected == pytest.approx(1_000 * 4 * (1 + 1) / 4)

    def it_says_how_many_positives_have_no_market(self, markets: Figures) -> None:
        assert markets.without_group == {"market": 0.25}


class DescribeLogsWithoutTheDate:
    def it_is_refused(self, simulated_config: Config, engine: Engine, tmp_path: Path) -> None:
        with pytest.raises(InputError) as caught:
            figures_of(simulated_config, engine, tmp_path, date(2027, 1, 1))
        assert caught.value.exit_code == 3
