"""The pages that the tests look at, each made once."""

from collections.abc import Callable
from functools import cache

from winnow.report.compare import render_comparison
from winnow.report.page import render

from tests.report import sample_audit, sample_pages
from tests.report.sample_gates import SHORTFALL_WARNS

_PAGES: dict[str, Callable[[], str]] = {
    "released": lambda: render(sample_pages.page()),
    "warned": lambda: render(sample_pages.page(sample_audit.record(SHORTFALL_WARNS))),
    "failed": lambda: render(sample_pages.failed_page()),
    "empty": lambda: render(sample_pages.empty_page()),
    "comparison": lambda: render_comparison(sample_pages.page(), sample_pages.later_page()),
}
NAMES = sorted(_PAGES)


@cache
def html_of(name: str) -> str:
    """Return one of the pages: released, warned, failed, empty, or a comparison of two."""
    return _PAGES[name]()
