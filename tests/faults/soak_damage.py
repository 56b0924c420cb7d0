"""Damage to what releases need: files of tables, entries of logs, rows of ``releases``."""

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

from deltalake import DeltaTable
from winnow.release.delta_log import checkpoints_in_log, entry_path, log_folder, versions_in_log
from winnow.release.opening import open_release
from winnow.release.releases import read_releases
from winnow.storage.object_path import local_path


def damage(warehouse: Path, draw: Random) -> str:
    """Damage one thing that some live release needs; say what."""
    one = draw.choice(read_releases(warehouse).listed)
    reader = open_release(warehouse, one.release_id)
    table = draw.choice(reader.tables)
    releases = warehouse / "releases"
    (release,) = reader.releases
    pin = release.pin(table)
    assert pin is not None
    entry = entry_path(warehouse / table, pin.version)
    files = [Path(file) for file in reader.files(table)]
    known = checkpoints_in_log(warehouse / table).values()
    checkpoints = [local_path(file) for own in known for file in own]
    entries = [entry_path(releases, version) for version in versions_in_log(releases)[1:]]
    ways: dict[str, Callable[[], object]] = {
        "a log entry gone": entry.unlink,
        "a log entry cut": lambda: _cut(entry),
        "an entry of releases cut": lambda: _cut(draw.choice(entries)),
        "a release deleted": lambda: DeltaTable(str(releases)).delete(f"seq = {one.seq}"),
        "the log of releases gone": lambda: shutil.rmtree(log_folder(releases)),
    }
    if files:
        file = draw.choice(files)
        ways["a file gone"] = file.unlink
        ways["a file cut"] = lambda: _cut(file)
        ways["a byte flipped"] = lambda: _flip(file, draw)
    if checkpoints:
        ways["a checkpoint cut"] = lambda: _cut(checkpoints[-1])
    way = draw.choice(sorted(ways))
    ways[way]()
    return f"{way} ({table} of {one.ds} {one.release_id})"


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _flip(path: Path, draw: Random) -> None:
    """Change one byte of the pages, in place: all names of the file show it."""
    with path.open("r+b") as file:
        at = draw.randrange(4, max(5, path.stat().st_size // 2))
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 255]))
