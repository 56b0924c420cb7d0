"""The running estimate of how likely items are in batches: read from the release of the day before.

The state of a date is that of the date before and its own batches. Which release it went on from is
told in ``inputs_json``, so it is known when that was replaced later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from winnow.building.earlier_states import record_of_state
from winnow.building.request import BuildRequest
from winnow.building.state_meaning import config_of, meaning_of_batches, other_settings
from winnow.config.in_batch import InBatch
from winnow.config.tree import Config
from winnow.errors import InputError, Problem
from winnow.frequency.estimator import StreamingFrequency
from winnow.frequency.state import STATE, resumed
from winnow.release.reader import ReleaseReader
from winnow.release.release import Release
from winnow.release.releases import ReleasesSnapshot

STATE_TABLE = "frequency_state"


@dataclass(frozen=True)
class FrequencyBefore:
    """What a build goes on from.

    Attributes:
        estimate: After the date before, or begun anew.
        record: What the release tells of it: ``ds``, ``release_id``, ``version``, ``rows``,
            ``content`` and ``steps`` of the state that was read, or ``anew``, why there was none.
    """

    estimate: StreamingFrequency
    record: Mapping[str, Any]


def frequency_before(request: BuildRequest, releases: ReleasesSnapshot) -> FrequencyBefore | None:
    """Read the state of the date before by the pin of its newest release; None where not asked for.

    Raises:
        InputError: There is none though an earlier date is released, and that is a failure.
        ReleaseError: It is there, and cannot be read.
    """
    asked = request.config.in_batch
    if asked is None or asked.streaming is None:
        return None
    day = request.day - timedelta(1)
    release = releases.newest(day)
    why = _why_not(release, request.config, day)
    if release is not None and why is None:
        return _read(request, release, asked)
    if asked.streaming.on_missing_state == "fail" and any(d <= day for d in releases.dates):
        raise InputError(
            Problem(
                "in_batch.streaming.on_missing_state",
                "the estimate of frequencies cannot go on from the date before",
                found=why,
                next_step=f"Build {day} first, or set on_missing_state: start_anew.",
            )
        )
    return FrequencyBefore(StreamingFrequency(asked.frequency), {"anew": why})


def _why_not(release: Release | None, config: Config, day: date) -> str | None:
    if release is None:
        return f"{day} is not released"
    if release.pin(STATE_TABLE) is None:
        return f"the release of {day} has no {STATE_TABLE}"
    made = config_of(release)
    if made is None:
        return f"the release of {day} was made with settings that this version cannot read"
    others = other_settings(_shape(made), _shape(config))
    others += other_settings(meaning_of_batches(made), meaning_of_batches(config))
    return f"the release of {day} was made with {', '.join(others)}" if others else None


def _shape(config: Config) -> dict[str, int | bool]:
    """Return what two dates must have in common that the one's buckets mean something."""
    assert config.in_batch is not None  # there is a state
    frequency = config.in_batch.frequency
    shape = {name: getattr(frequency, name) for name in ("batch_size", "arrays", "buckets")}
    return shape | {"conflict_free": config.in_batch.conflict_free}


def _read(request: BuildRequest, release: Release, asked: InBatch) -> FrequencyBefore:
    rows = ReleaseReader(request.warehouse, [release]).arrow(STATE_TABLE)
    estimate = resumed(rows.to_table(columns=STATE.names), asked.frequency)
    record = record_of_state(release, STATE_TABLE) | {"steps": estimate.step}
    return FrequencyBefore(estimate, record)


def goes_on_from(releases: ReleasesSnapshot, config: Config, day: date) -> Release | None:
    """Return the release whose state a build of a date would go on from now; None where none."""
    asked = config.in_batch
    if asked is None or asked.streaming is None:
        return None
    before = day - timedelta(1)
    release = releases.newest_if_whole(before)
    return release if _why_not(release, config, before) is None else None


def started_anew(releases: ReleasesSnapshot, config: Config, day: date) -> bool:
    """Return whether an estimate begins anew though earlier dates are released."""
    asked = config.in_batch
    if asked is None or asked.streaming is None:
        return False
    before = day - timedelta(1)
    is_first = not any(one <= before for one in releases.dates)
    return not is_first and _why_not(releases.newest_if_whole(before), config, before) is not None
