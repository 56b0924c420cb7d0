"""The JSON Schema of the config: what it lets pass, what it refuses, and what it explains."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from winnow.cli.main import main
from winnow.config.json_schema import config_schema, meanings
from winnow.config.loading import load_config
from winnow.config.yaml_text import parse_yaml

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [*ROOT.glob("configs/**/*.yaml"), *ROOT.glob("examples/*/winnow.yaml")]

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def check() -> jsonschema.Draft202012Validator:
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def tree_of(path: Path) -> dict[str, Any]:
    document = parse_yaml(path.read_text(encoding="utf-8"), path.name)
    assert document.problems == []
    tree: dict[str, Any] = document.tree
    return tree


def properties(schema: Any) -> Iterator[tuple[str, Any]]:
    for part in (schema, *schema["$defs"].values()):
        yield from part.get("properties", {}).items()


class DescribeTheSchema:
    @pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.name}")
    def it_lets_every_config_pass_that_comes_with_winnow(
        self, path: Path, check: jsonschema.Draft202012Validator
    ) -> None:
        assert [error.message for error in check.iter_errors(tree_of(path))] == []

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("sed", 1),
            ("seed", "x"),
            ("negatives", {"easy": [{"source": "popularity", "share": 1.5}]}),
            ("negatives", {"ratio": 0.5}),
            ("logs", {"impressions": {"path": "i"}}),
            ("logs", {"impressions": {"path": "i"}, "clicks": {"path": "c", "format": "orc"}}),
            ("negatives", {"hard": [{"source": "most", "stage": "fine"}]}),
        ],
    )
    def it_refuses_what_loading_refuses(
        self, key: str, value: object, check: jsonschema.Draft202012Validator
    ) -> None:
        right = tree_of(ROOT / "examples" / "own_logs" / "winnow.yaml")
        assert list(check.iter_errors(right)) == []
        assert list(check.iter_errors(right | {key: value})) != []

    @pytest.mark.parametrize(
        "mapping", ["a", {"column": "a"}, {"column": "a", "type": "int"}, {"constant": 1}]
    )
    def it_lets_every_form_of_a_mapping_pass(
        self, mapping: object, check: jsonschema.Draft202012Validator
    ) -> None:
        log = {"path": "i", "columns": {"item_id": mapping}}
        assert list(check.iter_errors({"logs": {"impressions": log, "clicks": log}})) == []

    def it_explains_every_key_that_has_a_meaning(self) -> None:
        explained = {
            text["description"] for _, text in properties(config_schema()) if "description" in text
        }
        assert len(explained) >= len(set(meanings().values())) > 50
        assert not [text for text in explained if ".md)" in text], "no link leads anywhere there"

    def it_holds_the_defaults(self) -> None:
        assert dict(properties(config_schema()))["per_positive"]["default"] == 20


class DescribeTheCommand:
    def it_prints_the_schema_or_writes_it(self, tmp_path: Path, capsys: Captured) -> None:
        assert main(["schema"]) == 0
        assert json.loads(capsys.readouterr().out) == config_schema()
        path = tmp_path / "new" / "schema.json"
        assert main(["schema", "--out", str(path)]) == 0
        assert capsys.readouterr().out == f"{path} is written.\n"
        assert json.loads(path.read_text(encoding="utf-8")) == config_schema()

    def it_names_a_file_that_cannot_be_written(self, tmp_path: Path, capsys: Captured) -> None:
        (tmp_path / "file").touch()
        assert main(["schema", "--out", str(tmp_path / "file" / "x.json")]) == 2
        assert "the file cannot be written: " in capsys.readouterr().err


class DescribeAWrittenConfig:
    def it_names_the_schema_beside_it_in_its_first_line(self, tmp_path: Path) -> None:
        path = tmp_path / "own" / "shop.yaml"
        assert main(["init", str(path)]) == 0
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        kind, _, name = first.partition("$schema=")
        assert kind == "# yaml-language-server: "
        assert json.loads(path.with_name(name).read_text(encoding="utf-8")) == config_schema()
        load_config(path)
