"""The page of the tables is what the schemas say."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class DescribeTheTablesPage:
    def it_is_up_to_date(self) -> None:
        page = runpy.run_path(str(ROOT / "docs" / "make_tables.py"))
        written = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
        assert written == page["render"](), "run python docs/make_tables.py"

    def it_has_a_section_for_every_schema(self) -> None:
        text = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
        for schema in (ROOT / "schemas").glob("*.yaml"):
            assert f"### {schema.stem}\n" in text
