"""The page of the gates is what the rules say."""

import runpy
from pathlib import Path

from winnow.config import gate_names

ROOT = Path(__file__).resolve().parents[2]


class DescribeTheGatesPage:
    def it_is_up_to_date(self) -> None:
        page = runpy.run_path(str(ROOT / "docs" / "make_gates.py"))
        written = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
        assert written == page["render"](), "run python -m docs.make_gates"
        assert written.count("absolute |") > 20


class DescribeTheNamesThatAConfigMayUse:
    def it_has_those_of_all_gates(self) -> None:
        made = runpy.run_path(str(ROOT / "docs" / "make_gates.py"))["render_names"]()
        written = Path(gate_names.__file__).read_text(encoding="utf-8")
        assert written == made, "run python -m docs.make_gates"
        assert not set(gate_names.SETTABLE) & set(gate_names.ABSOLUTE)
