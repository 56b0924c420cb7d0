"""An address that leads nowhere is refused by name, without the password in it."""

from pathlib import Path

import pytest
from winnow.config.log_shapes import Partition
from winnow.errors import ConfigError
from winnow.logs.files.date_folders import find_date_folders
from winnow.logs.files.locations import Location
from winnow.logs.files.walking import Walk


class DescribeAnAddressThatCannotBeRead:
    @pytest.mark.parametrize(
        "address", ["ftp://user:hunter2@host/logs", "nope://a?sig=hunter2", "file://", "s3://"]
    )
    def it_is_an_error_of_the_config(self, address: str) -> None:
        with pytest.raises(ConfigError) as caught:
            Location.of(address, Path("/"))
        assert caught.value.exit_code == 2
        assert "hunter2" not in str(caught.value)
        assert address.partition(":")[0] in str(caught.value)


class DescribeAPartitionColumnThatIsNotThere:
    def it_is_an_error_of_the_config_told_once(self, tmp_path: Path) -> None:
        for day in ("2026-01-01", "2026-01-02"):
            (tmp_path / f"date={day}").mkdir()
        place = Location.of(str(tmp_path), Path("/"))
        walk, partition = Walk("clicks", place), Partition(column="day")
        with pytest.raises(ConfigError) as caught:
            find_date_folders(walk, place.roots(), partition)
        [problem] = caught.value.problems
        assert "date=2026-01-01 is not a date folder" in problem.what
        assert "day=" in (problem.expected or "")
