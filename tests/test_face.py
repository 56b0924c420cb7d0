"""What ``import winnow`` gives, and how little that loads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import winnow

from tests.child_process import ROOT, child_environment

HEAVY = {
    "deltalake", "great_expectations", "numba", "numpy", "pandas", "polars", "pyarrow", "pydantic",
    "pysail", "pyspark", "rich", "typer", "yaml",
}  # fmt: skip


def loaded_by(code: str) -> set[str]:
    """The modules that a process has loaded once the code has run."""
    child = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{code}\nprint(json.dumps([*sys.modules]))"],
        env=child_environment() | {"PYTHONPATH": str(ROOT / "pipelines")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(json.loads(child.stdout))


class DescribeImportingWinnow:
    def it_loads_no_library_and_no_module_but_its_own(self) -> None:
        bare, loaded = loaded_by(""), loaded_by("import winnow")
        assert loaded & HEAVY == set()
        assert {name for name in loaded if name.startswith("winnow")} == {"winnow"}
        assert len(loaded - bare) < 60

    def it_loads_for_a_name_what_that_name_needs(self) -> None:
        loaded = loaded_by("import winnow; winnow.open_release; winnow.build")
        assert "winnow.release.reader" in loaded
        assert loaded & {"pyspark", "numba", "great_expectations"} == set()

    def it_says_that_it_is_typed(self) -> None:
        assert (Path(winnow.__file__).parent / "py.typed").is_file()


class DescribeTheNames:
    @pytest.mark.parametrize("name", winnow.__all__)
    def it_has_each_that_it_promises(self, name: str) -> None:
        assert getattr(winnow, name) is not None
        assert name in dir(winnow)

    def it_knows_its_version(self) -> None:
        assert winnow.__version__[0].isdigit()

    def it_has_no_other(self) -> None:
        with pytest.raises(AttributeError, match="module 'winnow' has no attribute 'biuld'"):
            winnow.biuld  # type: ignore[attr-defined]  # noqa: B018
