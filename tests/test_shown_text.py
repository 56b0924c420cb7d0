"""What strangers wrote, as messages, the report and ``releases`` may hold it."""

import pytest
from winnow.errors import Problem
from winnow.shown_text import address_without_secrets, shown, without_secrets


class DescribeSecretsInAddresses:
    @pytest.mark.parametrize(
        ("text", "left"),
        [
            ("s3://AKIA1:hunter2@bucket/logs", "s3://***@bucket/logs"),
            ("s3://AKIA1:hun/ter+2@bucket/logs/a", "s3://***@bucket/logs/a"),
            ("https://hunter2@host:8443/x?y=1", "https://***@host:8443/x?y=1"),
            ("hdfs://name:8020/logs/a@b", "hdfs://name:8020/logs/a@b"),
            ("s3://bucket/a@b/c", "s3://bucket/a@b/c"),
            ("abfss://logs@account.dfs.core.windows.net/x", None),
            ("abfss://logs:hunter2@account.dfs/x", "abfss://***@account.dfs/x"),
            ("https://h/c?sv=2&sig=hunter2%3D&se=3", "https://h/c?sv=2&sig=***&se=3"),
            ("https://h/c?X-Amz-Signature=hunter2&a=b", "https://h/c?X-Amz-Signature=***&a=b"),
            ("https://h/c?X-Amz-Security-Token=hunter2", "https://h/c?X-Amz-Security-Token=***"),
            (
                "s3://b/x?access_key=hunter2&secret_key=hunter2",
                "s3://b/x?access_key=***&secret_key=***",
            ),
            (
                "AccountName=a;AccountKey=hunter2==;Suffix=s",
                "AccountName=a;AccountKey=***;Suffix=s",
            ),
            ("token=hunter2 and more", "token=*** and more"),
            (
                "<CanonicalRequest>x-amz-date:1\nx-amz-security-token:hunter2\n\nhost",
                "<CanonicalRequest>x-amz-date:1\nx-amz-security-token:***\n\nhost",
            ),
            ('{"api_key": "hunter2", "a": 1}', '{"api_key": "***", "a": 1}'),
            (
                "failed: s3://u:hunter2@h/x, s3://u:hunter2@h/y",
                "failed: s3://***@h/x, s3://***@h/y",
            ),
            ("design=1, insignia=2, clicks.token is missing", None),
            ("/data/ds=2026-01-02/hr=07/part.parquet", None),
        ],
    )
    def it_hides_them_and_leaves_all_else(self, text: str, left: str | None) -> None:
        assert without_secrets(text) == (text if left is None else left)


class DescribeSecretsOfTheEnvironment:
    @pytest.mark.parametrize(
        "shown_as",
        ["hun/ter+2=and", "hun%2Fter%2B2%3Dand", "hun%2fter%2b2%3dand", "hun/ter%2B2%3Dand"],
    )
    def it_is_hidden_as_it_is_and_as_addresses_write_it(
        self, shown_as: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hun/ter+2=and")
        assert without_secrets(f"GET /b?x={shown_as}&y=1") == "GET /b?x=***&y=1"

    def it_changes_no_address_that_is_opened_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "recommender")
        address = "s3://recommender/tables"
        assert without_secrets(address) == "s3://***/tables"
        assert address_without_secrets(address) == address
        with_user = "hdfs://u:hunter2@recommender/logs?sig=hunter2"
        assert address_without_secrets(with_user) == "hdfs://***@recommender/logs?sig=***"

    def it_is_not_searched_where_it_is_shorter_than_eight_signs(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
        assert without_secrets("a hunter2") == "a hunter2"


class DescribeTextThatIsShown:
    def it_is_short_and_says_how_much_is_not_there(self) -> None:
        text = shown("a" * 1_000_000 + "z", most=100)
        assert len(text) < 150
        assert text.startswith("aaa")
        assert text.endswith("z")
        assert "more signs" in text

    def it_is_one_line_that_steers_no_terminal(self) -> None:
        assert shown("a\nb\x1b[2Jc\td\u2028") == r"a\nb\x1b[2Jc\td\u2028"

    def it_is_what_every_problem_holds(self) -> None:
        problem = Problem("s3://u:hunter2@h/x", "x" * 10**6, "y" * 10**6, "a\nb", "sig=hunter2")
        assert "hunter2" not in str(problem) + str(problem.as_record())
        assert len(str(problem)) < 10_000
        assert "\n" not in str(problem)
