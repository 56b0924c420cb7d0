"""The mark that says that all kernels are compiled."""

from pathlib import Path

import pytest
from winnow.arrays.compiled import CACHE_FOLDER
from winnow.engine.startup.warm_up import _mark


@pytest.mark.one_engine
class DescribeTheMark:
    def it_is_of_one_place_of_the_package(self) -> None:
        """Two checkouts of the same code share the folder, and no compiled code."""
        if CACHE_FOLDER is None:
            pytest.skip("compiled code cannot be kept here")
        here, there = _mark(Path("/here/winnow")), _mark(Path("/there/winnow"))
        assert here is not None and there is not None
        assert here.parent == there.parent == CACHE_FOLDER
        assert here != there
        assert here == _mark(Path("/here/winnow"))
