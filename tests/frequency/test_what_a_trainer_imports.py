"""A trainer's image has neither engine nor compiler."""

import subprocess
import sys

CODE = """
import sys
import winnow.frequency.estimator, winnow.frequency.segments
print(sorted({"numba", "pyspark", "pyarrow", "pydantic", "yaml", "deltalake"} & set(sys.modules)))
"""


class DescribeTheImport:
    def it_loads_numpy_alone(self) -> None:
        child = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
        assert child.stdout.strip() == "[]", child.stderr
