"""Whatever stands in a config file, a person is told what is wrong with it, and soon."""

import copy
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from winnow.config.loading import load_config
from winnow.errors import ConfigError

from tests.config.configs_for_tests import LOGS, NO_RANKING, problems, sentences, written

_SHIPPED = sorted((Path(__file__).resolve().parents[2] / "configs").glob("*.yaml"))
_GARBAGE: tuple[Any, ...] = (
    None,
    True,
    "",
    "x",
    "\x00",
    "a\nb",
    "\ud800",
    "~nobody-has-this-name/x",
    "ü" * 300,
    0,
    -1,
    2**31,
    2**63,
    10**40,
    1.5,
    -0.0,
    float("nan"),
    float("inf"),
    [],
    [0.5],
    [0.1, 0.2, 0.3],
    [[]],
    ["a", 1, None],
    {},
    {"a": {"b": [{"c": None}]}},
    {"": ""},
    [{"name": "fine"}],
    {"column": None},
    {"first_of": []},
    {"unit": "pattern"},
)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Give every holder with each of its keys or places."""
    inner = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree))
    for key, value in inner:
        yield tree, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _mutated(tree: Any, luck: random.Random) -> Any:
    changed = copy.deepcopy(tree)
    for _ in range(luck.choice((1, 1, 1, 2, 4))):
        places = list(_places(changed))
        if not places:
            break
        holder, key = luck.choice(places)
        how = luck.randrange(6)
        if how == 0:
            del holder[key]
        elif how == 1 and isinstance(holder, dict):
            holder[luck.choice(("", "x", "path", "column", "name", f"{key} "))] = holder.pop(key)
        elif how == 2 and isinstance(holder[key], list) and holder[key]:
            holder[key] = holder[key] * 2 if luck.random() < 0.5 else holder[key][:-1]
        elif how == 3:
            other, there = luck.choice(places)
            holder[key] = copy.deepcopy(other[there])
        elif how == 4:
            holder[key] = [holder[key]]
        else:
            holder[key] = luck.choice(_GARBAGE)
    return changed


def _loads_or_is_told(file: Path, text: str) -> bool:
    try:
        load_config(written(file, text))
    except ConfigError as error:
        assert error.problems
        assert all(problem.where and problem.what for problem in error.problems)
        assert all(len(str(problem)) < 9_000 for problem in error.problems)
        return False
    return True


class DescribeAConfigThatSomethingMangled:
    @pytest.mark.parametrize("n", [60, pytest.param(300, marks=pytest.mark.proof)])
    @pytest.mark.parametrize("path", _SHIPPED, ids=lambda path: path.stem)
    def it_is_read_or_refused_with_a_sentence(self, path: Path, n: int, tmp_path: Path) -> None:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        luck = random.Random(path.stem)
        read = [_loads_or_is_told(tmp_path, yaml.safe_dump(_mutated(tree, luck))) for _ in range(n)]
        assert 0 < sum(read) < n

    @pytest.mark.parametrize("n", [30, pytest.param(100, marks=pytest.mark.proof)])
    @pytest.mark.parametrize("path", _SHIPPED, ids=lambda path: path.stem)
    def it_is_read_or_refused_where_signs_of_the_text_are_lost_or_come_twice(
        self, path: Path, n: int, tmp_path: Path
    ) -> None:
        text = path.read_text(encoding="utf-8")
        luck = random.Random(path.stem)
        for _ in range(n):
            at, signs = (
                luck.randrange(len(text)),
                luck.choice(("", ":", "- ", "{", "&a ", "*a", "\t")),
            )
            _loads_or_is_told(tmp_path, text[:at] + signs + text[at + luck.randrange(9) :])


class DescribeAListOfTheWrongLength:
    @pytest.mark.parametrize("band", ["[0.5]", "[]", "[0.1, 0.2, 0.3]", "[0.1, [0.2]]", "0.5"])
    def it_is_named(self, tmp_path: Path, band: str) -> None:
        text = (
            LOGS
            + "  ranking_log: {path: r}\n"
            + f"negatives: {{hard: [{{source: low, stage: fine, band: {band}}}]}}"
        )
        [told] = sentences(tmp_path, text)
        assert told.startswith("negatives.hard[0].band")


class DescribeANumberWithoutEnd:
    @pytest.mark.parametrize("digits", ["9" * 5_000, "0x" + "f" * 5_000, "-" + "7" * 40])
    def it_is_refused_where_it_stands(self, tmp_path: Path, digits: str) -> None:
        [told] = sentences(tmp_path, NO_RANKING + f"seed: {digits}")
        assert told.startswith("seed (winnow.yaml, line 6): the number is ")
        assert len(told) < 300


def _laughs(of: Callable[[int], str]) -> str:
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{n}: &a{n} {of(n - 1)}" for n in range(1, 9)]
    return "\n".join(lines)


class DescribeAliasesThatMultiply:
    @pytest.mark.parametrize(
        "text",
        [
            _laughs(lambda n: f"[{', '.join([f'*a{n}'] * 9)}]"),
            _laughs(lambda n: f"{{{', '.join(f'k{k}: *a{n}' for k in range(9))}}}"),
            f"long: &long {'x' * 100_000}\nall: [{', '.join(['*long'] * 10_000)}]",
            "a0: &a0 {x: 1}\n"
            + "\n".join(
                f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)
            ),
        ],
        ids=["lists", "maps", "text", "merges"],
    )
    def it_is_refused_before_they_are_followed(self, tmp_path: Path, text: str) -> None:
        began = time.monotonic()
        [told] = problems(tmp_path, text)
        assert time.monotonic() - began < 5
        assert told.what == "the aliases of the file stand for too much"

    def it_leaves_aliases_that_save_some_writing(self, tmp_path: Path) -> None:
        text = LOGS.replace("{path: i}", "{path: i, where: &scenes {scene: [home, feed]}}")
        text = text.replace("{path: c}", "{path: c, where: *scenes}")
        config = load_config(written(tmp_path, text + "negatives: {hard: []}\n"))
        assert config.logs.clicks.where == {"scene": ("home", "feed")}


class DescribeAFileThatIsNoConfig:
    @pytest.mark.parametrize("path", ["/dev/zero", "/dev/full"])
    def it_is_not_read(self, path: str) -> None:
        with pytest.raises(ConfigError, match="is too large"):
            load_config(path)

    def it_is_not_read_where_it_is_larger_than_any_config(self, tmp_path: Path) -> None:
        place = tmp_path / "winnow.yaml"
        with place.open("wb") as file:
            file.truncate(2**40)
        with pytest.raises(ConfigError, match="is too large"):
            load_config(place)


class DescribeALongList:
    def it_is_read_soon(self, tmp_path: Path) -> None:
        values = ", ".join(f"scene-{n}" for n in range(20_000))
        text = NO_RANKING.replace("{path: i}", f"{{path: i, where: {{scene: [{values}]}}}}")
        began = time.monotonic()
        config = load_config(written(tmp_path, text))
        assert len(config.logs.impressions.where["scene"]) == 20_000
        assert time.monotonic() - began < 20

    def it_is_told_about_in_a_few_sentences_where_all_of_it_is_wrong(self, tmp_path: Path) -> None:
        values = ", ".join("[]" for n in range(5_000))
        text = NO_RANKING.replace("{path: i}", f"{{path: i, where: {{scene: [{values}]}}}}")
        began = time.monotonic()
        told = sentences(tmp_path, text)
        assert len(told) <= 51
        assert "further problems" in told[-1]
        assert time.monotonic() - began < 20
