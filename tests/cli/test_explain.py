"""``winnow explain``: words without an engine, figures with one, nothing written."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from winnow.cli.main import main

from tests.child_process import PATH, child_environment
from tests.cli.conftest import Told
from tests.cli.test_show import WITHOUT_A_BUILDER
from tests.docs.pages import ROOT, appears, blocks_of
from tests.release.test_read_without_engine import ABSENT

Captured = pytest.CaptureFixture[str]


@pytest.mark.usefixtures("no_engine")
class DescribeWordsAlone:
    def it_says_what_each_source_gives(self, shop: Path, told: Told) -> None:
        found = told("explain", "-c", str(shop))
        assert found["figures"] is None
        assert list(found["sections"]) == [
            "Logs", "Positives", "Forbidden", "Popularity", "Stages", "Negatives", "Chance",
            "Tables", "Besides",
        ]  # fmt: skip
        assert [(one["name"], one["kind"], one["asked"]) for one in found["sources"]] == [
            ("popularity", "easy", 3),
            ("easy_fill", "fill", None),
            ("cut coarse", "hard", 3),
            ("low fine", "hard", 3),
        ]
        assert found["sources"][2]["together"] == ["cut coarse", "low fine"]

    def it_reads_as_text(self, shop: Path, capsys: Captured) -> None:
        assert main(["explain", "-c", str(shop)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert "  A positive asks for 6 negatives: 3 easy, 3 hard (hard ratio 0.5)." in lines
        assert "  3 together: cut coarse, low fine" in lines
        assert (
            "  popularity (easy, 3 of a positive): draws from the whole catalogue, an item by "
            "W = (f + 1)^0.75." in lines
        )
        assert lines[-1] == "  split.valid_ratio is 0.2: Share of the users in `valid`."

    @pytest.mark.parametrize("form", [[], ["--json"]])
    def it_shows_no_password_of_an_address(
        self, shop: Path, capsys: Captured, form: list[str]
    ) -> None:
        secret = "hdfs://KEY:hunter2@shop/logs?sig=hunter3"
        shop.write_text(shop.read_text("utf-8").replace("logs/shown.csv", secret), "utf-8")
        assert main(["explain", "-c", str(shop), *form]) == 0
        shown = capsys.readouterr().out
        assert "hdfs://***@shop/logs?sig=***" in shown
        assert "hunter" not in shown

    def it_needs_no_engine_and_no_builder(self, shop: Path) -> None:
        child = subprocess.run(
            [sys.executable, "-c", WITHOUT_A_BUILDER.format(ABSENT=ABSENT), "explain"],
            env=child_environment() | {"PYTHONPATH": PATH},
            cwd=shop.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (child.returncode, child.stderr) == (0, "")
        assert "A positive asks for 6 negatives" in child.stdout

    def it_needs_no_logs(self, shop: Path) -> None:
        shutil.rmtree(shop.parent / "logs")
        assert main(["explain", "-c", str(shop)]) == 0

    def it_ends_with_2_where_the_config_is_wrong(self, shop: Path, capsys: Captured) -> None:
        text = shop.read_text(encoding="utf-8")
        shop.write_text(text.replace("share: 0.5", "share: 5"), encoding="utf-8")
        assert main(["explain", "-c", str(shop)]) == 2
        assert "negatives.easy[0].share" in capsys.readouterr().err
        assert main(["explain", "-c", str(shop), "--ds", "yesterday"]) == 2


@pytest.mark.usefixtures("shared_engine")
class DescribeFiguresOfADate:
    def it_tells_of_the_hottest_a_middle_and_a_new_item(self, shop: Path, told: Told) -> None:
        before = sorted(shop.parent.rglob("*"))
        found = told("explain", "-c", str(shop), "--ds", "2026-01-01")["figures"]
        assert sorted(shop.parent.rglob("*")) == before, "nothing is written beside the config"
        assert (found["ds"], found["catalogue"], found["users"]) == ("2026-01-01", 23, 4)
        assert found["positives"] == 5.0
        assert [item["role"] for item in found["items"]] == ["hottest", "middle", "new"]
        hot = found["items"][0]
        assert (hot["item_id"], hot["clicks"], hot["keep_prob"]) == (103, 1, 1.0)
        assert hot["forbidden_users"] == 0.5
        (of,) = hot["sources"]
        assert of["declared"] == pytest.approx(3_000 * of["q"])
        assert of["kept"] == pytest.approx(of["expected"] / of["declared"])
        requests = found["requests"]
        assert (requests["shown"], requests["shown_ranked"]) == (5, 5)
        assert requests["stages"] == {"coarse": [4, 48], "fine": [4, 28]}
        assert found["not_ranked"] == 0.0

    def it_prints_what_the_page_of_commands_shows(self, shop: Path, capsys: Captured) -> None:
        blocks = blocks_of(ROOT / "docs" / "commands.md")
        (place,) = [i for i, b in enumerate(blocks) if b.text.startswith("winnow explain ")]
        assert main(["explain", "-c", str(shop), "--ds", "2026-01-01"]) == 0
        printed = capsys.readouterr().out
        assert appears(blocks[place + 1].text, printed), printed

    def it_computes_in_no_folder_that_is_not_there(self, shop: Path, capsys: Captured) -> None:
        scratch = str(shop.parent / "nowhere")
        words = ["-c", str(shop), "--ds", "2026-01-01", "--scratch", scratch]
        assert main(["explain", *words]) == 2
        assert "--scratch" in capsys.readouterr().err

    def it_ends_with_3_where_the_logs_have_nothing(self, shop: Path, capsys: Captured) -> None:
        assert main(["explain", "-c", str(shop), "--ds", "2026-03-01"]) == 3
        assert "no impression of 2026-03-01 was read" in capsys.readouterr().err
