"""``winnow build`` that meets a rival once: another process releases the date while it works."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import winnow.building.build
from winnow.cli.main import main

module: Any = winnow.building.build

rival = Path(sys.argv.pop(1))
ours = module.publish


def publish(*parts: Any, **named: Any) -> Any:
    met = rival.with_suffix(".met")
    if not met.exists():
        met.touch()
        words = ["build", "--config", str(rival), "--ds", "2026-01-01"]
        subprocess.run(
            [sys.executable, "-m", "winnow.cli.main", *words], check=True, capture_output=True
        )
    return ours(*parts, **named)


module.publish = publish

if __name__ == "__main__":
    main()
