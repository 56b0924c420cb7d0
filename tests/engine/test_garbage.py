"""The garbage collector while libraries are loaded: it rests, and forgets what came."""

import gc
from collections.abc import Iterator

import pytest
from winnow.engine.startup.garbage import nothing_collected


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the collector of the test run as it was."""
    assert gc.isenabled()
    gc.unfreeze()
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.enable()
    gc.unfreeze()


class DescribeNothingCollected:
    def it_rests_within_and_works_again_behind(self) -> None:
        with nothing_collected():
            assert not gc.isenabled()
        assert gc.isenabled()

    def it_never_looks_again_at_what_came_within(self) -> None:
        with nothing_collected():
            came = [[number] for number in range(1000)]
        looked_at = {id(found) for found in gc.get_objects()}
        assert len(came) == 1000
        assert not looked_at & {id(one) for one in came}

    def it_sets_aside_once_in_a_process(self) -> None:
        with nothing_collected():
            pass
        with nothing_collected():
            later = [[1]]
        assert id(later) in {id(found) for found in gc.get_objects()}

    def it_works_seldom_from_then_on(self) -> None:
        gc.set_threshold(700, 10, 10)
        with nothing_collected():
            pass
        assert gc.get_threshold() == (50_000, 10, 10)

    def it_works_again_behind_an_error(self) -> None:
        with pytest.raises(OSError, match="broken"), nothing_collected():
            raise OSError("broken")
        assert gc.isenabled()

    def it_does_not_wake_a_collector_that_the_caller_stopped(self) -> None:
        gc.disable()
        with nothing_collected():
            pass
        assert not gc.isenabled()
