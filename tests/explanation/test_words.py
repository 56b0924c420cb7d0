"""A config in words: every key that decides rows changes them."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from winnow.config.loading import load_config
from winnow.explanation.words import Words, in_words

BASE: dict[str, Any] = {
    "logs": {
        "impressions": {"path": "i"},
        "clicks": {"path": "c"},
        "ranking_log": {"path": "r"},
        "items": {"path": "t"},
    }
}


def words_of(folder: Path, **parts: Any) -> Words:
    place = folder / "winnow.yaml"
    place.write_text(yaml.safe_dump(BASE | parts), encoding="utf-8")
    return in_words(load_config(place))


def text_of(words: Words) -> str:
    lines = [sentence for section in words.sections.values() for sentence in section]
    for one in words.sources:
        lines.append(f"{one.name} {one.kind} {one.asked} of {one.together}: {one.does}")
        lines += [one.formula, one.probability, one.shortfall]
    return "\n".join(lines)


RECIPES = sorted((Path(__file__).resolve().parents[2] / "configs" / "recipes").glob("*.yaml"))

MARKET = {"source": "market", "of_request": "market", "of_items": "sold_in"}
MARKETS: dict[str, Any] = {
    "carry": ["market"],
    "logs": BASE["logs"]
    | {
        "items": {"path": "i", "carry": ["sold_in"]},
        "clicks": {"path": "c", "carry": ["shop"]},
    },
}

CHANGES: list[tuple[dict[str, Any], str]] = [
    (
        {"logs": BASE["logs"] | {"item_aliases": {"path": "a"}}},
        "Ids of items are replaced in every log, before all else, by the one that item_aliases",
    ),
    ({"positives": {"actions": ["view", "buy"]}}, "acted on: view < buy, the strongest"),
    ({"positives": {"where": {"scene": ["home", "cart"]}}}, "with scene home or cart may become"),
    ({"positives": {"where_not": {"arm": ["holdout"]}}}, "with arm holdout become no positives"),
    ({"positives": {"downsampling": {"rule": "none"}}}, "No positive is thinned"),
    (
        {"positives": {"downsampling": {"rule": "cap", "threshold_clicks": 500}}},
        "(cap): keep_prob = min(1, t / f), t = 500.",
    ),
    (
        {"positives": {"downsampling": {"rule": "power", "power": 0.25}}},
        "min(1, (t / f)^0.25), t being the 0.99 quantile",
    ),
    (
        {"positives": {"downsampling": {"rule": "word2vec_code", "threshold_share": 0.01}}},
        "min(1, √(t / f) + t / f), f and t being shares of all clicks, t = 0.01.",
    ),
    (
        {"positives": {"weak": {"share": 0.1, "thinned": True}}},
        "cap, repeats, popularity, and the figures of winnow explain, know none of them; those of "
        "hot items are thinned, keep_prob being also of that.",
    ),
    (
        {
            "positives": {
                "per_user_cap": 9,
                "organic": {"actions": ["buy"], "thinned": True, "capped": True},
            }
        },
        "which repeats, and the figures of winnow explain, do not know; those of hot items are "
        "thinned, keep_prob being also of that; they count among the positives of their user's cap",
    ),
    ({"positives": {"per_user_cap": 50}}, "keeps 50 positives of the date at most"),
    ({"positives": {"per_user_cap": 50}}, "undo_weight = 1 / (keep_prob · cap_prob)"),
    (
        {"positives": {"upsampling": {"threshold_clicks": 10, "most": 3}}},
        "(10 / clicks)^0.5) rows",
    ),
    (
        {"positives": {"weak": {"share": 0.1, "weight": 0.5}}},
        "chosen by a hash: keep_prob = 0.1, sample_weight = 0.5;",
    ),
    (
        {"positives": {"organic": {"actions": ["cart", "buy"]}}},
        "A cart or buy that fits no impression is no orphan: it makes an organic positive",
    ),
    ({"positives": {"labels": ["cart"]}}, "label_cart says whether the user did cart"),
    ({"positives": {"weights": {"buy": 3}}}, "that of the action (buy 3; others 1)"),
    (
        {
            "positives": {
                "values": {"dwell": "max"},
                "weight_by": {"value": "dwell", "rule": "log1p", "unit": 1000, "cap": 60000},
            }
        },
        "times ln(1 + dwell / 1000), dwell being 60000 at most, or 1 where no click has one",
    ),
    ({"attribution": {"windows": {"buy": "7d"}}}, "at most 24 h after it, buy 7d;"),
    ({"attribution": {"users": "agree"}}, "a click that names another user makes no positive"),
    ({"exclusion": {"exposure_lookback_days": 0}}, "they were shown on D or clicked on D−30 to D"),
    ({"exclusion": {"lookahead_days": 2}}, "waits for the logs of the 2 dates after it"),
    ({"popularity": {"of": "users", "window_days": 3}}, "distinct users who clicked, with an"),
    ({"popularity": {"half_life_days": 3.5}}, "happened 3.5 dates before the newest"),
    ({"popularity": {"until": "06:00"}}, "Positives begin at 06:00"),
    ({"popularity": {"smoothing": 0.5}}, "by W = (f + 0.5)^0.75"),
    ({"seed": 7, "epoch": 2}, "of seed 7 and, for negatives, of epoch 2"),
    ({"tables": ["positives"]}, ": positives, item_stats, rejected."),
    ({"carry": ["scene"]}, "Carried from impressions: scene."),
    (
        {"in_batch": {"batch_size": 64}, "negatives": {"hard": []}},
        "in_batch.batch_size is 64: Rows of training_samples that a trainer reads together",
    ),
    (
        {"exclude_item_ids": {"at_most": 50}},
        "exclude_item_ids.at_most is 50: Items that a row of training_samples lists",
    ),
    (
        {
            "requests": {"history_length": 20},
            "tables": ["training_samples", "request_samples"],
        },
        "requests.history_length is 20: So many clicks of the user before the request stand in a",
    ),
    (
        {"in_batch": {"batch_size": 64, "streaming": {"rate": 0.05, "arrays": 3, "buckets": 5000}}},
        "in 3 x 5,000 buckets: B becomes (1 - 0.05) B + 0.05 times the gap, from 100 on",
    ),
    ({"in_batch": {"batch_size": 64, "streaming": {"start_gap": 7}}}, "from 7 on; p = 1 / the"),
    ({"in_batch": {"batch_size": 64, "streaming": {"stale": True}}}, "where they are more (stale)"),
    (
        {"in_batch": {"batch_size": 64, "streaming": {"on_missing_state": "fail"}}},
        "although earlier dates are released, the build fails.",
    ),
    (
        {"in_batch": {"batch_size": 64, "pool": {"sources": [{"source": "hot", "count": 7}]}}},
        "Every batch has a pool of 7 draws from the catalogue, with replacement: 7 of hot.",
    ),
    (
        {
            "in_batch": {
                "batch_size": 64,
                "pool": {"batches": 3, "sources": [{"source": "uniform", "count": 1200}]},
            }
        },
        "Every 3 batches of a split share a pool of 1,200 draws",
    ),
    ({"shards": 4}, "shards is 4: Rows are spread over this many shards"),
    ({"ranking": {"negative_keep": 0.1}}, "ranking.negative_keep is 0.1: The chance of a row"),
    ({"split": {"valid_ratio": 0.1}}, "split.valid_ratio is 0.1"),
    ({"identity": {"anonymous_values": ["x"]}}, "identity.anonymous_values is x"),
    ({"warehouse": "elsewhere"}, "elsewhere: positives, easy_negatives"),
    ({"gates": {"rows": {"fail": {"least": 7}}}}, "gates is rows {fail: {least: 7.0}}"),
    ({"ids": {"item": "string"}}, "item string"),
    ({"logs": BASE["logs"] | {"clicks": {"path": "k"}}}, "/k}"),
    (
        {"logs": BASE["logs"] | {"clicks": {"path": "c", "where": {"bot": [False]}}}},
        "/c, where: {bot: [false]}}",
    ),
    ({"funnel": {"higher_score_is_better": False}}, "a lower score is better"),
    (
        {"funnel": {"stages": [{"name": "coarse", "order_by": "rank"}, {"name": "fine"}]}},
        "in their order: coarse (ordered by rank), fine;",
    ),
    (
        {"funnel": {"stages": [{"name": name} for name in ("recall", "coarse", "fine")]}},
        "in their order: recall, coarse, fine;",
    ),
    ({"funnel": {"cut_known_by": "passed"}}, "dropped (the log's column passed says so)"),
    ({"funnel": {"cut_reasons": ["score"]}}, "list of the request, for score)"),
    ({"negatives": {"per_positive": 9}}, "asks for 9 negatives: 4 easy, 5 hard"),
    ({"negatives": {"on_shortfall": "leave"}}, "What is missing is left out"),
    ({"negatives": {"max_rejections": 3}}, "repeated, 3 times at most"),
    (
        {"negatives": {"easy": [{"source": "uniform"}], "on_shortfall": {"fill": "popularity"}}},
        "Draws come from 2 distributions: mixture_log_q",
    ),
    (
        {"negatives": {"easy": [{"source": "hot", "top": 0.05, "count": 3}, {"source": "cold"}]}},
        "hot easy 3 of (): draws from the most popular 5 % of the clicked items alone",
    ),
    (
        {"negatives": {"easy": [{"source": "uniform", "not_recalled": True}]}},
        "every item alike, nothing that the ranking log has of the request",
    ),
    (
        {"negatives": {"easy": [{"source": "popularity", "not_recalled": True}]}},
        "or the ranking log has nothing of the request (recall_unknown)",
    ),
    (
        {"negatives": {"easy": [{"source": "uniform", "distinct": True}]}},
        "every item alike, no item twice for a positive",
    ),
    (
        {"negatives": {"easy": [{"source": "popularity", "distinct": True}]}},
        "Of a distinct source no item of a positive is drawn twice",
    ),
    (
        {"negatives": {"easy": [{"source": "exposed", "days": 5, "alpha": 0.5}]}},
        "anybody was shown on D−5 to D−1, an item by W = impressions^0.5",
    ),
    (
        {
            "logs": BASE["logs"] | {"users": {"path": "u", "carry": ["country"]}},
            "negatives": {"easy": [{"source": "segment", "attribute": "country"}]},
        },
        "W = (f within the segment + 1)^0.75; users with one country on the date are a segment",
    ),
    (
        MARKETS | {"negatives": {"easy": [MARKET]}},
        "sold in the market of the request (sold_in of an item names market of the impression), an "
        "item by W = (f within the market + 1)^0.75",
    ),
    (
        MARKETS | {"negatives": {"easy": [MARKET | {"of_clicks": "shop"}]}},
        "a click is of the market that its shop names",
    ),
    (
        {"negatives": {"easy": [{"source": "exposed"}]}, "popularity": {"window_days": 9}},
        "anybody was shown on D−9 to D−1",
    ),
    (
        {"negatives": {"hard": [{"source": "low", "stage": "fine", "ranks": [3, 9], "count": 4}]}},
        "low fine hard 4 of (): chooses from the items of the same request that lie low in the "
        "list of stage fine, ranks 3 to 9, 1 being the best; evenly by a hash",
    ),
    (
        {
            "logs": BASE["logs"] | {"negative_feedback": {"path": "h"}},
            "negatives": {"hard": [{"source": "negative_feedback", "count": 2, "days": 9}]},
        },
        "negative_feedback hard 2 of (): chooses from the items that the user rejected (log "
        "negative_feedback) on D or the 9 dates before it, before the positive was shown",
    ),
    (
        {
            "logs": BASE["logs"] | {"negative_feedback": {"path": "h"}},
            "negatives": {
                "hard": [
                    {
                        "source": "negative_feedback",
                        "count": 2,
                        "types": ["hide"],
                        "selection": "recent",
                    }
                ]
            },
        },
        "the latest first, of rejections of type hide alone",
    ),
    (
        {
            "logs": BASE["logs"] | {"negative_feedback": {"path": "h"}},
            "negatives": {"hard": [{"source": "negative_feedback", "count": 2}]},
        },
        "what they rejected may be one though they were shown it, unless they clicked it as well",
    ),
    (
        {
            "negatives": {
                "hard": [
                    {"source": "cut", "stage": "coarse"},
                    {"source": "other_requests", "count": 2, "hours": 6},
                ]
            }
        },
        "other_requests hard 2 of (): chooses from the items that other requests of the user could "
        "give by cut and low of this config, margins aside; of requests of D that were shown at "
        "most 6 hours before the positive, and none after it",
    ),
    (
        {
            "negatives": {
                "hard": [
                    {"source": "cut", "stage": "coarse"},
                    {
                        "source": "other_requests",
                        "count": 2,
                        "side": "either",
                        "selection": "nearest",
                    },
                ]
            }
        },
        "or as long after it, and not from what the positive's own request ranked; those of the "
        "request shown nearest in time first",
    ),
    (
        {"negatives": {"hard": [{"source": "cut", "stage": "coarse", "selection": "top"}]}},
        "NULL: the place decides, not chance",
    ),
    (
        {"negatives": {"hard": [{"source": "cut", "stage": "coarse", "absolute_margin": 0.2}]}},
        "of those that scored worse there than the positive by 0.2 at least",
    ),
    (
        {
            "negatives": {
                "hard": [{"source": "low", "stage": "fine", "selection": "score"}],
            },
            "funnel": {"higher_score_is_better": False},
        },
        "in proportion to exp(−score / 1), none twice",
    ),
    (
        {
            "negatives": {
                "hard": [
                    {"source": "low", "stage": "fine", "selection": "score", "temperature": 0.2}
                ]
            }
        },
        "in proportion to exp(score / 0.2), none twice",
    ),
    (
        {
            "logs": BASE["logs"] | {"ranking_log": {"path": "r", "log_sample_rate": 0.25}},
            "funnel": {"cut_known_by": "passed"},
            "negatives": {"hard": [{"source": "cut", "stage": "coarse"}]},
        },
        "incl_prob = 0.25 · chosen / allowed candidates, given",
    ),
    (
        {"negatives": {"hard": [{"source": "low", "stage": "fine", "relative_margin": 0.05}]}},
        "of those that scored worse there than the positive by 0.05 of its score at least",
    ),
    (
        {"variants": {"flat": {"negatives": {"easy": [{"source": "popularity", "alpha": 0.25}]}}}},
        "popularity, 10 of a positive: draws from the whole catalogue, an item by W = (f + 1)^0.25",
    ),
]


class DescribeAConfigInWords:
    @pytest.mark.parametrize(("parts", "said"), CHANGES, ids=lambda one: str(one)[:60])
    def it_says_what_the_config_changes(
        self, parts: dict[str, Any], said: str, tmp_path: Path
    ) -> None:
        assert said not in text_of(words_of(tmp_path))
        assert said in text_of(words_of(tmp_path, **parts))

    def it_says_nothing_besides_where_all_is_as_usual(self, tmp_path: Path) -> None:
        assert "Besides" not in words_of(tmp_path).sections

    def it_says_of_each_variant_what_is_not_so_of_all(self, tmp_path: Path) -> None:
        parts: dict[str, Any] = {
            "same": {},
            "other": {"seed": 4, "negatives": {"hard": []}},
        }
        sections = words_of(tmp_path, variants=parts).sections
        where = tmp_path / "warehouse"
        assert sections["Tables"][0].startswith(f"Written to a folder of each variant in {where}: ")
        (only,) = sections["Variant same"]
        assert only.startswith(f"Written to {where / 'same'}: ")
        told = sections["Variant other"]
        assert any("of seed 4 and" in sentence for sentence in told)
        assert "cut coarse: nothing comes of it." in told
        assert (
            set(told) & {one for title in ("Logs", "Forbidden") for one in sections[title]} == set()
        )

    def it_says_what_a_row_of_each_table_is(self, tmp_path: Path) -> None:
        tables = words_of(tmp_path, tables=["positives"]).sections["Tables"]
        assert tables[0].startswith("Written to ")
        assert list(tables[1:]) == [
            "A row of positives is one kept positive, a (user, request, item) that was shown and "
            "clicked.",
            "A row of item_stats is one item of the catalogue as of the date, clicked or not.",
            "A row of rejected is one input row that broke a rule.",
        ]

    def it_says_where_the_catalogue_is_from(self, tmp_path: Path) -> None:
        logs = {name: log for name, log in BASE["logs"].items() if name != "items"}
        assert "items that are valid on D" in text_of(words_of(tmp_path))
        assert "Without an items log" in text_of(words_of(tmp_path, logs=logs))

    def it_asks_each_source_for_the_numbers_of_a_build(self, tmp_path: Path) -> None:
        negatives = {
            "per_positive": 10,
            "easy": [{"source": "popularity", "share": 0.3}, {"source": "uniform", "count": 2}],
            "hard": [
                {"source": "cut", "stage": "recall", "count": 1},
                {"source": "cut", "stage": "coarse"},
                {"source": "low", "stage": "fine"},
            ],
        }
        funnel = {"stages": [{"name": name} for name in ("recall", "coarse", "fine")]}
        found = words_of(tmp_path, negatives=negatives, funnel=funnel).sources
        assert [(one.name, one.kind, one.asked, one.together) for one in found] == [
            ("popularity", "easy", 3, ()),
            ("uniform", "easy", 2, ()),
            ("easy_fill", "fill", None, ()),
            ("cut recall", "hard", 1, ()),
            ("cut coarse", "hard", 4, ("cut coarse", "low fine")),
            ("low fine", "hard", 4, ("cut coarse", "low fine")),
        ]

    def it_tells_every_recipe_and_no_two_alike(self) -> None:
        found = {recipe.stem: in_words(load_config(recipe)) for recipe in RECIPES}
        assert len(found) > 5
        assert len({text_of(words) for words in found.values()}) == len(found)
        for name, words in found.items():
            asked = {one.together or one.name: one.asked or 0 for one in words.sources}
            (mix,) = [s for s in words.sections["Negatives"] if s.startswith("A positive asks")]
            assert mix.startswith(f"A positive asks for {sum(asked.values())} negatives"), name

    def it_says_what_fills_draw_as(self, tmp_path: Path) -> None:
        negatives = {
            "easy": [{"source": "popularity", "alpha": 0.5}],
            "on_shortfall": {"fill": "uniform"},
        }
        (fill,) = [o for o in words_of(tmp_path, negatives=negatives).sources if o.kind == "fill"]
        assert fill.does == (
            "for every negative that is missing, draws from the whole catalogue, every item alike"
        )
        assert fill.formula == "q = 1 / |C|"
