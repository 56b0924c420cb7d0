"""The kernels do what the slow, obvious sampler does; also run without compilation."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sampler.cases import cases
from tests.sampler.kernel_runs import run_kernels
from tests.sampler.reference import Case, Group, Ranked, n_hard_of, sample

UNCOMPILED = os.environ.get("NUMBA_DISABLE_JIT") == "1"
slow_to_start = settings(
    deadline=None,
    max_examples=25 if UNCOMPILED else 150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=True,
)


def assert_same(made: list[Group], expected: list[Group]) -> None:
    assert len(made) == len(expected)
    for one, other in zip(made, expected, strict=True):
        assert [d[0] for d in one.easy] == [d[0] for d in other.easy]
        assert [d[2] for d in one.easy] == [d[2] for d in other.easy]
        assert [d[1] for d in one.easy] == pytest.approx([d[1] for d in other.easy], abs=1.1e-9)
        assert dataclasses.replace(one, easy=[]) == dataclasses.replace(other, easy=[])


def _owner(one: Ranked | Group) -> tuple[int, int]:
    return one.user, one.request


class DescribeKernels:
    @slow_to_start
    @given(case=cases(string_ids=False))
    def it_samples_what_the_reference_samples_for_integer_ids(self, case: Case) -> None:
        assert_same(run_kernels(case), sample(case))

    @slow_to_start
    @given(case=cases(string_ids=True))
    def it_samples_what_the_reference_samples_for_hashed_string_ids(self, case: Case) -> None:
        assert_same(run_kernels(case), sample(case))

    @slow_to_start
    @given(case=cases(string_ids=True), shuffled=st.randoms(use_true_random=False))
    def it_does_not_depend_on_the_order_of_the_events(self, case: Case, shuffled: Random) -> None:
        mixed_up = dataclasses.replace(
            case,
            forbidden=shuffled.sample(case.forbidden, len(case.forbidden)),
            pairs=shuffled.sample(case.pairs, len(case.pairs)),
            ranked=shuffled.sample(case.ranked, len(case.ranked)),
            recalled=tuple(shuffled.sample(case.recalled, len(case.recalled))),
            clicked=tuple(shuffled.sample(case.clicked, len(case.clicked))),
            rejected=tuple(shuffled.sample(case.rejected, len(case.rejected))),
            shown=tuple(shuffled.sample(case.shown, len(case.shown))),
        )
        assert run_kernels(mixed_up) == run_kernels(case)

    @slow_to_start
    @given(case=cases(string_ids=False))
    def it_does_not_depend_on_which_users_share_a_partition(self, case: Case) -> None:
        alone = []
        for user in sorted({p.user for p in case.pairs}):
            alone += run_kernels(
                dataclasses.replace(
                    case,
                    forbidden=[f for f in case.forbidden if f[0] == user],
                    pairs=[p for p in case.pairs if p.user == user],
                    ranked=[r for r in case.ranked if r.user == user],
                    recalled=tuple(r for r in case.recalled if r[0] == user),
                    clicked=tuple(c for c in case.clicked if c[0] == user),
                    rejected=tuple(r for r in case.rejected if r.user == user),
                    shown=tuple(s for s in case.shown if s.user == user),
                )
            )
        assert alone == run_kernels(case)

    @slow_to_start
    @given(case=cases(string_ids=False))
    def it_never_gives_a_forbidden_item_and_always_adds_up(self, case: Case) -> None:
        for group in run_kernels(case):
            clicked = {item for user, item in case.clicked if user == group.user}
            shown = {item for user, item in case.forbidden if user == group.user}
            assert not (shown | clicked) & {row[0] for row in group.easy}
            of_stages = {row.key for row in group.hard if row.stage < len(case.takes)}
            assert not (shown | clicked) & of_stages
            rejected = {row.key for row in group.hard if row.stage == len(case.takes)}
            assert not clicked & rejected
            assert group.item not in rejected
            of_others = [row for row in group.hard if row.request is not None]
            own = {r.item for r in case.ranked if _owner(r) == _owner(group)}
            assert not own & {row.key for row in of_others}
            assert len({row.key for row in of_others}) == len(of_others)
            assert group.request not in {row.request for row in of_others}
            of_log = [(r.user, r.request, r.item) for r in case.ranked] + list(case.recalled)
            recalled = {i for u, r, i in of_log if (u, r) == (group.user, group.request)}
            if case.distinct:
                assert len({row[0] for row in group.easy}) == len(group.easy)
            if case.not_recalled:
                assert not recalled & {row[0] for row in group.easy}
                assert recalled or len(group.easy) == group.n_fill
            given_ = len(group.easy) + len(group.hard)
            assert given_ + group.shortfall == case.n_easy + n_hard_of(case)


@pytest.mark.skipif(UNCOMPILED, reason="this is the uncompiled run")
class DescribeKernelsWithoutCompilation:
    def it_samples_what_the_reference_samples(self) -> None:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-W", "ignore", __file__],
            env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout[-3000:]
        assert "5 passed, 1 skipped" in run.stdout
