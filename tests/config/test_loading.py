"""Every way in which a config can be wrong, and the sentence that a person gets for it."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.config.agreement import contract_columns
from pipelines.config.loading import load_config, parse_day
from pipelines.config.logs import Concat, FirstOf, TimeSource
from pipelines.config.tree import Config
from pipelines.errors import ConfigError, Problem

LOGS = """
logs:
  impressions: {path: i}
  clicks: {path: c}
"""
NO_RANKING = LOGS + "mix: {hard_ratio: 0.0}\n"
WITH_RANKING = LOGS + "  ranking_log: {path: r}\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "winnow.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load_config(written(folder, text))
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


def sentences(folder: Path, text: str) -> list[str]:
    return [str(problem) for problem in problems(folder, text)]


def keys(folder: Path, text: str) -> list[str]:
    return [problem.where.split(" ")[0] for problem in problems(folder, text)]


class DescribeARightConfig:
    def it_takes_defaults_for_what_is_not_named(self, tmp_path: Path) -> None:
        config = load_config(written(tmp_path, WITH_RANKING))
        assert config.mix.negatives_per_positive == 20
        assert config.tables == Config.model_fields["tables"].default
        assert config.hard.cut_known_by == "membership"

    def it_makes_paths_absolute_from_the_folder_of_the_file(self, tmp_path: Path) -> None:
        text = "warehouse: ../w\nlogs: {impressions: {path: i}, clicks: {path: 'hdfs://n/c'}}\n"
        config = load_config(written(tmp_path, text + "mix: {hard_ratio: 0.0}"))
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
mix: {hard_ratio: 0.0}
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
        assert sentences(tmp_path, "seed: 1\nmix: {hard_ratio: 0.1}\nseed: 2\n") == [
            "seed (winnow.yaml, line 3): this key is given twice, found it in lines 1 and 3. "
            "Keep one of them."
        ]

    def it_needs_keys_of_text(self, tmp_path: Path) -> None:
        told = problems(tmp_path, NO_RANKING + "carry: []\non: 1\n")
        assert [problem.what for problem in told] == ["a key must be text"]

    @pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
    def it_needs_finite_numbers(self, tmp_path: Path, value: str) -> None:
        told = problems(tmp_path, WITH_RANKING + f"easy: {{alpha: {value}}}\n")
        assert told[0].where.startswith("easy.alpha ")
        assert told[0].expected is not None and "a finite number" in told[0].expected

    def it_must_not_hold_itself(self, tmp_path: Path) -> None:
        assert problems(tmp_path, "a: &a [*a]\n")[0].what == "an alias contains itself"

    def it_must_not_make_objects(self, tmp_path: Path) -> None:
        (told,) = problems(tmp_path, "seed: !!python/object/apply:os.system [exit]\n")
        assert told.what.startswith("this is not YAML: could not determine a constructor")


class DescribeAnUnknownKey:
    def it_is_named_with_its_way_its_line_and_the_nearest_known_key(self, tmp_path: Path) -> None:
        text = """
logs:
  impressions: {path: i}
  clicks:
    path: c
    colums: {item_id: sku}
mix: {hard_ratio: 0.0}
"""
        assert sentences(tmp_path, text) == [
            "logs.clicks.colums (winnow.yaml, line 6): unknown key, expected one of path, format, "
            "from, csv, explode, partition, columns, where, sampled. Did you mean columns?"
        ]

    @pytest.mark.parametrize(
        ("text", "key", "hint"),
        [
            ("sed: 1", "sed", "Did you mean seed?"),
            ("mix: {hard_ratios: 0.1}", "mix.hard_ratios", "Did you mean hard_ratio?"),
            (
                "positives: {downsampling: {rul: cap}}",
                "positives.downsampling.rul",
                "Did you mean rule?",
            ),
            (
                "hard: {stages: [{name: a, take: cut}, {name: b, take: low, bnd: [0, 1]}]}",
                "hard.stages[1].bnd",
                "Did you mean band?",
            ),
            ("xyzzy: 1", "xyzzy", None),
        ],
    )
    def it_is_found_at_every_depth(
        self, tmp_path: Path, text: str, key: str, hint: str | None
    ) -> None:
        (told,) = problems(tmp_path, WITH_RANKING + text + "\n")
        assert told.where.startswith(f"{key} (winnow.yaml, line ")
        assert (told.what, told.next_step) == ("unknown key", hint)

    def it_can_be_a_log(self, tmp_path: Path) -> None:
        (told,) = problems(tmp_path, LOGS + "  rankinglog: {path: r}\nmix: {hard_ratio: 0.0}\n")
        assert (told.what, told.next_step) == ("unknown log", "Did you mean ranking_log?")

    def it_can_be_a_contract_column(self, tmp_path: Path) -> None:
        text = "logs: {impressions: {path: i, columns: {usr_id: u}}, clicks: {path: c}}\n"
        (told,) = problems(tmp_path, text + "mix: {hard_ratio: 0.0}")
        assert told.where == "logs.impressions.columns.usr_id (winnow.yaml, line 1)"
        assert told.what == "the contract of impressions has no such column"
        assert told.next_step == "Did you mean user_id?"

    @settings(max_examples=60, deadline=None)
    @given(st.from_regex(r"\A[a-z_]{1,12}\Z").filter(lambda key: key not in Config.model_fields))
    def it_is_always_refused(self, tmp_path_factory: pytest.TempPathFactory, key: str) -> None:
        told = problems(tmp_path_factory.mktemp("c"), WITH_RANKING + f'"{key}": 1\n')
        assert [problem.what for problem in told] == ["unknown key"]


class DescribeAWrongValue:
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            (
                "mix: {hard_ratio: 1.5}",
                "mix.hard_ratio (winnow.yaml, line 6): the number is out of range, found 1.5, "
                "expected a number >= 0.0 and <= 1.0.",
            ),
            (
                "seed: abc",
                'seed (winnow.yaml, line 6): the type is wrong, found "abc", '
                "expected a whole number.",
            ),
            (
                "seed: -1",
                "seed (winnow.yaml, line 6): the number is out of range, found -1, "
                "expected a number >= 0.",
            ),
            (
                'mix: {negatives_per_positive: "20"}',
                'mix.negatives_per_positive (winnow.yaml, line 6): the type is wrong, found "20", '
                "expected a whole number.",
            ),
            (
                "split: {by: date, valid_from: '2026-02-30'}",
                'split.valid_from (winnow.yaml, line 6): the type is wrong, found "2026-02-30", '
                "expected a date such as 2026-01-31.",
            ),
            (
                "ids: {user: strng}",
                'ids.user (winnow.yaml, line 6): the value is not known, found "strng", '
                "expected one of bigint, string. Did you mean string?",
            ),
            (
                "calendar_zone: Mars/Olympus",
                'calendar_zone (winnow.yaml, line 6): the value does not fit, found "Mars/Olympus"'
                ", expected a time zone name such as UTC or Europe/Berlin.",
            ),
            (
                "carry: scene",
                'carry (winnow.yaml, line 6): the type is wrong, found "scene", expected a list.',
            ),
            (
                "hard: {stages: [{name: a, take: cut}, {name: a, take: low}]}",
                "hard.stages (winnow.yaml, line 6): ['a'] named twice.",
            ),
            (
                "tables: [positives, ../../outside]",
                "tables[1] (winnow.yaml, line 6): the value does not fit, "
                'found "../../outside", expected an identifier (letters, digits and _, '
                "not starting with a digit).",
            ),
            (
                "tables: [postives]",
                "tables[0] (winnow.yaml, line 6): this table is not known, found postives, "
                "expected one of positives, easy_negatives, hard_negatives, training_samples, "
                "training_samples_pointwise, ranking_samples, item_stats, rejected. "
                "Did you mean positives?",
            ),
            (
                "carry: [scene, 'a b']",
                'carry[1] (winnow.yaml, line 6): the value does not fit, found "a b", expected '
                "an identifier (letters, digits and _, not starting with a digit).",
            ),
            (
                "carry: [scene, scene]",
                "carry[1] (winnow.yaml, line 6): scene is named twice.",
            ),
            (
                "carry: [user_id]",
                "carry[0] (winnow.yaml, line 6): user_id is a column of positives, "
                "training_samples, ranking_samples already. Take it out of carry, or give the "
                "column another name in the log.",
            ),
            (
                "mix:",
                "mix (winnow.yaml, line 6): the type is wrong, found null, "
                "expected a map of keys and values.",
            ),
        ],
    )
    def it_gets_one_sentence(self, tmp_path: Path, text: str, sentence: str) -> None:
        assert sentences(tmp_path, WITH_RANKING + text + "\n") == [sentence]

    @pytest.mark.parametrize("name", ["x; DROP TABLE y", "x/../../y", "", "1a", "a\\nb", "é"])
    def it_cannot_be_a_table_outside_the_warehouse(self, tmp_path: Path, name: str) -> None:
        assert keys(tmp_path, WITH_RANKING + f'tables: ["{name}"]\n') == ["tables[0]"]

    @pytest.mark.parametrize(
        ("mapping", "key", "expected"),
        [
            ("3", "", "a column name, {first_of: [a, b]}"),
            ("{first_of: a}", ".first_of", "a list"),
            ("{concat: []}", ".concat", None),
            ("{column: t, unit: sec}", ".unit", "one of iso, s, ms, us, pattern"),
            ("{column: t, typ: int}", ".typ", "one of column, type"),
            ("{unit: ms}", ".column", None),
            ("{colum: t}", "", "a column name, {first_of: [a, b]}"),
            ('"a`b"', "", "a column name without backticks"),
        ],
    )
    def it_is_explained_by_the_mapping_that_was_meant(
        self, tmp_path: Path, mapping: str, key: str, expected: str | None
    ) -> None:
        text = f"logs: {{impressions: {{path: i, columns: {{impression_ts: {mapping}}}}}, "
        (told,) = problems(tmp_path, text + "clicks: {path: c}}\nmix: {hard_ratio: 0.0}\n")
        assert told.where.split(" ")[0] == f"logs.impressions.columns.impression_ts{key}"
        assert expected is None or (told.expected or "").startswith(expected)


class DescribePartsThatDisagree:
    def it_needs_a_ranking_log_for_hard_negatives(self, tmp_path: Path) -> None:
        assert sentences(tmp_path, LOGS) == [
            "mix.hard_ratio (winnow.yaml): hard negatives come from the ranking log, and logs has "
            "no ranking_log, found 0.5 (the default), expected 0. "
            "Set mix: {hard_ratio: 0.0}, or describe logs.ranking_log."
        ]

    def it_needs_a_stage_that_gives_hard_negatives(self, tmp_path: Path) -> None:
        text = WITH_RANKING + "hard: {stages: [{name: a, take: none}]}\n"
        assert keys(tmp_path, text) == ["hard.stages"]

    def it_needs_whole_requests_for_membership(self, tmp_path: Path) -> None:
        text = LOGS + "  ranking_log: {path: r, sampled: true}\n"
        (told,) = problems(tmp_path, text)
        assert told.where.startswith("hard.cut_known_by")
        assert told.expected == "passed or last_stage"
        load_config(written(tmp_path, text + "hard: {cut_known_by: passed}\n"))

    @pytest.mark.parametrize("log", ["impressions", "clicks"])
    def it_needs_both_logs(self, tmp_path: Path, log: str) -> None:
        other = {"impressions": "clicks", "clicks": "impressions"}[log]
        text = f"logs: {{{other}: {{path: x}}}}\nmix: {{hard_ratio: 0.0}}\n"
        (told,) = problems(tmp_path, text)
        assert (told.where, told.what) == (
            f"logs.{log} (winnow.yaml, line 1)",
            "this log is missing",
        )

    def it_needs_logs(self, tmp_path: Path) -> None:
        assert sentences(tmp_path, "seed: 1\n") == [
            "logs (winnow.yaml): this key is missing, expected a map with impressions and clicks."
        ]

    def it_needs_a_path_or_a_source(self, tmp_path: Path) -> None:
        text = "logs: {impressions: {path: i}, clicks: {format: csv}}\nmix: {hard_ratio: 0.0}\n"
        assert sentences(tmp_path, text) == [
            "logs.clicks (winnow.yaml, line 1): give either path or from."
        ]

    @pytest.mark.parametrize("source", ["clicks", "ranking_log"])
    def it_needs_a_source_that_is_there(self, tmp_path: Path, source: str) -> None:
        text = f"logs: {{impressions: {{path: i}}, clicks: {{from: {source}}}}}\n"
        assert keys(tmp_path, text + "mix: {hard_ratio: 0.0}\n") == ["logs.clicks.from"]

    def it_refuses_a_unit_on_what_is_no_time(self, tmp_path: Path) -> None:
        text = "logs: {impressions: {path: i, columns: {position: {column: p, unit: ms}}}, "
        (told,) = problems(tmp_path, text + "clicks: {path: c}}\nmix: {hard_ratio: 0.0}\n")
        assert told.what == "position is not a time"

    def it_needs_mapped_columns_among_the_named_ones_of_a_csv(self, tmp_path: Path) -> None:
        text = """
logs:
  impressions: {path: i, format: csv, csv: {names: [user, item]}, columns: {user_id: usr}}
  clicks: {path: c}
mix: {hard_ratio: 0.0}
"""
        (told,) = problems(tmp_path, text)
        assert told.what == "csv.names does not list usr"
        assert told.next_step == "Did you mean user?"


class DescribeManyProblems:
    def it_finds_them_all_at_once(self, tmp_path: Path) -> None:
        text = """
sed: 3
seed: "x"
logs:
  impressions:
    path: a
    colums: {x: y}
    columns:
      user_ids: u
      item_id: {first_of: a}
      request_id: 3
  clicks: {path: c, format: xml}
hard:
  stages:
    - {name: coarse, take: cut}
    - {name: middle, take: lov}
    - {name: fine, take: low, band: [0.9, 0.1]}
mix: {hard_ratio: 1.5, negatives_per_positive: 0}
tables: [../x, postives]
carry: [user_id, "a b", scene]
"""
        assert sorted(keys(tmp_path, text)) == sorted(
            [
                "sed",
                "seed",
                "logs.impressions.colums",
                "logs.impressions.columns.user_ids",
                "logs.impressions.columns.item_id.first_of",
                "logs.impressions.columns.request_id",
                "logs.clicks.format",
                "hard.stages[1].take",
                "hard.stages[2].band",
                "mix.hard_ratio",
                "mix.negatives_per_positive",
                "tables[0]",
                "tables[1]",
                "carry[0]",
                "carry[1]",
            ]
        )

    @settings(max_examples=80, deadline=None)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        ["path", "columns", "where", "stages", "name", "logs", "clicks"]
                    ),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=8,
        ),
        st.sampled_from([*Config.model_fields, "logs.clicks", "logs.impressions.columns"]),
    )
    def it_never_ends_in_another_error(
        self, tmp_path_factory: pytest.TempPathFactory, value: object, place: str
    ) -> None:
        import yaml

        logs: dict[str, object] = {"impressions": {"path": "i"}, "clicks": {"path": "c"}}
        tree: dict[str, object] = {"logs": logs, "mix": {"hard_ratio": 0.0}}
        if place == "logs.clicks":
            logs["clicks"] = value
        elif place == "logs.impressions.columns":
            logs["impressions"] = {"path": "i", "columns": value}
        else:
            tree[place] = value
        path = written(tmp_path_factory.mktemp("c"), yaml.safe_dump(tree))
        try:
            load_config(path)
        except ConfigError as error:
            assert error.problems


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
