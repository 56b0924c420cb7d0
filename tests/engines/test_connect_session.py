"""What the engine connect makes on a real server of Spark Connect, beside the golden run.

``WINNOW_TEST_ENGINE=connect`` gives the tests their session there; see ``connect_session``.
"""

import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.release.opening import open_release
from winnow.release.release import Release
from winnow.release.releases import list_releases
from winnow.release.verify import verify_release
from winnow.spark.dialect import dialect_of

from tests.engines import connect_session
from tests.engines.children import Case, build, child
from tests.events.handmade import build_day

if TYPE_CHECKING:
    from winnow.engine.engine import Engine

pytestmark = [pytest.mark.connect_only, pytest.mark.proof]

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
DAY = date(2026, 3, 1)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("golden")
    shutil.copytree(GOLDEN / "logs", folder / "logs")
    shutil.copy(GOLDEN / "winnow.yaml", folder)
    return load_config(folder / "winnow.yaml")


@pytest.fixture(scope="module")
def released(engine: "Engine", config: Config) -> Release:
    build_day(config, engine.spark, DAY)
    return open_release(Path(config.warehouse), ds=DAY).releases[0]


class DescribeABuildOnAServer:
    def it_has_the_content_of_sails(
        self, released: Release, config: Config, tmp_path: Path
    ) -> None:
        case = Case(Path(config.warehouse).parent / "winnow.yaml", DAY.isoformat())
        with child("sail", tmp_path) as sail:
            told = sail.ask(build(case, Path(config.warehouse)) | {"as_written": True})
        made = {pin.table: [pin.content.rows, pin.content.total] for pin in released.tables}
        assert told["content"] == made
        assert not told["published"], "the same content is released already"

    def it_verifies_there(self, released: Release, engine: "Engine", config: Config) -> None:
        store = engine.store(Path(config.warehouse))
        assert list(verify_release(released, store)) == []
        assert [one.release_id for one in list_releases(store.warehouse)] == [released.release_id]

    @pytest.mark.usefixtures("released")
    def it_asks_for_no_rdd_no_jvm_and_no_cache(self) -> None:
        assert connect_session.asked_for == []


class DescribeTheSession:
    def it_is_of_spark(self, engine: "Engine") -> None:
        found = dialect_of(engine.spark)
        assert (found.name, found.spills, found.hints, found.urls) == ("connect", True, True, False)

    @pytest.mark.parametrize("name", connect_session.OF_FRAMES)
    def it_refuses_what_frames_have_elsewhere(self, engine: "Engine", name: str) -> None:
        with pytest.raises(AssertionError, match=f"DataFrame.{name} is asked for"):
            getattr(engine.spark.range(1), name)
        assert connect_session.asked_for.pop() == f"DataFrame.{name}"

    @pytest.mark.parametrize("name", connect_session.OF_SESSIONS)
    def it_refuses_what_sessions_have_elsewhere(self, engine: "Engine", name: str) -> None:
        with pytest.raises(AssertionError, match=f"SparkSession.{name} is asked for"):
            getattr(engine.spark, name)
        assert connect_session.asked_for.pop() == f"SparkSession.{name}"
