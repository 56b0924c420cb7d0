"""What reading raises: of a store that refuses or is silent, or of a file that it has answered."""

from pathlib import Path

import pytest
from deltalake.exceptions import DeltaError
from winnow.errors import Problem, StoreError
from winnow.storage.file_systems import raise_if_refused, store_refused

DRAWN = "\n          \x1b[31m↳\x1b[0m "
GET = (
    f"{DRAWN}Error performing GET http://h/b/k in 3ms - Server returned non-2xx status code{DRAWN}"
)

OF_THE_STORE = [
    OSError("When reading information for key 'k': AWS Error ACCESS_DENIED during HeadObject"),
    OSError(f"Kernel error -> The operation lacked the necessary privileges for path k{GET}403"),
    OSError(f"Kernel error -> Generic S3 error{DRAWN}Error performing GET http://h/b/k, after 10"),
    RuntimeError("Server returned non-2xx status code: 403 Forbidden: "),
    RuntimeError("Server returned non-2xx status code: 503 Slow Down: "),
    StoreError(Problem("object store", "does not answer")),
]
OF_A_FILE = [
    FileNotFoundError("Path does not exist 'b/k'"),
    OSError("Couldn't deserialize thrift: TProtocolException: Invalid data"),
    OSError(f"Kernel error -> Object at location k not found{GET}404 Not Found"),
    RuntimeError("Server returned non-2xx status code: 404 Not Found: "),
    RuntimeError("Server returned non-2xx status code: 416 Range Not Satisfiable"),
    DeltaError("Kernel error: No table metadata or protocol found in delta log."),
    OSError(5, "Input/output error", str(Path("tables") / "part.parquet")),
]


class DescribeWhatReadingRaises:
    @pytest.mark.parametrize("error", OF_THE_STORE, ids=str)
    def it_is_told_as_the_stores_where_that_refused(self, error: Exception) -> None:
        assert store_refused(error)
        with pytest.raises(StoreError):
            raise_if_refused("s3://b/k", error)

    @pytest.mark.parametrize("error", OF_A_FILE, ids=str)
    def it_stays_what_it_is_where_the_store_has_answered(self, error: Exception) -> None:
        assert not store_refused(error)
        raise_if_refused("s3://b/k", error)
