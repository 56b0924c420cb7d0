"""What is written is never read as a log."""

from pathlib import Path
from typing import Any

import pytest
from winnow.building.apart import require_apart
from winnow.config.tree import Config
from winnow.errors import ConfigError


def config(warehouse: Path, impressions: str, clicks: str = "/elsewhere/clicks") -> Config:
    logs: dict[str, Any] = {"impressions": {"path": impressions}, "clicks": {"path": clicks}}
    settings = {"negatives": {"hard": ()}, "warehouse": str(warehouse), "logs": logs}
    return Config.model_validate(settings)


class DescribeWarehouseAndLogs:
    @pytest.mark.parametrize(
        ("warehouse", "log"),
        [
            ("logs/warehouse", "logs"),
            ("logs", "logs"),
            ("warehouse", "warehouse/logs"),
            ("logs/eu/warehouse", "logs/*"),
            ("link/warehouse", "logs"),
        ],
    )
    def it_refuses_one_within_the_other_and_names_both(
        self, tmp_path: Path, warehouse: str, log: str
    ) -> None:
        (tmp_path / "logs" / "eu").mkdir(parents=True)
        (tmp_path / "link").symlink_to(tmp_path / "logs")
        with pytest.raises(ConfigError) as caught:
            require_apart(config(tmp_path / warehouse, f"{tmp_path}/{log}"))
        [problem] = caught.value.problems
        assert problem.where == "logs.impressions.path"
        assert "warehouse" in problem.what and "log" in problem.what
        assert caught.value.exit_code == 2

    def it_names_every_log(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            require_apart(config(tmp_path / "all" / "w", f"{tmp_path}/all", f"{tmp_path}/all"))
        assert len(caught.value.problems) == 2

    @pytest.mark.parametrize(
        "log", ["logs", "warehouse-logs", "logs/a.parquet", "s3://warehouse/x"]
    )
    def it_accepts_folders_beside_one_another(self, tmp_path: Path, log: str) -> None:
        path = log if "://" in log else f"{tmp_path}/{log}"
        require_apart(config(tmp_path / "warehouse", path))
