"""The key ``variants``: several recipes in one config, which read logs alike."""

from pathlib import Path
from typing import Any

import pytest
from winnow.config.chosen_variant import one_recipe
from winnow.config.loading import load_config
from winnow.config.variants import MAY_DIFFER, merged
from winnow.errors import ConfigError

from tests.config.configs_for_tests import WITH_RANKING, keys, sentences, written

RECIPES = sorted((Path(__file__).resolve().parents[2] / "configs").rglob("*.yaml"))


class DescribeAVariant:
    def it_is_the_config_with_what_it_says(self, tmp_path: Path) -> None:
        text = WITH_RANKING + (
            "seed: 3\n"
            "positives: {weights: {buy: 2, cart: 3}}\n"
            "variants: {one: {epoch: 1, positives: {weights: {buy: 5}}}, other: {}}\n"
        )
        config = load_config(written(tmp_path, text))
        one, other = config.variant("one"), config.variant("other")
        assert (one.seed, one.epoch, one.positives.weights) == (3, 1, {"buy": 5.0, "cart": 3.0})
        assert (other.epoch, other.positives.weights) == (0, {"buy": 2.0, "cart": 3.0})
        assert (one.warehouse, one.variants) == (str(tmp_path / "warehouse" / "one"), {})

    def it_has_the_fingerprint_of_a_config_of_its_own(self, tmp_path: Path) -> None:
        said = "negatives: {per_positive: 4, hard: []}\n"
        alone = load_config(written(tmp_path, WITH_RANKING + said))
        text = WITH_RANKING + "variants: {a: {negatives: {per_positive: 4, hard: []}}}\n"
        config = load_config(written(tmp_path, text))
        assert config.variant("a").fingerprint() == alone.fingerprint()
        plain = load_config(written(tmp_path, WITH_RANKING))
        assert config.fingerprint() == plain.fingerprint() != alone.fingerprint()

    @pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
    def it_says_nothing_new_where_it_is_empty(self, path: Path) -> None:
        config = load_config(path)
        variant = config.model_copy(update={"variants": {"a": {}}}).variant("a")
        assert variant == config.model_copy(update={"warehouse": f"{config.warehouse}/a"})

    @pytest.mark.parametrize(
        ("base", "part", "made"),
        [
            ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
            ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
            ({"a": {"b": 1}}, {"a": {"b": None}}, {"a": {}}),
            ({"a": 1}, {"a": None, "b": None}, {"b": None}),
            ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
        ],
    )
    def it_is_put_into_the_config_key_by_key(
        self, base: dict[str, Any], part: dict[str, Any], made: dict[str, Any]
    ) -> None:
        before = repr(base)
        assert merged(base, part) == made
        assert repr(base) == before

    def it_has_to_be_named_where_there_are_several(self, tmp_path: Path) -> None:
        config = load_config(written(tmp_path, WITH_RANKING + "variants: {a: {}, b: {seed: 1}}\n"))
        assert one_recipe(config, "b", "--variant").seed == 1
        with pytest.raises(ConfigError, match=r"^--variant: .* which one\?, expected one of a, b"):
            one_recipe(config, None, "--variant")
        with pytest.raises(ConfigError, match="has no such variant, found c, expected one of a, b"):
            one_recipe(config, "c", "--variant")
        plain = load_config(written(tmp_path, WITH_RANKING))
        assert one_recipe(plain, None, "--variant") is plain
        with pytest.raises(ConfigError, match="the config has no variants, found a"):
            one_recipe(plain, "a", "--variant")


class DescribeWhatIsRefused:
    @pytest.mark.parametrize(
        ("part", "key"),
        [
            ("{warehouse: w}", "warehouse"),
            ("{ids: {user: string}}", "ids"),
            ("{logs: {clicks: {path: d}}}", "logs"),
            ("{calendar_zone: Asia/Tokyo}", "calendar_zone"),
            ("{identity: {anonymous_values: []}}", "identity"),
            ("{attribution: {window_hours: 2}}", "attribution"),
            ("{exclusion: {click_lookback_days: 1}}", "exclusion"),
            ("{popularity: {window_days: 3}}", "popularity.window_days"),
            ("{popularity: {of: users, smoothing: 2}}", "popularity.of"),
            ("{positives: {actions: [click]}}", "positives.actions"),
            ("{positives: {where: {scene: [a]}}}", "positives.where"),
            ("{funnel: {cut_known_by: passed}}", "funnel"),
            ("{carry: [scene]}", "carry"),
            ("{expectations: []}", "expectations"),
            ("{variants: {}}", "variants"),
        ],
    )
    def it_is_what_decides_how_logs_are_read(self, part: str, key: str, tmp_path: Path) -> None:
        (told,) = sentences(tmp_path, WITH_RANKING + f"variants:\n  a: {part}\n")
        assert told.startswith(
            f"variants.a.{key} (winnow.yaml, line 7): variants share how logs are read and which "
            "events there are, so none may set this, expected some of seed, epoch, "
        )
        assert told.endswith(
            "Set it outside of variants, for all of them, or build it by a config of its own."
        )

    def it_is_told_of_all_variants_at_once(self, tmp_path: Path) -> None:
        text = WITH_RANKING + (
            "variants:\n"
            "  a: {seed: x}\n"
            "  b: {negatives: {per_positive: 0}}\n"
            "  c: {negativs: {}}\n"
            "  d: {negatives: {hard: [{source: cut, stage: nowhere}]}}\n"
            "  e: {carry: []}\n"
        )
        assert keys(tmp_path, text) == [
            "variants.a.seed",
            "variants.b.negatives.per_positive",
            "variants.c.negativs",
            "variants.d.negatives.hard[0].stage",
            "variants.e.carry",
        ]

    def it_names_the_nearest_key(self, tmp_path: Path) -> None:
        (told,) = sentences(tmp_path, WITH_RANKING + "variants: {c: {negativs: {}}}\n")
        assert "unknown key" in told and told.endswith("Did you mean negatives?")

    @pytest.mark.parametrize("name", ["a/b", "../a", "_staging", "1a", "a b", '""', "é"])
    def it_is_a_name_that_is_no_folder_name(self, name: str, tmp_path: Path) -> None:
        (told,) = sentences(tmp_path, WITH_RANKING + f"variants: {{{name}: {{}}}}\n")
        assert "expected a name of letters, digits, _ and -, beginning with a letter" in told

    def it_is_a_folder_that_is_taken(self, tmp_path: Path) -> None:
        text = WITH_RANKING + "variants: {a: {}, A: {}, Positives: {}, releases: {}}\n"
        assert keys(tmp_path, text) == ["variants.A", "variants.Positives", "variants.releases"]

    def it_is_nothing_of_what_may_differ(self) -> None:
        assert ("negatives",) in MAY_DIFFER
        assert not {one[0] for one in MAY_DIFFER} & {"logs", "ids", "funnel", "exclusion"}
