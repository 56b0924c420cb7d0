"""Which states of earlier dates were replaced since a date went on from them."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from winnow.building.earlier_states import record_of_state, replaced_states
from winnow.operations.dates.reasons import state_reasons
from winnow.release.confirmations import Confirmation
from winnow.release.release import ContentHash, Documents, Release, TablePin

STATE = "history_state"
MONDAY = date(2026, 1, 5)
TUESDAY = MONDAY + timedelta(1)


def release(name: str, day: date, content: str, told: object = None) -> Release:
    inputs = json.dumps({} if told is None else {STATE: told})
    pins = (TablePin(STATE, 7, ContentHash(3, content)),)
    made = datetime(2026, 1, 9, tzinfo=UTC)
    return Release(name, 1, day, "run", made, "c", "v", pins, lambda: Documents("{}", inputs, "{}"))


class Releases:
    """The newest release of each date, as a snapshot gives them."""

    def __init__(self, *releases: Release) -> None:
        self._of = {one.ds: one for one in releases}
        self.dates = sorted(self._of)

    def newest_if_whole(self, day: date) -> Release | None:
        return self._of.get(day)


BEFORE = release("monday", MONDAY, "100")
AFTER = release("tuesday", TUESDAY, "200", record_of_state(BEFORE, STATE))
CASES: Mapping[str, tuple[Release | None, bool]] = {
    "as it was": (BEFORE, False),
    "of a release with other rows": (release("other", MONDAY, "101"), True),
    "of another release with the same rows": (release("other", MONDAY, "100"), False),
    "without the rows of users who were forgotten": (release("monday", MONDAY, "60"), False),
    "of a date that has expired": (None, False),
}


@pytest.mark.parametrize("case", CASES)
class DescribeAStateThatADateWentOnFrom:
    def it_is_replaced_by_other_rows_of_another_release_alone(self, case: str) -> None:
        now, replaced = CASES[case]
        releases = Releases(*([] if now is None else [now]), AFTER)
        day = TUESDAY + timedelta(1)
        found = replaced_states(releases, day, STATE)  # type: ignore[arg-type]
        assert found == ([TUESDAY] if replaced else [])

    def it_makes_the_date_stale_where_it_is_replaced_and_else_not(self, case: str) -> None:
        now, replaced = CASES[case]
        confirmed = Confirmation("tuesday", "run", "v", AFTER.inputs_json)
        reasons = state_reasons(confirmed, lambda _: now, {})
        assert [one.kind for one in reasons] == (["state"] if replaced else [])
        for one in reasons:
            assert one.text == (
                f"its {STATE} goes on from monday of {MONDAY}, which was replaced by other"
            )
