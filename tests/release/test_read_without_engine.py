"""A trainer's image holds no engine and none of what a build needs: a release is read there."""

import json
import os
import subprocess
import sys

import pytest
from winnow.release.store import Store

from tests.child_process import PATH, ROOT
from tests.release.things import MONDAY

# What is read without an engine is what either has written: see test_reader.py.
pytestmark = pytest.mark.one_engine

ABSENT = (
    "delta", "great_expectations", "jinja2", "numba", "pandas", "py4j", "pysail", "pyspark",
    "scipy",
)  # fmt: skip

READ = """
import json, sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in sys.argv[2].split():
            raise ModuleNotFoundError(f"a trainer has no {top}", name=top)

sys.meta_path.insert(0, Nothing())
from datetime import date
import winnow
from winnow import open_dates

day = date.fromisoformat(sys.argv[3])
release = winnow.open_release(sys.argv[1], ds=day)
rows = release.arrow("things").to_table()
both = open_dates(sys.argv[1], day, day)
frame = both.polars("things").collect()
assert frame.to_arrow().num_rows == rows.num_rows
print(json.dumps([sorted(rows["id"].to_pylist()), sorted(frame["id"].to_list()), rows.column_names,
                  frame.columns, len(release.files("things")) > 0]))
"""


def run(code: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=os.environ | {"PYTHONPATH": PATH},
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip


class DescribeReadingWithoutAnEngine:
    def it_gives_arrow_and_polars_the_same_rows(self, store: Store) -> None:
        child = run(READ, str(store.warehouse), " ".join(ABSENT), str(MONDAY))
        assert child.returncode == 0, child.stderr
        arrow, polars, columns, same_columns, files = json.loads(child.stdout)
        assert arrow == polars == [0, 1, 2, 3, 4]
        assert columns == same_columns and "ds" in columns
        assert files

    @pytest.mark.parametrize("module", ["winnow.release.opening", "winnow.config.loading"])
    def it_loads_no_package_that_only_a_build_needs(self, module: str) -> None:
        # pandas is no part of this: PyArrow looks for it on its own.
        heavy = set(ABSENT) - {"pandas"}
        code = f"import sys, {module}\nprint(sorted({heavy!r} & set(sys.modules)))"
        child = run(code)
        assert (child.stdout.strip(), child.stderr) == ("[]", "")

    def it_would_see_a_package_that_is_not_there(self) -> None:
        code = READ.replace("from datetime", "import pyspark\nfrom datetime")
        assert "a trainer has no pyspark" in run(code, "", " ".join(ABSENT), str(MONDAY)).stderr
