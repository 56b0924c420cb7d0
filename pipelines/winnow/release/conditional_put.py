"""Objects that are written only where none of their name is: what commits in a store rest on.

Arrow cannot ask for that. delta-rs does, without telling whether the store has listened: it looks
for the newest commit first, so that two commits must meet within milliseconds to show it.
"""

from typing import TYPE_CHECKING
from uuid import uuid4

from winnow.errors import ConfigError, MissingExtraError, Problem
from winnow.extras import missing
from winnow.storage.file_systems import unreachable
from winnow.storage.object_path import ObjectPath, Place

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PROBES = "_probes"
"""Where it is tried what a store does; nothing stays there."""


def put_if_absent(path: ObjectPath, content: bytes) -> bool:
    """Write an object unless one of its name is there; return whether it was written.

    Raises:
        MissingExtraError: The extra ``s3`` is not installed.
        ConfigError: The store does not answer, or refuses.
    """
    try:
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError
    except ImportError as error:
        raise MissingExtraError(missing("obstore")) from error
    try:
        obstore.put(_store_of(path.parent), path.name, content, mode="create")
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
    left = _remove(probe)
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


def _store_of(folder: ObjectPath) -> "ObjectStore":
    from obstore.store import from_url

    return from_url(str(folder))


def _remove(probe: ObjectPath) -> Problem | None:
    """Delete the object; return why it could not be, or None."""
    import obstore
    from obstore.exceptions import BaseError

    try:
        obstore.delete(_store_of(probe.parent), probe.name)
    except (BaseError, OSError) as error:
        return unreachable("warehouse", str(probe), error)
    return None
