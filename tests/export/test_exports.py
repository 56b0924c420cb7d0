"""Each format holds what the releases hold, by its own grammar, and is whole or not there."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from winnow.cli.exit_codes import exit_code_of
from winnow.errors import ConfigError, ReleaseError
from winnow.export.export import FORMATS, export
from winnow.release.reader import ReleaseReader

from tests.export.handmade import ONE, SHOWN, TWO, releases_of, sample, stats

INTER = [
    "user_id:token", "item_id:token", "label:float", "timestamp:float", "sample_weight:float",
    "undo_weight:float",
]  # fmt: skip


def name(number: int, text: bool) -> Any:
    return f"i{number}" if text else number


def reader(folder: Path, text: bool = False, ranking: bool = True) -> ReleaseReader:
    """Item 30 is a hard negative of user 1 that date two shows, 20 one that it has clicked."""

    def of(user: int, item: int, negatives: list[tuple[int, int]], split: str) -> dict[str, Any]:
        return sample(user, name(item, text), [(name(i, text), h) for i, h in negatives], split)

    of_one, of_two = [(10, 3, 5), (20, 0, 9), (40, 0, 1)], [(20, 1, 0), (50, 1, 0), (40, 0, 1)]
    tables = {
        "training_samples": {
            ONE: [
                of(1, 10, [(40, 0), (20, 1), (30, 2), (50, 1)], "train"),
                of(2, 10, [], "train"),
                of(1, 10, [(60, 2), (50, 2)], "train"),
            ],
            TWO: [of(1, 20, [(40, 0)], "valid"), of(3, 50, [(10, 0), (60, 0)], "train")],
        },
        "item_stats": {
            ONE: [stats(name(i, text), p, c, 7) for i, p, c in of_one],
            TWO: [stats(name(i, text), p, c, 8) for i, p, c in of_two],
        },
    }
    if ranking:
        shown = [{"user_id": 1, "item_id": name(i, text)} for i in (30, 20)]
        tables["ranking_samples"] = {ONE: [], TWO: shown}
    return releases_of(folder, tables, pa.string() if text else pa.int64())


def fields(path: Path) -> list[list[str]]:
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [line.split("\t") for line in text.splitlines()]


@pytest.mark.parametrize("text", [False, True])
class DescribeRecBole:
    def it_has_a_line_for_each_positive_and_each_negative(self, tmp_path: Path, text: bool) -> None:
        rows = export(reader(tmp_path, text), "recbole", tmp_path / "out", name="shop")
        place = tmp_path / "out" / "shop"
        head, *lines = fields(place / "shop.train.inter")
        assert head == INTER
        expected = []
        for user, label_and_items in (
            (1, [(1, 10), (0, 40), (0, 20), (0, 30), (0, 50)]), (2, [(1, 10)]),
            (1, [(1, 10), (0, 60), (0, 50)]), (3, [(1, 50), (0, 10), (0, 60)]),
        ):  # fmt: skip
            expected += [[str(user), str(name(i, text)), str(n)] for n, i in label_and_items]
        assert [line[:3] for line in lines] == expected
        assert {float(line[3]) for line in lines} == {SHOWN.timestamp()}
        assert {(float(line[4]), float(line[5])) for line in lines} == {(1.0, 2.5)}
        assert len(fields(place / "shop.valid.inter")) == 3
        assert not (place / "shop.test.inter").exists()
        users, items = fields(place / "shop.user"), fields(place / "shop.item")
        assert [users[0], items[0]] == [["user_id:token"], ["item_id:token"]]
        assert sorted(line[0] for line in users[1:]) == ["1", "2", "3"]
        assert sorted(line[0] for line in items[1:]) == [
            str(name(i, text)) for i in (10, 20, 30, 40, 50, 60)
        ]
        assert rows["shop/shop.train.inter"] == 12
        assert rows["shop/shop.item"] == 6


class DescribeIdsInTextFiles:
    @pytest.mark.parametrize("item", ["a\tb", "a\nb", 'a"b', "NA", "null", ""])
    def it_refuses_those_that_would_be_read_as_others(self, tmp_path: Path, item: str) -> None:
        tables = {
            "training_samples": {ONE: [sample(1, item, [])]},
            "item_stats": {ONE: [stats(item, 1)]},
        }
        release = releases_of(tmp_path, tables, pa.string())
        with pytest.raises(ReleaseError, match="cannot stand in a tab-separated file"):
            export(release, "recbole", tmp_path / "out")
        assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("text", [False, True])
class DescribeNumberedItems:
    def it_has_the_most_frequent_first_and_a_row_for_each_number(
        self, tmp_path: Path, text: bool
    ) -> None:
        export(reader(tmp_path, text), "tfrs", tmp_path / "out")
        items = pq.read_table(tmp_path / "out" / "items.parquet").to_pydict()
        assert items["item_idx"] == [*range(7)]
        assert items["item_id"] == [None] * 3 + [name(i, text) for i in (10, 20, 50, 40)]
        assert items["positives"] == [0, 0, 0, 3, 1, 1, 0]
        np.testing.assert_allclose(items["in_batch_q"], [0, 0, 0, 0.6, 0.2, 0.2, 0])
        expected = [1 / 30] * 3 + [1, 1 / 3, 1 / 3, 1 / 30]
        np.testing.assert_allclose(items["in_batch_prob_tfrs"], expected, rtol=1e-6)

    def it_numbers_samples_and_pads_them_alike(self, tmp_path: Path, text: bool) -> None:
        export(reader(tmp_path, text), "tfrs", tmp_path / "out")
        rows = pq.read_table(tmp_path / "out" / "train" / "samples.parquet").to_pylist()
        assert [row["item_idx"] for row in rows] == [3, 3, 3, 5]
        # 30 and 60 are of no catalogue.
        assert [row["neg_item_idx"] for row in rows] == [
            [6, 4, 2, 5], [0, 0, 0, 0], [2, 5, 0, 0], [3, 2, 0, 0],
        ]  # fmt: skip
        assert [sum(row["neg_mask"]) for row in rows] == [4, 0, 2, 2]
        assert [int(np.isnan(row["neg_log_q"]).sum()) for row in rows] == [3, 4, 4, 2]
        chances = [row["in_batch_prob_tfrs"] for row in rows]
        np.testing.assert_allclose(chances, [1, 1, 1, 1 / 3], rtol=1e-6)
        assert pq.read_table(tmp_path / "out" / "valid" / "samples.parquet").num_rows == 1


@pytest.mark.parametrize("text", [False, True])
class DescribeTorchEasyRec:
    def it_has_no_hard_edge_that_any_date_shows(self, tmp_path: Path, text: bool) -> None:
        export(reader(tmp_path, text), "torcheasyrec", tmp_path / "out")
        kind = "string" if text else "int64"
        head, *edges = fields(tmp_path / "out" / "hard_edge.txt")
        assert head == ["userid:int64", f"itemid:{kind}", "weight:float"]
        assert edges == [["1", str(name(i, text)), "1"] for i in (50, 60)]

    def it_takes_those_first_that_were_cut_latest(self, tmp_path: Path, text: bool) -> None:
        release = reader(tmp_path, text)
        export(release, "torcheasyrec", tmp_path / "out", hard_per_user=1)
        edges = fields(tmp_path / "out" / "hard_edge.txt")[1:]
        assert [line[1] for line in edges] == [str(name(50, text))]

    def it_has_nodes_and_positive_edges(self, tmp_path: Path, text: bool) -> None:
        rows = export(reader(tmp_path, text), "torcheasyrec", tmp_path / "out")
        _, *edges = fields(tmp_path / "out" / "positive_edge.txt")
        pairs = [(1, 10, "2"), (2, 10, "1"), (3, 50, "1")]
        assert sorted(edges) == [[str(u), str(name(i, text)), n] for u, i, n in pairs]
        assert sorted(line[0] for line in fields(tmp_path / "out" / "user.txt")[1:]) == [*"123"]
        nodes = {line[0]: line[1:] for line in fields(tmp_path / "out" / "item.txt")[1:]}
        weights = {10: "7", 20: "8", 40: "8", 50: "8"}
        assert nodes == {str(name(i, text)): [w, str(name(i, text))] for i, w in weights.items()}
        assert rows["train/samples.parquet"] == 4

    def it_asks_for_what_later_dates_have_shown(self, tmp_path: Path, text: bool) -> None:
        release = reader(tmp_path, text, ranking=False)
        with pytest.raises(ReleaseError, match="may have been shown on a later one"):
            export(release, "torcheasyrec", tmp_path / "out")


class DescribePlainFiles:
    def it_has_the_rows_of_each_date(self, tmp_path: Path) -> None:
        release = reader(tmp_path)
        for kind in ("parquet", "jsonl", "csv"):
            rows = export(release, kind, tmp_path / kind, split="train")
            assert rows == {
                f"ds={ONE}/training_samples.{kind}": 3, f"ds={TWO}/training_samples.{kind}": 1,
            }  # fmt: skip
        table = release.table_files("training_samples").dataset().to_table()
        expected = [row for row in table.to_pylist() if row["split"] == "train"]
        files = [tmp_path / "parquet" / f"ds={d}" / "training_samples.parquet" for d in (ONE, TWO)]
        read = [pq.ParquetFile(file).read() for file in files]
        assert [row for of_date in read for row in of_date.to_pylist()] == expected
        plain = []
        for row in expected:
            shown = {"impression_ts": "2026-01-01T09:30:00.250000Z", "ds": row["ds"].isoformat()}
            plain.append(row | shown)
        lines = (tmp_path / "jsonl").rglob("*.jsonl")
        found = [json.loads(line) for file in sorted(lines) for line in file.open(encoding="utf-8")]
        assert found == plain
        of_csv = []
        for file in sorted((tmp_path / "csv").rglob("*.csv")):
            with file.open(encoding="utf-8", newline="") as text:
                of_csv += [*csv.DictReader(text)]
        for column in ("neg_log_q", "neg_item_ids", "item_id", "undo_weight"):
            assert [json.loads(r[column]) for r in of_csv] == [r[column] for r in expected]

    def it_has_a_file_for_a_date_without_rows(self, tmp_path: Path) -> None:
        release = reader(tmp_path)
        files = release.table_files("item_stats")
        of_one = replace(files, files=tuple(file for file in files.files if file[1] == ONE))
        release.table_files = lambda table: of_one  # type: ignore[method-assign]
        for kind, text in (("csv", '"item_id","ds"\n'), ("jsonl", "")):
            rows = export(
                release, kind, tmp_path / kind, table="item_stats", columns=["item_id", "ds"]
            )
            assert rows[f"ds={TWO}/item_stats.{kind}"] == 0
            file = tmp_path / kind / f"ds={TWO}" / f"item_stats.{kind}"
            assert file.read_text(encoding="utf-8") == text

    def it_writes_texts_that_json_has_signs_for(self, tmp_path: Path) -> None:
        ids = ['a"b', "c\\d", "e\nf", "ä", "\u2028"]
        tables = {"training_samples": {ONE: [sample(1, i, [(j, 0) for j in ids]) for i in ids]}}
        export(releases_of(tmp_path, tables, pa.string()), "jsonl", tmp_path / "out")
        (file,) = (tmp_path / "out").rglob("*.jsonl")
        found = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n")[:-1]]
        assert [row["item_id"] for row in found] == ids
        assert [row["neg_item_ids"] for row in found] == [ids] * 5

    def it_has_the_columns_that_are_asked_for(self, tmp_path: Path) -> None:
        export(reader(tmp_path), "csv", tmp_path / "out", table="item_stats", columns=["item_id"])
        file = tmp_path / "out" / f"ds={TWO}" / "item_stats.csv"
        assert file.read_text(encoding="utf-8").split() == ['"item_id"', "20", "50", "40"]


class DescribeTheFolder:
    @pytest.mark.parametrize("kind", [*FORMATS])
    def it_says_what_it_was_made_of(self, tmp_path: Path, kind: str) -> None:
        out = tmp_path / "deep" / "out"
        rows = export(reader(tmp_path), kind, out)
        said = json.loads((out / "winnow_export.json").read_text(encoding="utf-8"))
        assert (said["format"], said["rows"]) == (kind, rows)
        assert [one["ds"] for one in said["releases"]] == ["2026-01-01", "2026-01-02"]
        assert said["releases"][1]["versions"]["item_stats"] == 1
        assert {*rows} <= {str(path.relative_to(out)) for path in out.rglob("*")}
        assert [path.name for path in out.parent.iterdir()] == ["out"]

    def it_is_not_there_where_an_export_fails(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        release = reader(tmp_path)

        def full(*_: object) -> bytes:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("winnow.export.recbole.lines", full)
        (tmp_path / "deep").mkdir()
        with pytest.raises(OSError, match="No space left") as raised:
            export(release, "recbole", tmp_path / "deep" / "out")
        assert exit_code_of(raised.value) == 1
        assert [*(tmp_path / "deep").iterdir()] == []

    def it_is_not_there_where_a_file_of_the_release_is_gone(self, tmp_path: Path) -> None:
        release = reader(tmp_path)
        (tmp_path / f"training_samples-{TWO}.parquet").unlink()
        with pytest.raises(ReleaseError, match=f"a file of the release is gone.*-{TWO}.parquet"):
            export(release, "jsonl", tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def it_leaves_what_somebody_else_made_meanwhile(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "out"

        def meanwhile(*_: object) -> bytes:
            out.mkdir(exist_ok=True)
            (out / "theirs").touch()
            return b""

        monkeypatch.setattr("winnow.export.recbole.lines", meanwhile)
        with pytest.raises(ConfigError, match="is there already"):
            export(reader(tmp_path), "recbole", out)
        assert [path.name for path in out.iterdir()] == ["theirs"]
        assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["out"]

    def it_leaves_what_is_there(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        with pytest.raises(ConfigError, match="is there already"):
            export(reader(tmp_path), "csv", tmp_path / "out")

    @pytest.mark.parametrize(
        ("kind", "options", "what"),
        [
            ("xml", {}, "this format is not known"),
            ("recbole", {"table": "positives"}, "recbole has tables"),
            ("recbole", {"name": "a/b"}, "is no name of files"),
            ("csv", {"split": "all"}, "is not known"),
            ("csv", {"split": "gap"}, "neither for training nor for judging.*Leave --split out"),
            ("csv", {"columns": ["colour"]}, "colour: is no column of training_samples"),
        ],
    )
    def it_is_not_made_of_wrong_arguments(
        self, tmp_path: Path, kind: str, options: dict[str, Any], what: str
    ) -> None:
        with pytest.raises(ConfigError, match=what):
            export(reader(tmp_path), kind, tmp_path / "out", **options)
        assert not (tmp_path / "out").exists()
