"""Objects that are deleted, and leave nothing in their place but what their bucket keeps.

Arrow writes an empty object for the folder of one that it has deleted, which nothing deletes, and
does not tell of versions.
"""

from typing import TYPE_CHECKING

from winnow.errors import MissingExtraError, StoreError
from winnow.extras import missing
from winnow.storage.file_systems import unreachable

if TYPE_CHECKING:
    from obstore.store import ObjectStore


def object_store_of(address: str) -> "ObjectStore":
    """Return the store at a prefix, by what the environment tells of it.

    Raises:
        MissingExtraError: The extra ``s3`` is not installed.
        StoreError: What the environment tells is no store.
    """
    try:
        import obstore
        from obstore.exceptions import BaseError
    except ImportError as error:
        raise MissingExtraError(missing("obstore")) from error
    try:
        return obstore.store.from_url(address)
    except BaseError as error:
        raise StoreError(unreachable("object store", address, error)) from error


def version_of(address: str) -> str | None:
    """Return the version of an object; None where its bucket keeps no former ones.

    Raises:
        FileNotFoundError: There is no such object.
        MissingExtraError, StoreError: As ``delete_object``.
    """
    folder, _, name = address.rpartition("/")
    store = object_store_of(folder)
    import obstore
    from obstore.exceptions import BaseError

    try:
        return obstore.head(store, name)["version"]
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        raise StoreError(unreachable("object store", address, error)) from error


def delete_object(address: str) -> None:
    """Delete an object; that there is none is no error.

    Raises:
        MissingExtraError: The extra ``s3`` is not installed.
        StoreError: The store does not answer, or refuses.
    """
    folder, _, name = address.rpartition("/")
    store = object_store_of(folder)
    import obstore
    from obstore.exceptions import BaseError, NotFoundError

    try:
        obstore.delete(store, name)
    except (FileNotFoundError, NotFoundError):
        return
    except (BaseError, OSError) as error:
        raise StoreError(unreachable("object store", address, error)) from error
