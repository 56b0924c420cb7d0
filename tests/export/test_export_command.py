"""``winnow export``: wrong arguments end before anything is read or written."""

from pathlib import Path

import pytest
from winnow.cli.main import main


class DescribeTheCommand:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--from", "2026-01-01"], "--to: is missing: --from is one end of the dates"),
            (["--to", "2026-01-01"], "--from: is missing: --to is one end of the dates"),
            (["--ds", "2026-01-01", "--from", "2026-01-01"], "does not go together with --ds"),
        ],
    )
    def it_wants_both_ends_of_a_range(
        self, words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        command = ["export", "csv", "--out", str(out), "--warehouse", str(tmp_path / "w"), *words]
        assert main(command) == 2
        assert said in capsys.readouterr().err
        assert not out.exists()
