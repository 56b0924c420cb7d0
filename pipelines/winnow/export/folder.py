"""The folder of an export: whole or not there, with a manifest that says what it was made of."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from winnow.errors import ConfigError, Problem, ReleaseError
from winnow.release.reader import ReleaseReader

MANIFEST = "winnow_export.json"


class ExportFolder:
    """Files that are being written; who writes one counts its rows.

    Attributes:
        path: Where they are now. rows: By the name of each file, its rows.
    """

    def __init__(self, path: Path) -> None:
        """Take an empty folder."""
        self.path = path
        self.rows: dict[str, int] = {}

    def file(self, name: str) -> Path:
        """Return the path of a file, whose folder is there then; it has no rows yet."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.rows.setdefault(name, 0)
        return path

    def count(self, name: str, rows: int) -> None:
        """Count rows that were written to a file."""
        self.rows[name] += rows


@contextmanager
def export_folder(
    out: Path, release: ReleaseReader, said: Mapping[str, Any]
) -> Iterator[ExportFolder]:
    """Write files beside a folder, and rename it when all are there: readers never see a part.

    Args:
        out: The folder; not there yet.
        release: What is exported; the manifest names it.
        said: More for the manifest: the format and its options.

    Raises:
        ConfigError: There is something already, or the folder cannot be made.
        ReleaseError: A file of the release is not there any more.
        OSError: It cannot be written, as where the disk is full.
    """
    if out.exists():
        raise _is_there(out)
    making = out.absolute().parent / f".{out.name}.{uuid4().hex[:8]}"
    try:
        making.mkdir(parents=True)
    except OSError as error:
        what = f"the folder cannot be made: {error.strerror}"
        raise ConfigError(Problem("--out", what, str(out))) from error
    try:
        folder = ExportFolder(making)
        yield folder
        text = json.dumps(_manifest(folder, release, said), indent=2, ensure_ascii=False)
        (making / MANIFEST).write_text(text + "\n", encoding="utf-8")
        try:
            making.rename(out)
        except OSError as error:
            # Somebody else has made it meanwhile.
            raise (_is_there(out) if out.exists() else error) from error
    except FileNotFoundError as error:
        # Nobody else knows the folder that is being made: what is missing is of the release.
        what, fix = "a file of the release is gone", "See winnow verify, and open a newer release."
        raise ReleaseError(Problem("releases", what, str(error), next_step=fix)) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _is_there(out: Path) -> ConfigError:
    fix = "Name another folder, or remove this one."
    return ConfigError(Problem("--out", "is there already", str(out), next_step=fix))


def _manifest(
    folder: ExportFolder, release: ReleaseReader, said: Mapping[str, Any]
) -> dict[str, Any]:
    releases = [
        {
            "ds": one.ds.isoformat(),
            "release_id": one.release_id,
            "config_hash": one.config_hash,
            "code_version": one.code_version,
            "versions": {pin.table: pin.version for pin in one.tables},
        }
        for one in release.releases
    ]
    return {**said, "releases": releases, "rows": dict(sorted(folder.rows.items()))}
