"""Objects that are written only where none of their name is: what commits in a store rest on.

Arrow cannot ask for that. delta-rs does, without telling whether the store has listened: it looks
for the newest commit first, so that two commits must meet within milliseconds to show it.
"""

from uuid import uuid4

from winnow.errors import ConfigError, Problem, StoreError
from winnow.storage.deletion import object_store_of, version_of
from winnow.storage.file_systems import unreachable
from winnow.storage.object_path import ObjectPath, Place

PROBES = "_probes"
"""Where it is tried what a store does; nothing stays there."""


def put_if_absent(path: ObjectPath, content: bytes) -> bool:
    """Write an object unless one of its name is there; return whether it was written.

    Raises:
        MissingExtraError: The extra ``s3`` is not installed.
        ConfigError: The store does not answer, or refuses.
    """
    store = object_store_of(str(path.parent))
    import obstore
    from obstore.exceptions import AlreadyExistsError, BaseError

    try:
        obstore.put(store, path.name, content, mode="create")
    except AlreadyExistsError:
        return False
    except NotImplementedError as error:
        step = "Unset AWS_CONDITIONAL_PUT, or set it to etag: two builds could lose each other's "
        step += "release without it."
        what = f"objects of {path.parent} cannot be written only where there is none"
        raise ConfigError(Problem("warehouse", what, str(error), next_step=step)) from error
    except (BaseError, OSError) as error:
        raise ConfigError(unreachable("warehouse", str(path), error)) from error
    return True


def keeps_versions(warehouse: Place) -> bool:
    """Return whether what is deleted in a warehouse stays, as a former version of an object.

    Raises:
        MissingExtraError: The extra ``s3`` is not installed.
        StoreError: The store does not answer, or refuses.
    """
    if not isinstance(warehouse, ObjectPath):
        return False
    probe = warehouse.joinpath(PROBES, uuid4().hex)
    # One that is written now: of an object from before its bucket kept versions none is told.
    probe.write_bytes(b"versions")
    try:
        return version_of(str(probe)) is not None
    finally:
        probe.unlink(missing_ok=True)


def require_conditional_put(warehouse: Place) -> None:
    """Check that a warehouse can be written, by several at once: of a folder that is known.

    Raises:
        MissingExtraError: The extra ``s3`` is not installed.
        ConfigError: The store cannot be written, or writes over an object though it was told not
            to: then two builds could overwrite each other's commit. Or it deletes nothing; else
            nothing stays behind.
    """
    if not isinstance(warehouse, ObjectPath):
        return
    probe = warehouse.joinpath(PROBES, uuid4().hex)
    put_if_absent(probe, b"first")
    honoured = not put_if_absent(probe, b"second")
    left: Problem | None = None
    try:
        probe.unlink(missing_ok=True)
    except StoreError as error:
        left = error.problems[0]
    if not honoured:
        raise ConfigError(
            Problem(
                "warehouse",
                f"the store of {warehouse} does not honour If-None-Match: it writes over objects",
                next_step="Two builds could lose each other's release there. Take a store that "
                "honours it, as Amazon S3 says to do, or build in a folder and copy that.",
            )
        )
    if left is not None:
        step = f"Allow it to delete there, as winnow vacuum must too. {probe} stays until somebody "
        step += "deletes it."
        what = f"{warehouse} can be written, but nothing can be deleted there"
        raise ConfigError(Problem("warehouse", what, left.found, next_step=step))
