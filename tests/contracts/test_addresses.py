"""An address that leads nowhere is refused by name, without the password in it."""

from pathlib import Path

import pytest

from pipelines.contracts.sources.places import Place
from pipelines.errors import ConfigError


class DescribeAnAddressThatCannotBeRead:
    @pytest.mark.parametrize(
        "address", ["ftp://user:hunter2@host/logs", "nope://a?sig=hunter2", "file://", "s3://"]
    )
    def it_is_an_error_of_the_config(self, address: str) -> None:
        with pytest.raises(ConfigError) as caught:
            Place.of(address, Path("/"))
        assert caught.value.exit_code == 2
        assert "hunter2" not in str(caught.value)
        assert address.partition(":")[0] in str(caught.value)
