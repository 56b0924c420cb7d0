"""Draws from what is sold in the market of the request, by how popular it is there."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config
from winnow.errors import InputError
from winnow.spark.limits import DEFAULT_LIMITS

from tests.events.handmade import Built, Logs, at, build_day, config

MARKET = {"source": "market", "of_request": "market", "of_items": "markets", "alpha": 1.0}
SOLD: Mapping[int, Sequence[str] | None] = {
    **{item: ["SE"] for item in range(1, 5)},
    **{item: ["SE", "NO"] for item in range(5, 9)},
    **{item: ["NO"] for item in range(9, 13)},
    13: None,
    14: [],
    15: ["DK"],
}
"""Of items that are sold in the same markets at all times; 16 to 18 are others."""
SOLD_IN: Mapping[str, set[int]] = {"SE": {*range(1, 9), 18}, "NO": {*range(5, 13), 18}, "DK": {15}}
"""16 is sold in SE until the date, 17 from the next one on, 18 in SE until noon and then in NO."""
USERS = range(1, 31)


def items(day: Logs, *, a_row_each: bool = False) -> None:
    """The items log: a list of markets for each item, or a row for each of them."""
    periods: list[tuple[int, Any, Any, Sequence[str] | None]] = [
        *((item, None, None, markets) for item, markets in SOLD.items()),
        (16, None, at("00:00"), ["SE"]),
        (17, at("00:00", 1), None, ["SE"]),
        (18, None, at("12:00"), ["SE"]),
        (18, at("12:00"), None, ["NO"]),
    ]
    for item, since, until, markets in periods:
        if not a_row_each:
            day.item(item, since, until, markets=markets)
            continue
        each: Sequence[str | None] = markets or [None]
        for market in each:
            day.item(item, since, until, market=market)


def logs(*, a_row_each: bool = False) -> Logs:
    """Users ask in both markets; what they clicked on the dates before differs by market.

    Of a third of the requests no market is known, and of one it is one where nothing is sold.
    """
    day = Logs()
    items(day, a_row_each=a_row_each)
    for user in USERS:
        for place, market in enumerate(("SE", "NO")):
            for back in (1, 2, 3):
                request = 1000 * back + 10 * user + place
                item = {"SE": 1 + user % 6, "NO": 12 - user % 7}[market]
                when = at(f"0{user % 10}:{30 * place:02}", -back)
                day.show(user, request, [item, 8], when, market=market)
                for n in range(user % 3):
                    day.click(
                        user, request, item, when.replace(minute=30 * place + n), clicked_in=market
                    )
            day.show(user, 10 * user + place, [6, 7], at(f"10:{30 * place:02}"), market=market)
            day.click(user, 10 * user + place, 6, at(f"10:{30 * place + 1:02}"), clicked_in=market)
        other = {1: "XX", 2: None}.get(user % 3, "DK")
        day.show(user, 10 * user + 5, [6], at("11:00"), market=other)
        day.click(user, 10 * user + 5, 6, at("11:01"), "buy", clicked_in=other)
    # Without an impression, and of another market than it says: what is clicked is sold in both.
    for n in range(9):
        day.click(31, None, 5, at(f"12:0{n}", -1), clicked_in="NO")
    day.click(1, 1010, 2, at("02:00", -1), clicked_in="NO")
    return day


def settings(base: Path, *easy: dict[str, Any], **more: Any) -> Config:
    popularity = {"window_days": 2, **more.pop("popularity", {})}
    of_items = str(easy[0].get("of_items", "markets"))
    made = config(
        base,
        logs=("impressions", "clicks", "items"),
        positives={"downsampling": {"rule": "none"}, **more.pop("positives", {})},
        popularity=popularity,
        exclusion={"exposure_lookback_days": 0, "click_lookback_days": 0},
        negatives={"hard": []},
        carry=["market"],
        **more,
    )
    tree = made.model_dump(mode="json", by_alias=True)
    tree["logs"]["items"]["carry"] = [of_items]
    tree["logs"]["clicks"]["carry"] = ["clicked_in"]
    tree["negatives"] = {"per_positive": 40, "easy": easy, "hard": [], "on_shortfall": "leave"}
    return Config.model_validate_json(json.dumps(tree))


def clicked(column: str | None = None) -> dict[str | None, Counter[int]]:
    """Clicks on the two dates before by market, by plain loops.

    By their impression, or by what they say themselves.
    """
    of, market_of = logs(), {}
    for row in of.rows["impressions"]:
        market_of[row["request_id"], row["item_id"]] = row["market"]
    found: dict[str | None, Counter[int]] = defaultdict(Counter)
    for row in of.rows["clicks"]:
        if at("00:00", -2) <= row["click_ts"] < at("00:00"):
            own = market_of.get((row["request_id"], row["item_id"]))
            found[row[column] if column else own][row["item_id"]] += 1
    return found


def failed(built: Built) -> list[str]:
    record = AuditRecord.model_validate_json(built.release.quality_json)
    return [gate.name for gate in record.gates if gate.status in ("fail", "error")]


def of_requests(built: Built) -> dict[tuple[int, int, int], str | None]:
    keys = ("user_id", "request_id", "item_id")
    return {tuple(r[k] for k in keys): r["market"] for r in built.tables["positives"]}


def is_drawn_from_the_market(built: Built, f: Mapping[str | None, Counter[int]]) -> None:
    """Every draw is of the request's market, by the weights there; all that may be drawn is."""
    market_of, seen = of_requests(built), defaultdict(set)
    for row in built.rows("easy_negatives", source="market"):
        market = market_of[row["user_id"], row["request_id"], row["item_id"]]
        assert market is not None
        seen[market].add(row["neg_item_id"])
        sold = SOLD_IN[market]
        assert row["neg_item_id"] in sold
        total = sum(f[market][item] + 1 for item in sold)
        allowed = sum(f[market][item] + 1 for item in sold - {6, 7})
        weight = f[market][row["neg_item_id"]] + 1
        assert row["q"] == pytest.approx(weight / total, rel=1e-9)
        assert row["log_q"] == pytest.approx(math.log(weight / allowed), abs=1e-8)
    assert seen == {market: sold - {6, 7} for market, sold in SOLD_IN.items()}


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    base = tmp_path_factory.mktemp("markets")
    logs().write(base)
    return build_day(settings(base, MARKET, {"source": "popularity"}), spark, immature=True)


@pytest.fixture(scope="module")
def rows_each(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    base = tmp_path_factory.mktemp("rows-each")
    logs(a_row_each=True).write(base)
    asked = settings(base, MARKET | {"of_items": "market"}, {"source": "popularity"})
    return build_day(asked, spark, immature=True)


class DescribeDrawsFromTheMarketOfTheRequest:
    def it_passes_every_gate(self, built: Built) -> None:
        assert failed(built) == []
        record = AuditRecord.model_validate_json(built.release.quality_json)
        names = {gate.name for gate in record.gates}
        assert {"easy_draws_p.market", "source_groups_differ.market"} <= names

    def it_draws_what_is_sold_there_by_the_clicks_of_its_impressions(self, built: Built) -> None:
        f = clicked()
        assert f["SE"] != f["NO"]
        is_drawn_from_the_market(built, f)

    def it_tells_how_likely_a_draw_is_of_all_sources_together(self, built: Built) -> None:
        # Popularity counts every click, with an impression or not.
        f, all_f = clicked()["SE"], sum(clicked().values(), Counter())
        catalogue = {*range(1, 16), 18}
        weights = {item: (all_f[item] + 1) ** 0.75 for item in catalogue - {6, 7}}
        left = sum(f[item] + 1 for item in SOLD_IN["SE"] - {6, 7})
        rows = [r for r in built.tables["training_samples"] if r["market"] == "SE"]
        for row in rows:
            for item, told in zip(row["neg_item_ids"], row["neg_mixture_log_q"], strict=True):
                own = (f[item] + 1) / left if item in SOLD_IN["SE"] else 0.0
                of_all = weights[item] / sum(weights.values())
                assert told == pytest.approx(math.log((own + of_all) / 2), abs=1e-5)
        assert len(rows) == len(USERS)

    def it_gives_nothing_where_no_market_or_no_item_of_it_is_known(self, built: Built) -> None:
        for row in built.tables["training_samples"]:
            known = row["market"] in SOLD_IN
            assert row["n_easy"] == (40 if known else 20)
            assert row["shortfall_reasons"] == ([] if known else ["group_unknown"])

    def it_gives_nothing_where_all_that_is_sold_there_was_shown(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        day = logs()
        day.show(1, 999, [15, 3], at("20:00"), market="DK")
        day.click(1, 999, 3, at("20:01"), clicked_in="DK")
        day.write(tmp_path)
        found = build_day(settings(tmp_path, MARKET), spark, immature=True)
        assert found.reasons(request_id=999) == {"group_exhausted": 40}
        assert failed(found) == []


class DescribeARowOfTheItemsLogForEachMarket:
    def it_makes_the_same_negatives(self, built: Built, rows_each: Built) -> None:
        def negatives(of: Built) -> list[str]:
            return sorted(map(str, of.tables["easy_negatives"]))

        assert negatives(rows_each) == negatives(built)
        assert failed(rows_each) == []

    def it_takes_no_row_for_a_duplicate(self, rows_each: Built) -> None:
        counts = json.loads(rows_each.release.inputs_json)["logs"]["items"]
        assert counts["duplicate"] == 0
        assert counts["valid"] == counts["read"] == 23


class DescribeWhatIsPopularInAMarket:
    @pytest.mark.parametrize(
        "more",
        [
            {"popularity": {"of": "actions", "half_life_days": 1.0}},
            {"popularity": {"clicks": "chosen"}, "positives": {"where": {"market": ["SE", "NO"]}}},
            # What counts is counted by the same steps as for all items.
            pytest.param({"popularity": {"of": "users"}}, marks=pytest.mark.proof),
            pytest.param({"popularity": {"of": "impressions"}}, marks=pytest.mark.proof),
            pytest.param({"popularity": {"clicks": "attributed"}}, marks=pytest.mark.proof),
            pytest.param({"attribution": {"join": "last_impression"}}, marks=pytest.mark.proof),
        ],
        ids=str,
    )
    def it_is_counted_as_for_all_and_the_audit_counts_the_same(
        self, spark: SparkSession, tmp_path: Path, more: dict[str, Any]
    ) -> None:
        logs().write(tmp_path)
        found = build_day(settings(tmp_path, MARKET, **more), spark, immature=True)
        assert failed(found) == []
        q = defaultdict(set)
        for row in found.tables["easy_negatives"]:
            q[row["neg_item_id"]].add(row["q"])
        assert len(q[5]) > 1, "an item is not as popular in one market as in the other"

    def it_is_what_clicks_say_themselves_where_asked(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs().write(tmp_path)
        own = MARKET | {"of_clicks": "clicked_in"}
        found = build_day(settings(tmp_path, own), spark, immature=True)
        f = clicked("clicked_in")
        assert f["NO"][5] == clicked()["NO"][5] + 9
        is_drawn_from_the_market(found, f)
        assert failed(found) == []


class DescribeTablesWithoutTrainingSamples:
    @pytest.mark.parametrize("table", ["easy_negatives", "training_samples_pointwise"])
    def it_is_audited_by_the_market_that_positives_carry(
        self, spark: SparkSession, tmp_path: Path, table: str
    ) -> None:
        logs().write(tmp_path)
        asked = settings(tmp_path, MARKET, tables=["positives", table])
        assert failed(build_day(asked, spark, immature=True)) == []


class DescribeColumnsThatTellNoMarkets:
    def refused(self, spark: SparkSession, base: Path, entry: dict[str, Any], **more: Any) -> str:
        day = logs()
        day.rows["items"] = [{**row, "stay": 0.5} for row in day.rows["items"]]
        day.write(base)
        with pytest.raises(InputError) as error:
            build_day(settings(base, entry), spark, immature=True, **more)
        return str(error.value)

    def it_refuses_numbers_with_a_fraction(self, spark: SparkSession, tmp_path: Path) -> None:
        text = self.refused(spark, tmp_path, MARKET | {"of_items": "stay"})
        assert "logs.items.carry.stay: a market is told by text, whole numbers, yes or no" in text
        assert "or dates, of an item by a list of these as well, found double" in text

    def it_refuses_more_weights_than_a_machine_should_hold(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        few = replace(DEFAULT_LIMITS, market_weights=18)
        text = self.refused(spark, tmp_path, MARKET, limits=few)
        assert "every item has a weight in each of its markets, found more than 18" in text
