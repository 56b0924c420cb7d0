"""What a later build knew of a release that it found unchanged: its logs, and the code it ran.

A build that finds its content released already publishes nothing, so the release goes on telling of
the files and the code that it was made from itself. Where these have changed since, and the rows
have not, a small file beside the tables says so: else the date would seem stale for ever.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass

from winnow.release.paths import confirmation_path
from winnow.release.release import Release, RunRecord
from winnow.storage.object_path import ObjectPath, Place


@dataclass(frozen=True)
class Confirmation:
    """What a release was last made or found unchanged with.

    Attributes:
        release_id: The release.
        run_id: The run that made it, or found it unchanged.
        code_version, inputs_json: As in ``Release``, of that run.
    """

    release_id: str
    run_id: str
    code_version: str
    inputs_json: str


def confirm(warehouse: Place, release: Release, run: RunRecord) -> None:
    """Keep what a run knew that found a release unchanged, where that differs from what it tells.

    Args:
        warehouse: The folder of all tables.
        release: The newest release of the run's date.
        run: The run; its config and content are those of the release.
    """
    if (release.code_version, release.inputs_json) == (run.code_version, run.inputs_json):
        return
    found = Confirmation(release.release_id, run.run_id, run.code_version, run.inputs_json)
    path = confirmation_path(warehouse, release.ds)
    text = json.dumps(asdict(found), sort_keys=True)
    # Where it cannot be kept, as on a full disk, the date is built once more some day.
    with suppress(OSError):
        if isinstance(path, ObjectPath):
            path.write_text(text)
            return
        # Under a name of its own first: who reads meanwhile reads the one before, or this one.
        written = path.with_name(f".{path.name}.{run.run_id}")
        path.parent.mkdir(exist_ok=True)
        written.write_text(text, encoding="utf-8")
        written.replace(path)


def last_confirmed(warehouse: Place, release: Release) -> Confirmation:
    """Return what a release was last found unchanged with; what it tells itself where never.

    A file that cannot be read, or is of another release, counts for nothing: the worst that comes
    of it is one more build.

    Raises:
        ReleaseError: The texts of the release cannot be read.
    """
    own = Confirmation(
        release.release_id, release.run_id, release.code_version, release.inputs_json
    )
    try:
        text = confirmation_path(warehouse, release.ds).read_text(encoding="utf-8")
        found = Confirmation(**json.loads(text))
        fits = found.release_id == release.release_id and isinstance(
            json.loads(found.inputs_json), dict
        )
    except (OSError, ValueError, TypeError):
        return own
    return found if fits else own
