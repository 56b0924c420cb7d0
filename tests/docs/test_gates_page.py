"""The page of the gates is what the rules say."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class DescribeTheGatesPage:
    def it_is_up_to_date(self) -> None:
        page = runpy.run_path(str(ROOT / "docs" / "make_gates.py"))
        written = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
        assert written == page["render"](), "run python docs/make_gates.py"
        assert written.count("absolute |") > 20
