"""Addresses in an object store, ``s3://bucket/prefix``: what one may be, and what none may hold.

Who one is, in which region and at which server, tell the environment variables that all libraries
read which open such an address: Arrow, delta-rs, Polars and Sail. So no address, no config and no
release has a secret in it.
"""

import re
from urllib.parse import unquote

S3 = "s3://"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_NO_ADDRESS = re.compile(r"[\[\]\\^|]")
_EXPECTED = (
    "must be s3://bucket/prefix without user, password and parameters, which AWS_ACCESS_KEY_ID, "
    "AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL tell"
)


def is_s3(text: str) -> bool:
    """Return whether a text is meant as an address in an object store that speaks S3."""
    return text.startswith(S3)


def name_error(path: str) -> str | None:
    """Return what the path of a table that is written must be and this one is not, or None.

    delta-rs makes an address of it.
    """
    if unquote(path) != path:
        # It would be taken for the sign that it stands for in an address: for another folder.
        return "must be a folder without % and two hex digits in its whole path"
    if _NO_ADDRESS.search(path):
        # The process would end: a panic is no error that can be caught and told.
        return r"must be a folder without [ ] \ ^ and | in its whole path"
    return None


def s3_error(address: str) -> str | None:
    """Return what an address in an object store must be and this one is not, or None.

    Args:
        address: It begins with ``s3://``.
    """
    bucket, _, prefix = address.removeprefix(S3).rstrip("/").partition("/")
    # A store has no folders: a name such as ``..`` would be one like any other, and a doubled slash
    # a name that is empty, which each library takes for something else.
    fits = all(name not in ("", ".", "..") for name in prefix.split("/"))
    if _BUCKET.fullmatch(bucket) is None or not fits or re.search(r"[?#]", prefix):
        return _EXPECTED
    return None
