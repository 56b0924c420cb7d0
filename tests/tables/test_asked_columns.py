"""Columns that a table has only where the config asks for what they tell."""

from winnow.config.tree import Ids
from winnow.contracts.tables import ColumnContract, TableContract


def contract() -> TableContract:
    def column(name: str, when: str | None) -> ColumnContract:
        return ColumnContract(name=name, type="int", nullable=False, meaning="a number", when=when)

    return TableContract(
        table="positives",
        kind="published",
        grain="one",
        key=("always",),
        columns=(column("always", None), column("sometimes", "repeats"), column("last", None)),
    )


class DescribeAColumnThatIsThereForSomething:
    def it_is_left_out_where_nobody_asks_for_that(self) -> None:
        assert contract().resolved(Ids()).names == ("always", "last")

    def it_keeps_its_place_where_the_config_asks_for_it(self) -> None:
        asked = contract().resolved(Ids(), None, {"repeats": ()})

        assert asked.names == ("always", "sometimes", "last")


class DescribeAColumnOfTheKey:
    def it_belongs_to_it_where_it_is_there_only(self) -> None:
        number = ColumnContract(
            name="number", type="int", nullable=False, meaning="n", when="repeats", in_key=True
        )
        table = contract().model_copy(update={"columns": (*contract().columns, number)})

        assert table.resolved(Ids()).key == ("always",)
        assert table.resolved(Ids(), None, {"repeats": ()}).key == ("always", "number")


class DescribeAColumnForEachName:
    def it_stands_in_the_place_of_all_of_them(self) -> None:
        scores = ColumnContract(
            name="score_{stage}",
            type="double",
            nullable=True,
            meaning="score of {stage}",
            when="scores",
        )
        table = contract().model_copy(update={"columns": (*contract().columns, scores)})

        asked = table.resolved(Ids(), None, {"scores": ("coarse", "fine")})

        assert asked.names == ("always", "last", "score_coarse", "score_fine")
        assert [column.meaning for column in asked.columns[2:]] == [
            "score of coarse",
            "score of fine",
        ]
