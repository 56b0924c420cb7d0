"""Tags: a release that has one never expires."""

import re

from winnow.errors import ConfigError, Problem, ReleaseError
from winnow.operations.retention.status_changes import Decision, write_changes
from winnow.release.opening import not_there
from winnow.release.releases import read_releases
from winnow.storage.object_path import Place

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def tag_release(warehouse: Place, release_id: str, tag: str, *, remove: bool = False) -> bool:
    """Give a release a tag, or take it away; return whether that changed anything.

    Raises:
        ConfigError: The tag is no plain name.
        ReleaseError: There is no such release, it has expired, or it has no such tag to remove.
        ConflictError: Somebody else has tagged or expired releases meanwhile.
    """
    if _TAG.fullmatch(tag) is None:
        expected = "letters, digits, and . _ - between them, 64 at most"
        raise ConfigError(Problem("--tag", "this is no plain name", tag, expected))
    snapshot = read_releases(warehouse)
    listed = next((one for one in snapshot.listed if one.release_id == release_id), None)
    if listed is None:
        raise ReleaseError(not_there(warehouse, snapshot, release_id=release_id))
    tags = snapshot.statuses.tags.get(release_id, ())
    if remove and tag not in tags:
        raise ReleaseError(
            Problem(release_id, f"has no tag {tag}", found=", ".join(tags) or "no tag")
        )
    if not remove and tag in tags:
        return False
    decision = Decision(listed, "untagged" if remove else "kept", tag)
    write_changes(warehouse, [decision], snapshot.statuses)
    return True
