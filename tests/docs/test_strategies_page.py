"""The section of all sources is what ``winnow explain`` says of them."""

import runpy
from pathlib import Path

from winnow.config.sources import BUILT_IN

ROOT = Path(__file__).resolve().parents[2]


class DescribeTheSectionOfSources:
    def it_is_up_to_date(self) -> None:
        made = runpy.run_path(str(ROOT / "docs" / "make_strategies.py"))
        page = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
        assert page == made["with_section"](page), "run python -m docs.make_strategies"
        section = page[page.index(made["BEGIN"]) : page.index(made["END"])]
        assert [name for name in BUILT_IN if f"**`{name}`**" not in section] == []
        assert "{" not in section.replace("on_shortfall", "")
