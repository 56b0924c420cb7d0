"""What a release tells of the folders that it was made from."""

import json
from pathlib import Path
from typing import Any

import pytest
from winnow.building.inputs import Inputs, inputs_json
from winnow.contracts.counts import RowCounts
from winnow.contracts.log import Log
from winnow.logs.files.locations import Location

COUNTS = RowCounts(3, 3, 0, 0, 0, 0, 0, {})


def told(folders: list[str], home: Path | None) -> list[str]:
    log: Any = object.__new__(Log)
    object.__setattr__(log, "folders", tuple(folders))
    object.__setattr__(log, "files", {})
    record = json.loads(inputs_json(Inputs({"clicks": log}, True, 30), {"clicks": COUNTS}, home))
    found: list[str] = record["logs"]["clicks"]["folders"]
    return found


class DescribeTheFoldersOfAnInput:
    def it_names_those_beside_the_config_from_there_on(self) -> None:
        """So that a release is the same after the checkout has moved."""
        for home in ("/srv/checkout", "/home/someone/else"):
            assert told(
                [f"{home}/logs/clicks/date=2026-01-01", f"{home}/x/../one", f"{home}/../two"],
                Path(home),
            ) == ["logs/clicks/date=2026-01-01", "one", "../two"]

    def it_names_others_as_they_are(self) -> None:
        folders = ["/data/clicks", "/srv/checkout-2/clicks", "bucket/clicks"]
        assert told(folders, Path("/srv/checkout")) == folders
        assert told(["/srv/checkout/clicks"], None) == ["/srv/checkout/clicks"]

    def it_names_those_of_an_object_store_by_bucket_and_prefix(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_REGION", "eu-west-1")  # else the bucket is asked for it
        place = Location.of("s3://bucket/clicks/", Path("/srv"))
        assert (place.path, place.uri(place.path)) == ("bucket/clicks", "s3://bucket/clicks")
        assert told([place.path], Path("/srv")) == ["bucket/clicks"]
