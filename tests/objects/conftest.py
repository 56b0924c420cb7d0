"""A store for the tests of this folder, with the logs of the small shop in it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

import obstore
import pyarrow.fs as pafs
import pytest
import winnow
from obstore.store import from_url
from pyspark.sql import SparkSession
from winnow.storage.object_path import ObjectPath

from tests.child_process import ROOT

DAY = date(2026, 1, 1)
SECRET = "hunter2-and-nobody-may-see-it"
PYTHON = os.environ.get("WINNOW_TEST_OBJECTS")


@dataclass(frozen=True)
class Store:
    """A server that speaks S3."""

    endpoint: str

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def two_have_met(self) -> bool:
        """Whether two requests were there at once, as ``--meet`` asks for."""
        with urlopen(f"{self.endpoint}/_met") as answer:
            return bool(answer.read() == b"True")

    def deny(self, text: str) -> None:
        """Let nobody read keys that hold a text, from here on."""
        with urlopen(f"{self.endpoint}/_deny/{text}") as answer:
            assert answer.status == 200

    def new_bucket(self) -> str:
        """Make a bucket with a name that no other has; return ``s3://`` and the name."""
        name = f"b-{uuid4().hex[:12]}"
        who = {"access_key": "tester", "secret_key": SECRET, "region": "us-east-1"}
        made = pafs.S3FileSystem(endpoint_override=self.endpoint, allow_bucket_creation=True, **who)
        made.create_dir(name)
        return f"s3://{name}"


def served(*words: str) -> "Iterator[Store]":
    """Start a server, and stop it."""
    if PYTHON is None:
        pytest.skip("make objects runs this: WINNOW_TEST_OBJECTS names a Python that has moto")
    script = Path(__file__).with_name("store_server.py")
    process = subprocess.Popen(
        [PYTHON, str(script), *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield Store(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """The store, which this process's environment names from here on."""
    for found in served():
        with pytest.MonkeyPatch.context() as patch:
            for name, value in found.environment().items():
                patch.setenv(name, value)
            yield found


@pytest.fixture
def bucket(store: Store) -> str:
    """A bucket of the test's own."""
    return store.new_bucket()


@dataclass(frozen=True)
class Shop:
    """The example of the small shop, on disk and in the store.

    Attributes:
        folder: The example; ``winnow.yaml`` reads its logs, ``objects.yaml`` those in the store.
        logs: The address of the logs.
    """

    folder: Path
    logs: str

    @property
    def on_disk(self) -> Path:
        return self.folder / "winnow.yaml"

    @property
    def in_store(self) -> Path:
        return self.folder / "objects.yaml"


@pytest.fixture(scope="session")
def shop(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The example, its logs uploaded."""
    folder = tmp_path_factory.mktemp("shop") / "own_logs"
    shutil.copytree(
        ROOT / "examples" / "own_logs", folder, ignore=shutil.ignore_patterns("warehouse")
    )
    logs = f"{store.new_bucket()}/shop/logs"
    upload(folder / "logs", ObjectPath.of(logs))
    text = (folder / "winnow.yaml").read_text(encoding="utf-8")
    (folder / "objects.yaml").write_text(text.replace("path: logs/", f"path: {logs}/"))
    return Shop(folder, logs)


def upload(folder: Path, to: ObjectPath) -> None:
    """Copy a folder into the store."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            to.joinpath(*file.relative_to(folder).parts).upload(file)


@pytest.fixture(scope="session")
def on_disk(shop: Shop, spark: SparkSession) -> Path:
    """A warehouse in a folder, built from logs on disk."""
    warehouse = shop.folder.parent / "warehouse"
    winnow.build(shop.on_disk, DAY, warehouse=warehouse, engine=spark)
    return warehouse


@pytest.fixture(scope="session")
def in_store(store: Store, shop: Shop, spark: SparkSession) -> str:
    """A warehouse in the store, built from logs there, which no test may change."""
    warehouse = f"{store.new_bucket()}/shop/tables"
    winnow.build(shop.in_store, DAY, warehouse=warehouse, engine=spark)
    return warehouse


def copied(source: ObjectPath, address: str) -> ObjectPath:
    """Copy a warehouse within the store; return where the copy is."""
    place = ObjectPath.of(address)
    for path, _ in source.objects():
        path.copy_to(place.joinpath(*path.relative_to(source).parts))
    return place


def keys_in(bucket: str) -> list[str]:
    """Every key of a bucket, those of empty objects that stand for folders among them."""
    return [one["path"] for some in obstore.list(from_url(bucket)) for one in some]


def contents(warehouse: "str | Path") -> dict[str, tuple[int, str]]:
    """Rows and content hash of each table of the newest release."""
    (release,) = winnow.open_release(warehouse, ds=DAY).releases
    return {pin.table: (pin.content.rows, pin.content.total) for pin in release.tables}
