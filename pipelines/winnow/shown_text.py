"""Text of strangers, fit to be shown: short, in one line, and without passwords."""

import os
import re
from urllib.parse import quote

_HIDDEN = "***"
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# The part of an address before its host. A secret may hold slashes that should have been %2F; a
# colon with digits alone after it is a port.
_WHO = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*)://"
    r"([^/?#\s\"'@:]*:(?!\d+(?:[/?#\s\"']|$))[^?#\s\"']*|[^/?#\s\"']*)@"
)
_CONTAINER_BEFORE_HOST = ("abfs", "abfss", "wasb", "wasbs")
_SECRET_NAMES = (
    r"(?:x-(?:amz|goog)-)?(?:sig|signature|credential|security-token)|"
    r"googleaccessid|(?:aws_?)?(?:secret_?)?access_?key(?:_?id)?|secret_?key|"
    r"account_?key|shared_?access_?(?:key|signature)|sas_?token|"
    r"(?:[a-z]+_?)?token|api_?key|(?:client_?)?secret|password|passwd|pwd"
)
_SECRET = re.compile(
    rf"(?<![A-Za-z0-9])({_SECRET_NAMES})(=|%3D|\"\s*:\s*\")([^&;,\s\"'#)\]}}]+)",
    re.IGNORECASE,
)
# A store that finds a signature wrong says by which headers: the token of the session is one.
_HEADER = re.compile(r"(x-amz-security-token)(:\s*)([^\s\"'<&]+)", re.IGNORECASE)
_OF_STORES = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
)
"""Variables that prove who one is: what a store answers may hold what it was sent."""
_SHORTEST_SECRET = 8
"""A shorter value may be a part of any word, such as ``test``."""


def shortened(text: str, most: int = 500) -> str:
    """Return the text, or its begin and its end with the number of signs between them."""
    if len(text) <= most:
        return text
    end = most // 5
    begin = most - end
    return f"{text[:begin]}… ({len(text) - most:,} more signs) …{text[-end:]}"


def in_one_line(text: str) -> str:
    r"""Return the text with ``\n``, ``\x1b`` and the like for signs that steer a terminal."""
    return _CONTROL.sub(lambda sign: repr(sign[0])[1:-1], text)


def in_lines(text: str) -> str:
    r"""Return the text as ``in_one_line`` does, but for the ends of lines and tabs, which stay."""
    return _STEERING.sub(lambda sign: repr(sign[0])[1:-1], text)


def without_secrets(text: str) -> str:
    """Return the text with ``***`` in place of what addresses hold to prove who one is.

    Those are user and password before the host, and the values of parameters such as ``sig``,
    ``X-Amz-Signature``, ``token`` and ``AccountKey``; and the token of a session among headers.
    And what the environment holds for object stores, wherever it stands: as it is, and as
    addresses write it, with ``%2F`` for a slash.
    """
    for name in _OF_STORES:
        value = os.environ.get(name, "")
        if len(value) >= _SHORTEST_SECRET:
            for form in _forms(value):
                text = text.replace(form, _HIDDEN)
    return address_without_secrets(text)


def address_without_secrets(text: str) -> str:
    """Return an address that is to be opened again, or compared: without user and parameters.

    A bucket or a folder may be called as the environment calls a key: it stays what it is.
    """
    if "@" in text:
        text = _WHO.sub(_address_without_user, text)
    return _HEADER.sub(rf"\1\2{_HIDDEN}", _SECRET.sub(rf"\1\2{_HIDDEN}", text))


def _forms(value: str) -> list[str]:
    """Return how a text stands in addresses, the longest form first."""
    forms = {value, quote(value), quote(value, safe="")}
    forms |= {re.sub("%[0-9A-F]{2}", lambda sign: sign[0].lower(), form) for form in forms}
    return sorted(forms, key=lambda form: (-len(form), form))


def _address_without_user(found: re.Match[str]) -> str:
    scheme, who = found.groups()
    if scheme.lower() in _CONTAINER_BEFORE_HOST and ":" not in who:
        return found[0]
    return f"{scheme}://{_HIDDEN}@"


def shown(text: str, most: int = 500) -> str:
    """Return the text as a message may hold it: without secrets, in one line, short."""
    # A megabyte need not be searched for the few hundred signs that are left of it.
    return shortened(in_one_line(without_secrets(shortened(text, 20 * most))), most)


def size_text(size: int) -> str:
    """Return a number of bytes as a person reads it: ``812 bytes``, ``4.2 MB``, ``3.1 GB``."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "KB")):
        if size >= 1000**power:
            return f"{size / 1000**power:.1f} {unit}"
    return f"{size} bytes"
