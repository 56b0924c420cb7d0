"""A right config and what becomes of it, a file that is none, and the date of the command line."""

from datetime import date
from pathlib import Path

import pytest
from winnow.config.agreement import contract_columns
from winnow.config.columns import Concat, FirstOf, TimeSource
from winnow.config.loading import load_config, parse_day
from winnow.config.tree import Config
from winnow.errors import ConfigError

from tests.config.configs_for_tests import NO_RANKING, WITH_RANKING, problems, sentences, written


class DescribeARightConfig:
    def it_takes_defaults_for_what_is_not_named(self, tmp_path: Path) -> None:
        config = load_config(written(tmp_path, WITH_RANKING))
        assert config.negatives.per_positive == 20
        assert config.tables == Config.model_fields["tables"].default
        assert config.funnel.cut_known_by == "membership"

    def it_makes_paths_absolute_from_the_folder_of_the_file(self, tmp_path: Path) -> None:
        text = "warehouse: ../w\nlogs: {impressions: {path: i}, clicks: {path: 'hdfs://n/c'}}\n"
        config = load_config(written(tmp_path, text + "negatives: {hard: []}"))
        assert config.warehouse == str(tmp_path / "../w")
        assert config.logs.impressions.path == str(tmp_path / "i")
        assert config.logs.clicks.path == "hdfs://n/c"

    def it_has_the_same_fingerprint_in_another_folder(self, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        here = load_config(written(tmp_path, WITH_RANKING))
        there = load_config(written(tmp_path / "other", WITH_RANKING))
        assert here.fingerprint() == there.fingerprint()
        other_seed = load_config(written(tmp_path, WITH_RANKING + "seed: 1\n"))
        assert here.fingerprint() != other_seed.fingerprint()

    def it_turns_lists_into_tuples_and_text_into_dates(self, tmp_path: Path) -> None:
        text = WITH_RANKING + "carry: [scene]\nsplit: {by: date, valid_from: 2026-01-02}\n"
        config = load_config(written(tmp_path, text))
        assert config.carry == ("scene",)
        assert config.split.valid_from == date(2026, 1, 2)

    def it_reads_every_form_of_a_column_mapping(self, tmp_path: Path) -> None:
        text = """
logs:
  impressions:
    path: i
    columns:
      user_id: {first_of: [account, device]}
      item_id: {concat: [shop, sku]}
      impression_ts: {column: t, unit: ms}
      request_id: "weird name"
  clicks: {from: impressions, where: {click: [1, "yes"]}, columns: {click_ts: t}}
negatives: {hard: []}
"""
        logs = load_config(written(tmp_path, text)).logs
        assert logs.impressions.columns == {
            "user_id": FirstOf(first_of=("account", "device")),
            "item_id": Concat(concat=("shop", "sku")),
            "impression_ts": TimeSource(column="t", unit="ms"),
            "request_id": "weird name",
        }
        assert logs.clicks.derived_from == "impressions"
        assert logs.clicks.where == {"click": (1, "yes")}


class DescribeTheFile:
    def it_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            load_config(tmp_path / "none.yaml")
        assert str(caught.value) == (
            f"{tmp_path}/none.yaml: the config is not there. "
            "Run winnow init to write one to start from."
        )

    def it_must_not_be_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="the config cannot be read: Is a directory"):
            load_config(tmp_path)

    @pytest.mark.parametrize("text", ["", "# nothing\n", "[1, 2]", "just text"])
    def it_must_be_a_map(self, tmp_path: Path, text: str) -> None:
        assert problems(tmp_path, text)[0].what == "the config is not a map of keys and values"

    def it_gets_line_and_column_of_a_syntax_error(self, tmp_path: Path) -> None:
        (told,) = problems(tmp_path, "seed: 1\nlogs: {a: [1, }\n")
        assert told.where == "winnow.yaml, line 2, column 15"
        assert told.what.startswith("this is not YAML: ")

    def it_must_not_give_a_key_twice(self, tmp_path: Path) -> None:
        assert sentences(tmp_path, "seed: 1\nnegatives: {per_positive: 5}\nseed: 2\n") == [
            "seed (winnow.yaml, line 3): this key is given twice, found it in lines 1 and 3. "
            "Keep one of them."
        ]

    def it_needs_keys_of_text(self, tmp_path: Path) -> None:
        told = problems(tmp_path, NO_RANKING + "carry: []\non: 1\n")
        assert [problem.what for problem in told] == ["a key must be text"]

    @pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
    def it_needs_finite_numbers(self, tmp_path: Path, value: str) -> None:
        told = problems(tmp_path, WITH_RANKING + f"popularity: {{smoothing: {value}}}\n")
        assert told[0].where.startswith("popularity.smoothing ")
        assert told[0].expected is not None and "a finite number" in told[0].expected

    def it_must_not_hold_itself(self, tmp_path: Path) -> None:
        assert problems(tmp_path, "a: &a [*a]\n")[0].what == "an alias contains itself"

    def it_must_not_make_objects(self, tmp_path: Path) -> None:
        (told,) = problems(tmp_path, "seed: !!python/object/apply:os.system [exit]\n")
        assert told.what.startswith("this is not YAML: could not determine a constructor")


class DescribeTheContractsThatItKnows:
    def it_reads_the_columns_of_every_log(self) -> None:
        assert contract_columns("clicks")["click_ts"] == "timestamp"


class DescribeParsingADate:
    def it_takes_a_date(self) -> None:
        assert parse_day("2026-01-31") == date(2026, 1, 31)

    @pytest.mark.parametrize(
        "text",
        [
            "2026-1-1",
            "20260101",
            "2026-02-30",
            "",
            " 2026-01-01",
            "2026-01-02' OR '1'='1",
            "٢٠٢٦-01-01",
        ],
    )
    def it_takes_nothing_else(self, text: str) -> None:
        with pytest.raises(ConfigError) as caught:
            parse_day(text)
        assert str(caught.value) == (
            f"--ds: this is not a date, found {text!r}, expected YYYY-MM-DD, such as 2026-01-31."
        )
