"""The engine connect, before any work: where its server is, and what is said where none answers."""

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from winnow.cli.main import main
from winnow.engine.choice import choose_engine, start_engine
from winnow.engine.connect import ConnectEngine
from winnow.errors import ConfigError, RequirementError

if TYPE_CHECKING:
    from winnow.engine.engine import Engine

Captured = pytest.CaptureFixture[str]
SERVER = "sc://127.0.0.1:15002"


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WINNOW_ENGINE", "PYSPARK_GATEWAY_PORT", "SPARK_REMOTE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a port that is bound and that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"sc://127.0.0.1:{held.getsockname()[1]}"


class DescribeTheAddress:
    def it_is_an_argument_or_sparks_own_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert choose_engine("connect", remote=SERVER) == "connect"
        monkeypatch.setenv("SPARK_REMOTE", SERVER)
        assert choose_engine("connect") == "connect"

    def it_must_be_there(self) -> None:
        with pytest.raises(ConfigError) as caught:
            choose_engine("connect")
        (problem,) = caught.value.problems
        assert problem.where == "--remote"
        assert problem.what == "the engine connect needs the address of a server"
        assert problem.next_step == "Add --remote, or set SPARK_REMOTE."

    @pytest.mark.parametrize("address", ["127.0.0.1:15002", "http://127.0.0.1", "local[2]"])
    def it_is_one_of_spark_connect(self, address: str) -> None:
        with pytest.raises(ConfigError, match=r"--remote: this is no address of Spark Connect"):
            choose_engine("connect", remote=address)

    @pytest.mark.parametrize(
        "address", ["sc://127.0.0.1:x", "sc://127.0.0.1/path", "sc://127.0.0.1/;token"]
    )
    def it_has_parts_that_can_be_read(self, address: str) -> None:
        with pytest.raises(ConfigError, match="this is no address of Spark Connect"):
            ConnectEngine.launch(address)

    @pytest.mark.parametrize("engine", ["sail", "spark"])
    def it_is_of_no_other_engine(self, engine: str) -> None:
        with pytest.raises(ConfigError, match=r"Add --engine connect, or drop it"):
            choose_engine(engine, remote=SERVER)

    def it_does_not_go_with_a_master(self) -> None:
        with pytest.raises(ConfigError, match="goes to a server that runs and has no master"):
            choose_engine("connect", master="local[1]", remote=SERVER)

    def it_is_not_left_in_the_way_of_the_engine_spark(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SPARK_REMOTE", SERVER)
        with pytest.raises(ConfigError, match=r"SPARK_REMOTE: .* use --engine connect"):
            choose_engine("spark")


class DescribeWhereNobodyAnswers:
    def it_is_told_within_the_time_that_a_server_has(self, silent: str) -> None:
        with pytest.raises(RequirementError) as caught:
            ConnectEngine.launch(silent, seconds_to_answer=0.5)
        (problem,) = caught.value.problems
        assert problem.what == "no server of Spark Connect answers within 0.5 s"
        assert problem.found == silent

    def it_shows_no_token(self, silent: str) -> None:
        with pytest.raises(RequirementError) as caught:
            ConnectEngine.launch(f"{silent}/;token=verysecret", seconds_to_answer=0.5)
        assert "verysecret" not in str(caught.value)
        assert "127.0.0.1" in str(caught.value)

    def it_ends_a_command_with_2_where_there_is_no_address(self, capsys: Captured) -> None:
        assert main(["build", "--ds", "2026-01-01", "--engine", "connect"]) == 2
        told = capsys.readouterr()
        assert told.err.startswith("--remote: the engine connect needs the address of a server")
        assert len(told.err.splitlines()) == 1

    def it_is_an_engine_that_cannot_start(
        self, silent: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("winnow.engine.connect.SECONDS_TO_ANSWER", 0.5)
        with pytest.raises(RequirementError, match="no server of Spark Connect answers"):
            start_engine("test", engine="connect", remote=silent)


@pytest.mark.sail_only
class DescribeAnotherServer:
    def it_is_not_taken_for_sparks(self, engine: "Engine") -> None:
        _, port = engine._server.listening_address  # type: ignore[attr-defined]
        with pytest.raises(RequirementError, match=r"the server is Sail's, not Spark's"):
            ConnectEngine.launch(f"sc://127.0.0.1:{port}")
        # The session of the tests is another one, and goes on.
        assert engine.spark.range(3).count() == 3
