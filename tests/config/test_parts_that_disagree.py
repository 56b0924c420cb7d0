"""Parts of a config that are right each, and not together."""

import json
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from winnow.config.loading import load_config
from winnow.config.tree import Config

from tests.config.configs_for_tests import (
    LOGS,
    NO_RANKING,
    WITH_RANKING,
    keys,
    problems,
    sentences,
    written,
)


def with_items(settings: str) -> str:
    return NO_RANKING.replace("logs:\n", f"logs:\n  items: {{path: p, {settings}}}\n")


class DescribePartsThatDisagree:
    def it_needs_a_table_that_tells_the_batch(self, tmp_path: Path) -> None:
        text = NO_RANKING + "in_batch: {batch_size: 64}\ntables: [positives]\n"
        assert sentences(tmp_path, text) == [
            "in_batch (winnow.yaml, line 6): no table that is written says which batch a row is "
            "in, expected training_samples among tables."
        ]

    def it_cannot_carry_what_a_row_says_of_its_batch(self, tmp_path: Path) -> None:
        text = NO_RANKING + "carry: [slot]\n"
        load_config(written(tmp_path, text))
        assert sentences(tmp_path, text + "in_batch: {batch_size: 64}\n") == [
            "in_batch (winnow.yaml, line 7): slot is carried, and training_samples has a column of "
            "batches of that name. Carry it by another name: logs.impressions.columns can give it "
            "one."
        ]

    def it_cannot_carry_what_a_row_says_of_a_running_estimate(self, tmp_path: Path) -> None:
        text = NO_RANKING + "carry: [streaming_log_q]\nin_batch: {batch_size: 64"
        load_config(written(tmp_path, text + "}\n"))
        assert sentences(tmp_path, text + ", streaming: {}}\n") == [
            "in_batch.streaming (winnow.yaml, line 7): streaming_log_q is carried, and "
            "training_samples has a column of batches of that name. Carry it by another name: "
            "logs.impressions.columns can give it one."
        ]

    def it_cannot_carry_what_a_row_says_of_its_pool(self, tmp_path: Path) -> None:
        text = NO_RANKING + "carry: [pool_id]\nin_batch: {batch_size: 64"
        load_config(written(tmp_path, text + "}\n"))
        assert sentences(tmp_path, text + ", pool: {sources: [{source: hot, count: 2}]}}\n") == [
            "in_batch.pool (winnow.yaml, line 7): pool_id is carried, and training_samples has a "
            "column of pools of that name. Carry it by another name: logs.impressions.columns can "
            "give it one."
        ]

    def it_shares_no_pool_of_what_depends_on_a_positive(self, tmp_path: Path) -> None:
        text = NO_RANKING + "in_batch: {batch_size: 64, pool: {sources: [{"
        what = "depends on the positive, and a pool is shared by many"
        (found,) = sentences(tmp_path, text + "source: market, count: 3}]}}\n")
        assert what in found
        assert "one of cold, exposed, hot, popularity, uniform" in found
        (found,) = sentences(tmp_path, text.replace("[{", "[]}}\n"))
        assert "a pool is drawn from a source, and there is none" in found
        (found,) = sentences(tmp_path, text + "source: uniform}]}}\n")
        assert "a pool has so many draws of a source, and nothing to share in" in found
        (found,) = sentences(tmp_path, text + "source: hot, count: 1, distinct: true}]}}\n")
        assert "distinct is about one positive, and a pool is shared by many" in found
        many = "source: hot, count: 1}, {" * 4 + "source: hot, count: 1}]}}\n"
        (found,) = sentences(tmp_path, text + many)
        assert "hot is named more than 4 times" in found

    def it_needs_a_table_that_lists_what_is_forbidden(self, tmp_path: Path) -> None:
        text = NO_RANKING + "exclude_item_ids: {}\ntables: [positives]\n"
        assert sentences(tmp_path, text) == [
            "exclude_item_ids (winnow.yaml, line 6): no table that is written says what is "
            "forbidden to a user, expected training_samples among tables."
        ]

    def it_cannot_carry_a_list_of_the_same_name(self, tmp_path: Path) -> None:
        text = NO_RANKING + "carry: [exclude_truncated]\n"
        load_config(written(tmp_path, text))
        assert sentences(tmp_path, text + "exclude_item_ids: {}\n") == [
            "exclude_item_ids (winnow.yaml, line 7): exclude_truncated is carried, and "
            "training_samples has a column of forbidden items of that name. Carry it by another "
            "name: logs.impressions.columns can give it one."
        ]

    def it_needs_a_ranking_log_for_hard_negatives(self, tmp_path: Path) -> None:
        assert sentences(tmp_path, LOGS) == [
            "negatives.hard (winnow.yaml): hard negatives come from the ranking log, and logs has "
            "no ranking_log, found 10 of 20 (the default), expected []. "
            "Set negatives: {hard: []}, or describe logs.ranking_log."
        ]

    def it_needs_the_stages_that_hard_negatives_come_from(self, tmp_path: Path) -> None:
        text = WITH_RANKING + "funnel: {stages: [{name: coarse}, {name: fime}]}\n"
        assert sentences(tmp_path, text) == [
            "negatives.hard[1].stage (winnow.yaml): funnel.stages has no such stage, found fine, "
            "expected one of coarse, fime. Did you mean fime?"
        ]

    def it_takes_cut_items_or_low_ones_of_a_stage(self, tmp_path: Path) -> None:
        text = (
            WITH_RANKING + "negatives: {hard: [{source: cut, stage: coarse}, "
            "{source: low, stage: coarse, band: [0.9, 1.0]}]}\n"
        )
        assert keys(tmp_path, text) == ["negatives.hard[1].source"]

    def it_cannot_know_by_membership_what_the_last_stage_cut(self, tmp_path: Path) -> None:
        text = WITH_RANKING + "negatives: {hard: [{source: cut, stage: fine}]}\n"
        assert keys(tmp_path, text) == ["negatives.hard[0].stage"]
        load_config(written(tmp_path, text + "funnel: {cut_known_by: last_stage}\n"))

    def it_needs_the_score_of_the_positive_for_a_margin(self, tmp_path: Path) -> None:
        """Of a log of last stages the positive has a row at the last one only."""
        text = WITH_RANKING + (
            "funnel: {cut_known_by: last_stage}\n"
            "negatives: {hard: [{source: cut, stage: coarse, relative_margin: 0.1}, "
            "{source: low, stage: fine, absolute_margin: 0.0}]}\n"
        )
        assert keys(tmp_path, text) == ["negatives.hard[0].relative_margin"]
        load_config(written(tmp_path, text.replace("last_stage", "membership")))

    def it_compares_scores_of_one_stage_only(self, tmp_path: Path) -> None:
        text = WITH_RANKING + (
            "negatives: {hard: [{source: cut, stage: coarse, selection: score}, "
            "{source: low, stage: fine, selection: score}]}\n"
        )
        assert keys(tmp_path, text) == ["negatives.hard"]
        load_config(written(tmp_path, text.replace("{source: low,", "{source: low, count: 3,")))

    def it_has_a_temperature_of_choices_by_score_only(self, tmp_path: Path) -> None:
        text = WITH_RANKING + (
            "negatives: {hard: [{source: low, stage: fine, selection: score, temperature: 0.5}]}\n"
        )
        load_config(written(tmp_path, text))
        told = keys(tmp_path, text.replace("selection: score", "selection: top"))
        assert told == ["negatives.hard[0].temperature"]

    def it_needs_whole_requests_for_membership(self, tmp_path: Path) -> None:
        text = LOGS + "  ranking_log: {path: r, sampled: true}\n"
        (told,) = problems(tmp_path, text)
        assert told.where.startswith("funnel.cut_known_by")
        assert told.expected == "passed or last_stage"
        load_config(written(tmp_path, text + "funnel: {cut_known_by: passed}\n"))
        rated = text.replace("sampled: true", "log_sample_rate: 0.5")
        assert keys(tmp_path, rated) == ["funnel.cut_known_by"]
        load_config(written(tmp_path, rated.replace("0.5", "1.0")))

    def it_has_a_sample_rate_of_the_ranking_log_only(self, tmp_path: Path) -> None:
        text = with_items("log_sample_rate: 0.5")
        assert keys(tmp_path, text) == ["logs.items.log_sample_rate"]

    def it_needs_a_ranking_log_and_a_ladder_for_the_cascade(self, tmp_path: Path) -> None:
        asked = "tables: [positives, cascade_samples]\n"
        assert keys(tmp_path, NO_RANKING + asked) == ["tables[1]"]
        none = WITH_RANKING + asked + "funnel: {stages: []}\nnegatives: {hard: []}\n"
        assert keys(tmp_path, none) == ["tables[1]"]

    def it_has_samples_of_requests_beside_those_of_positives_only(self, tmp_path: Path) -> None:
        text = NO_RANKING + "tables: [positives, request_samples]\n"
        assert sentences(tmp_path, text) == [
            "tables (winnow.yaml, line 6): request_samples is proven by training_samples, which "
            "has the same rows one by one, expected training_samples among tables."
        ]
        load_config(written(tmp_path, text.replace("positives", "training_samples")))

    def it_has_histories_of_dates_whose_clicks_are_read(self, tmp_path: Path) -> None:
        text = NO_RANKING + (
            "tables: [training_samples, request_samples]\n"
            "requests: {history_days: 8}\n"
            "exclusion: {click_lookback_days: 7}\n"
        )
        assert sentences(tmp_path, text) == [
            "requests.history_days (winnow.yaml, line 7): clicks are read for "
            "exclusion.click_lookback_days only, found 8, expected 7 at most. Raise "
            "exclusion.click_lookback_days, leave history_days out, or set history.carried."
        ]
        carried = "history_days: 8, history: {carried: true}"
        load_config(written(tmp_path, text.replace("history_days: 8", carried)))
        load_config(written(tmp_path, text.replace("history_days: 8", "history_days: 7")))

    def it_leaves_a_date_whose_history_is_gone_on_from(self, tmp_path: Path) -> None:
        text = NO_RANKING + "tables: [training_samples, request_samples]\n"
        asked = "requests: {{history_days: {}, history: {{carried: true, reread_days: {}}}}}\n"
        (told,) = problems(tmp_path, text + asked.format(3, 3))
        assert told.where.startswith("requests.history.reread_days")
        assert told.found == "3"
        for days, again in ((3, 2), (0, 0)):
            load_config(written(tmp_path, text + asked.format(days, again)))

    def it_evaluates_with_what_is_held_out(self, tmp_path: Path) -> None:
        text = NO_RANKING + "tables: [training_samples, evaluation_samples]\n"
        (told,) = problems(tmp_path, text)
        assert told.where.startswith("split")
        assert told.what.startswith("evaluation_samples has the requests of valid and test")
        load_config(written(tmp_path, text + "split: {test_ratio: 0.1}\n"))

    @pytest.mark.parametrize(
        ("windows", "least"),
        [
            ("", 1),
            ("attribution: {window_hours: 25}\n", 2),
            ("exclusion: {lookahead_days: 3}\n", 3),
        ],
    )
    def it_evaluates_with_dates_that_train_does_not_read(
        self, windows: str, least: int, tmp_path: Path
    ) -> None:
        text = NO_RANKING + "tables: [training_samples, evaluation_samples]\n" + windows
        split = "split: {{by: date, test_from: 2026-02-01, gap_days: {}}}\n"
        (told,) = problems(tmp_path, text + split.format(least - 1))
        assert told.where.startswith("split.gap_days")
        assert (told.found, told.expected) == (str(least - 1), f"{least} at least")
        load_config(written(tmp_path, text + split.format(least)))

    def it_evaluates_with_dates_that_train_does_not_read_when_the_clock_goes_forward(
        self, tmp_path: Path
    ) -> None:
        """On 2026-03-29 Oslo has 23 hours: a window of 24 that begins before it ends behind it."""
        text = NO_RANKING + "tables: [training_samples, evaluation_samples]\n"
        text += "calendar_zone: Europe/Oslo\n"
        split = "split: {{by: date, test_from: {}, gap_days: 1}}\n"
        (told,) = problems(tmp_path, text + split.format("2026-03-30"))
        assert (told.found, told.expected) == ("1", "2 at least")
        for day in ("2026-03-29", "2026-03-31", "0001-01-01"):
            load_config(written(tmp_path, text + split.format(day)))

    def it_gives_values_of_a_page_names_of_their_own(self, tmp_path: Path) -> None:
        text = NO_RANKING + (
            "tables: [training_samples, request_samples]\npositives: {values: {us: max}}\n"
        )
        (told,) = problems(tmp_path, text)
        assert told.what == "page_us is a column of request_samples already"

    def it_takes_scores_of_stages_that_there_are(self, tmp_path: Path) -> None:
        text = WITH_RANKING + "ranking: {stage_scores: [coarse, fin]}\n"
        assert sentences(tmp_path, text) == [
            "ranking.stage_scores[1] (winnow.yaml, line 6): the ladder of stages has no such "
            "stage, found fin, expected one of coarse, fine. Did you mean fine?"
        ]
        assert keys(tmp_path, NO_RANKING + "ranking: {stage_scores: [coarse]}\n") == [
            "ranking.stage_scores[0]"
        ]

    def it_gives_no_column_of_a_stage_a_carried_name(self, tmp_path: Path) -> None:
        text = WITH_RANKING + "carry: [Rank_fine]\nranking: {stage_scores: [fine]}\n"
        (told,) = problems(tmp_path, text)
        assert told.what == "rank_fine is a column of the same table already"

    def it_makes_one_column_of_a_stage(self, tmp_path: Path) -> None:
        text = WITH_RANKING + "ranking: {stage_scores: [fine, fine]}\n"
        assert keys(tmp_path, text) == ["ranking.stage_scores[1]"]

    def it_needs_the_attribute_that_tells_segments(self, tmp_path: Path) -> None:
        easy = "negatives: {hard: [], easy: [{source: segment, attribute: contry}]}\n"
        logs = LOGS.replace("logs:\n", "logs:\n  users: {path: p, carry: [country]}\n")
        assert sentences(tmp_path, logs + easy) == [
            "negatives.easy[0].attribute (winnow.yaml, line 6): logs.users carries no such column, "
            "found contry, expected one of country. Did you mean country?"
        ]
        assert sentences(tmp_path, LOGS + easy) == [
            "negatives.easy[0].attribute (winnow.yaml, line 5): logs.users carries no such column, "
            "found contry. Name it under logs.users.carry."
        ]
        load_config(written(tmp_path, logs + easy.replace("contry", "country")))

    def it_needs_the_whole_ranking_log_to_know_what_was_not_recalled(self, tmp_path: Path) -> None:
        easy = "negatives: {hard: [], easy: [{source: uniform, not_recalled: true}]}\n"
        assert sentences(tmp_path, LOGS + easy) == [
            "negatives.easy[0].not_recalled (winnow.yaml, line 5): what was recalled is told by "
            "the ranking log, and logs has no ranking_log. Describe logs.ranking_log, or take it "
            "out."
        ]
        for setting in ("sampled: true", "log_sample_rate: 0.5"):
            log = f"  ranking_log: {{path: r, {setting}}}\nfunnel: {{cut_known_by: last_stage}}\n"
            (told,) = problems(tmp_path, LOGS + log + easy)
            assert told.where.startswith("negatives.easy[0].not_recalled")
            assert "only where the log has every row of a request" in told.what
        load_config(written(tmp_path, LOGS + "  ranking_log: {path: r}\n" + easy))

    def it_needs_the_columns_that_tell_markets(self, tmp_path: Path) -> None:
        entry = "{source: market, of_request: markt, of_items: sold, of_clicks: shop}"
        easy = f"negatives: {{hard: [], easy: [{entry}]}}\n"
        assert sentences(tmp_path, LOGS + "carry: [market]\n" + easy) == [
            "negatives.easy[0].of_request (winnow.yaml, line 6): no such column of impressions is "
            "carried, found markt, expected one of market. Did you mean market?",
            "negatives.easy[0].of_items (winnow.yaml, line 6): no such column of items is carried, "
            "found sold. Name it under logs.items.carry.",
            "negatives.easy[0].of_clicks (winnow.yaml, line 6): no such column of clicks is "
            "carried, found shop. Name it under logs.clicks.carry.",
        ]

    def it_needs_a_table_that_tells_the_market_of_a_positive(self, tmp_path: Path) -> None:
        logs = LOGS.replace("logs:\n", "logs:\n  items: {path: p, carry: [sold]}\n")
        easy = "{source: market, of_request: market, of_items: sold}"
        text = logs + f"carry: [market]\nnegatives: {{hard: [], easy: [{easy}]}}\n"
        load_config(written(tmp_path, text))
        assert sentences(tmp_path, text + "tables: [easy_negatives]\n") == [
            "negatives.easy[0] (winnow.yaml, line 7): no table that is written tells the market of "
            "a positive, expected positives or training_samples among tables."
        ]

    @pytest.mark.parametrize("counted", ["clicks: attributed", "clicks: chosen", "of: impressions"])
    def it_asks_clicks_for_their_market_only_where_no_impression_tells_it(
        self, tmp_path: Path, counted: str
    ) -> None:
        logs = LOGS.replace("logs:\n", "logs:\n  items: {path: p, carry: [sold]}\n")
        logs = logs.replace("clicks: {", "clicks: {carry: [shop], ")
        entry = "{source: market, of_request: market, of_items: sold, of_clicks: shop}"
        text = logs + f"carry: [market]\nnegatives: {{hard: [], easy: [{entry}]}}\n"
        load_config(written(tmp_path, text))
        (told,) = problems(tmp_path, text + f"popularity: {{{counted}}}\n")
        assert told.where == "negatives.easy[0].of_clicks (winnow.yaml, line 7)"
        assert told.what.startswith(f"with popularity.{counted} the impression tells the market")

    def it_gives_windows_to_actions_that_there_are(self, tmp_path: Path) -> None:
        text = NO_RANKING + "attribution: {windows: {click: 1h, by: 7d}}\n"
        assert sentences(tmp_path, text) == [
            "attribution.windows.by (winnow.yaml, line 6): positives.actions has no such action, "
            "found by, expected one of click, favourite, cart, buy. Did you mean buy?"
        ]

    def it_takes_windows_of_whole_minutes_hours_or_days(self, tmp_path: Path) -> None:
        text = NO_RANKING + "attribution: {windows: {buy: 1.5h, cart: 15d}}\n"
        assert keys(tmp_path, text) == ["attribution.windows.buy", "attribution.windows.cart"]

    @pytest.mark.parametrize("log", ["impressions", "clicks"])
    def it_needs_both_logs(self, tmp_path: Path, log: str) -> None:
        other = {"impressions": "clicks", "clicks": "impressions"}[log]
        text = f"logs: {{{other}: {{path: x}}}}\nnegatives: {{hard: []}}\n"
        (told,) = problems(tmp_path, text)
        assert (told.where, told.what) == (
            f"logs.{log} (winnow.yaml, line 1)",
            "this key is missing",
        )

    def it_needs_logs(self, tmp_path: Path) -> None:
        assert sentences(tmp_path, "seed: 1\n") == [
            "logs (winnow.yaml): this key is missing, expected a map with impressions and clicks."
        ]

    def it_needs_a_path_or_a_source(self, tmp_path: Path) -> None:
        text = "logs: {impressions: {path: i}, clicks: {format: csv}}\nnegatives: {hard: []}\n"
        assert sentences(tmp_path, text) == [
            "logs.clicks (winnow.yaml, line 1): give either path or from."
        ]

    @pytest.mark.parametrize("source", ["clicks", "ranking_log"])
    def it_needs_a_source_that_is_there(self, tmp_path: Path, source: str) -> None:
        text = f"logs: {{impressions: {{path: i}}, clicks: {{from: {source}}}}}\n"
        assert keys(tmp_path, text + "negatives: {hard: []}\n") == ["logs.clicks.from"]

    def it_refuses_a_unit_on_what_is_no_time(self, tmp_path: Path) -> None:
        text = "logs: {impressions: {path: i, columns: {position: {column: p, unit: ms}}}, "
        (told,) = problems(tmp_path, text + "clicks: {path: c}}\nnegatives: {hard: []}\n")
        assert told.what == "position is not a time"

    def it_needs_mapped_columns_among_the_named_ones_of_a_csv(self, tmp_path: Path) -> None:
        text = """
logs:
  impressions: {path: i, format: csv, csv: {names: [user, item]}, columns: {user_id: usr}}
  clicks: {path: c}
negatives: {hard: []}
"""
        (told,) = problems(tmp_path, text)
        assert told.what == "csv.names does not list usr"
        assert told.next_step == "Did you mean user?"

    def it_is_told_beside_a_key_that_is_wrong_in_another_log(self, tmp_path: Path) -> None:
        text = """
logs:
  impressions: {path: i, columns: {usr_id: u, item_id: 3}}
  clicks: {path: c, formt: csv}
"""
        assert keys(tmp_path, text) == [
            "logs.impressions.columns.item_id",
            "logs.clicks.formt",
            "logs.impressions.columns.usr_id",
            "negatives.hard",
        ]

    def it_is_not_told_of_a_part_that_is_wrong_itself(self, tmp_path: Path) -> None:
        text = LOGS + "negatives: {hard: []}\n"
        text += "positives: {actions: look}\nattribution: {windows: {look: 1h}}\n"
        assert keys(tmp_path, text) == ["positives.actions"]


class DescribeAConfigMadeInPython:
    @pytest.mark.parametrize(
        ("text", "key"),
        [
            (LOGS, "negatives.hard"),
            (NO_RANKING + "carry: [scene, scene]\n", "carry.1"),
            (NO_RANKING + "carry: [user_id]\n", "carry.0"),
            (
                NO_RANKING.replace("path: i", "path: i, carry: [scene]"),
                "logs.impressions.carry",
            ),
            (with_items("carry: [city, weight]"), "logs.items.carry.1"),
            (
                NO_RANKING + "popularity: {of: impressions, clicks: attributed}\n",
                "popularity.clicks",
            ),
            (
                NO_RANKING + "popularity: {of: actions}\npositives: {weights: {buy: 1000.5}}\n",
                "positives.weights.buy",
            ),
            (
                NO_RANKING.replace("path: c", "path: c, carry: [dwell, Scene]")
                + "carry: [scene]\n",
                "logs.clicks.carry.1",
            ),
            (
                NO_RANKING.replace("path: c", "path: c, carry: [age]").replace(
                    "logs:\n", "logs:\n  users: {path: u, carry: [age]}\n"
                ),
                "logs.users.carry.0",
            ),
            (WITH_RANKING.replace("path: r", "path: r, carry: [a]"), "logs.ranking_log.carry"),
            (with_items("carry: [city, City]"), "logs.items.carry.1"),
            (
                with_items("carry: [city], columns: {city: {first_of: [a, b]}}"),
                "logs.items.columns.city",
            ),
            (NO_RANKING + "attribution: {windows: {by: 7d}}\n", "attribution.windows.by"),
            (
                NO_RANKING.replace("path: i", "columns: {u: x}, path: i"),
                "logs.impressions.columns.u",
            ),
            (NO_RANKING.replace("path: c", "from: ranking_log"), "logs.clicks.from"),
            (LOGS + "  ranking_log: {path: r, sampled: true}\n", "funnel.cut_known_by"),
        ],
    )
    def it_is_refused_with_the_sentence_that_a_file_gets(
        self, tmp_path: Path, text: str, key: str
    ) -> None:
        [told] = problems(tmp_path, text)
        with pytest.raises(ValidationError) as caught:
            Config.model_validate_json(json.dumps(yaml.safe_load(text)))
        [found] = caught.value.errors()
        assert ".".join(map(str, found["loc"])) == key
        assert found["msg"] == str(told).partition("): ")[2]
