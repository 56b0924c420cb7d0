"""Where the rows of a run came from: a warehouse, a table of it, and the pins of its dates."""

from collections.abc import Sequence
from typing import Any, Self

from winnow.errors import ReleaseError
from winnow.extras import extras_named
from winnow.release.opening import not_there
from winnow.release.reader import ReleaseReader
from winnow.release.releases import read_releases
from winnow.shown_text import address_without_secrets
from winnow.storage.object_path import place_of

with extras_named():
    from mlflow.data.dataset_source import DatasetSource
    from mlflow.data.dataset_source_registry import register_dataset_source

Pin = tuple[str, str, int]
"""A date (ISO 8601), the id of its release, and the version of the table in Delta."""


class ReleaseSource(DatasetSource):  # type: ignore[misc]
    """A table of some releases, by names that MLflow keeps and gives back.

    Attributes:
        warehouse: The folder of all tables. table: The table.
        pins: Of each date its release and version.
        config_hashes, code_versions: What built them, each once.
    """

    def __init__(
        self,
        warehouse: str,
        table: str,
        pins: Sequence[Pin],
        config_hashes: Sequence[str],
        code_versions: Sequence[str],
    ) -> None:
        """Take the names."""
        self.warehouse, self.table = warehouse, table
        self.pins: list[Pin] = [(ds, release_id, version) for ds, release_id, version in pins]
        self.config_hashes, self.code_versions = list(config_hashes), list(code_versions)

    @classmethod
    def of(cls, release: ReleaseReader, table: str) -> Self:
        """Name the table of what was opened.

        Raises:
            ReleaseError: A date has no such table.
        """
        pins = [
            (one.ds.isoformat(), one.release_id, pin.version) for one, pin in release.pins(table)
        ]
        codes = dict.fromkeys(one.code_version for one in release.releases)
        where = address_without_secrets(str(release.warehouse))
        return cls(where, table, pins, release.config_hashes, [*codes])

    def load(self) -> ReleaseReader:
        """Open the same releases again.

        Raises:
            ReleaseError: One of them has expired, or was built in another warehouse.
        """
        place = place_of(self.warehouse)
        snapshot = read_releases(place)
        found = {release_id: snapshot.find(release_id) for _, release_id, _ in self.pins}
        ReleaseError.raise_if_any(
            not_there(place, snapshot, release_id=release_id)
            for release_id, release in found.items()
            if release is None
        )
        return ReleaseReader(place, [release for release in found.values() if release is not None])

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values: some 60 bytes for each date."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> Self:
        """Return what ``to_dict`` gave."""
        return cls(**source_dict)

    @staticmethod
    def _get_source_type() -> str:
        return "winnow_release"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False

    @classmethod
    def _resolve(cls, raw_source: Any) -> Self:
        raise NotImplementedError


# MLflow asks the classes that it knows for what a run of the past has kept.
register_dataset_source(ReleaseSource)
