"""The words of the sources: all have some, and none passes over a setting."""

from string import Formatter

import pytest
from winnow.config.chosen_entries import CutEntry
from winnow.config.entries import AttributeEntry, ColdEntry, HotEntry, PopularityEntry
from winnow.config.model import Frozen
from winnow.config.source_words import source_words, what_it_does
from winnow.config.sources import BUILT_IN, register_own

VALUES = {"f": "f", "smoothing": "1"}


class DescribeTheWordsOfSources:
    def it_has_a_paragraph_of_every_source_and_of_no_other(self) -> None:
        assert set(source_words()) == set(BUILT_IN), "config/source_words.yaml"

    @pytest.mark.parametrize("name", sorted(BUILT_IN))
    def it_says_all_there_is_to_say(self, name: str) -> None:
        words = source_words()[name]
        said = words.model_dump(exclude={"options", "paper", "formula"}).values()
        assert all(len(text) > 10 for text in said)
        # Only a choice among what is there may need none.
        assert len(words.formula) > 5 or (not words.formula and not BUILT_IN[name].drawn)
        assert all(name in "".join(words.options) for name in words.options)


class DescribeWhatASourceDoes:
    def it_names_the_settings_of_the_config(self) -> None:
        warm = PopularityEntry(source="popularity", alpha=0.5)
        assert what_it_does(warm, {"f": "f", "smoothing": "2"}, {}) == (
            "draws from the whole catalogue, an item by W = (f + 2)^0.5"
        )

    def it_adds_an_option_where_it_is_set(self) -> None:
        cold = ColdEntry(source="cold", most_clicks=3)
        assert what_it_does(cold, {}, {}) == "draws evenly from the items with at most 3 clicks"
        assert what_it_does(cold.model_copy(update={"new_days": 7}), {}, {}) == (
            "draws evenly from the items with at most 3 clicks, and from those that became valid "
            "within the last 7 dates, whatever their clicks"
        )

    def it_names_several_attributes(self) -> None:
        near = AttributeEntry(source="same_attribute", attributes=("city", "levels"), prefix=2)
        assert what_it_does(near, VALUES, {}) == (
            "draws from the items that share the positive's city and levels, an item by "
            "W = (f + 1)^0.75, of attributes that are lists the first 2 elements count"
        )

    def it_names_a_setting_that_no_words_know(self) -> None:
        class Louder(HotEntry):
            loud: bool = False

        quiet = Louder(source="hot")
        top = {"top_percent": "1 %", **VALUES}
        silent = what_it_does(quiet, top, {"top": "top_percent"})
        loud = what_it_does(Louder(source="hot", loud=True), top, {"top": "top_percent"})
        assert loud == f"{silent}, loud: True"

    def it_tells_of_a_setting_by_another_name_once(self) -> None:
        values = {"known_by": "so", "band": "ranks 1 to 5", "selected": "evenly"}
        cut = CutEntry(source="cut", stage="coarse", ranks=(1, 5))
        by = {"ranks": "band", "selection": "selected"}
        assert what_it_does(cut, values, by) == (
            "chooses from the items of the same request that stage coarse dropped (so), "
            "ranks 1 to 5; evenly"
        )

    def it_has_the_first_line_of_a_source_of_ones_own(self) -> None:
        from winnow.config.entries import OwnEntry

        class Settings(Frozen):
            shelf: str = "a"

        class Shelf:
            """Draws from one shelf.

            More that nobody needs to know here.
            """

        register_own("shelf_for_words", 30, Settings, Shelf)
        entry = OwnEntry(source="shelf_for_words", settings={"shelf": "b"})
        assert what_it_does(entry, {}, {}) == "Draws from one shelf, shelf: b"


def test_placeholders_of_options_are_settings_of_the_source() -> None:
    for name, words in source_words().items():
        for option, text in words.options.items():
            fields = {field for _, field, _, _ in Formatter().parse(text) if field}
            assert fields == {option}, name
