"""Cases that ask an engine what a case beside them asks: for the engine sail alone."""

from typing import Any

import pytest


def near_equal(*cases: Any) -> list[Any]:
    """Return cases of a parametrised test that are not run on the engine spark.

    The tuple of a case holds a value per parameter, as in ``pytest.mark.parametrize``.
    """
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.one_engine)
        for case in cases
    ]
