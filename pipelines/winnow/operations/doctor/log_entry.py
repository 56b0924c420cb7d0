"""An entry of a table's log, written whole and only where none is there."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from winnow.errors import ConflictError, Problem
from winnow.release.conditional_put import put_if_absent
from winnow.storage.object_path import ObjectPath, Place


def write_entry(entry: Place, actions: Sequence[Mapping[str, Any]]) -> None:
    """Write an entry.

    Raises:
        ConflictError: Somebody committed this version meanwhile.
    """
    text = "".join(json.dumps(one) + "\n" for one in actions)
    if isinstance(entry, ObjectPath):
        if not put_if_absent(entry, text.encode()):
            raise _conflict(entry)
        return
    new = entry.with_name(f".{entry.name}.{uuid4().hex[:8]}")
    try:
        new.write_text(text, encoding="utf-8")
        _link_if_absent(entry, new)
    except FileExistsError as error:
        raise _conflict(entry) from error
    finally:
        new.unlink(missing_ok=True)


def _link_if_absent(entry: Path, new: Path) -> None:
    try:
        entry.hardlink_to(new)
    except FileExistsError:
        raise
    except OSError:  # this file system has no links
        with entry.open("xb") as out:
            out.write(new.read_bytes())


def _conflict(entry: Place) -> ConflictError:
    what, step = "somebody committed meanwhile", "Run it again."
    return ConflictError(Problem(entry.parent.parent.name, what, next_step=step))
