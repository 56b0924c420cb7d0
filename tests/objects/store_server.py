"""A server on this machine that speaks S3, by moto: run by the Python of ``make objects``.

    python store_server.py [--ignore-conditions] [--meet ENDING] [--refuse METHOD ...]

Prints its port once it listens. Requests are served one after the other, so what it promises of
conditional writes holds; with the first option it does as stores do that know nothing of them, for
all keys, or those of the ending. With the second the first one that writes a key of this ending
waits until another one does: both were sent before either is answered; ``/_met`` tells whether that
has happened. With the third requests of these methods are answered 403. Once ``/_deny/TEXT`` was
asked for, nobody may read keys that hold the text, though they are listed.
"""

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):  # type: ignore[misc]
    def log(self, *_: Any, **__: Any) -> None:
        """Say nothing of each request."""


def denied(environ: dict[str, Any]) -> bytes:
    """Return an answer that holds what was sent, as that of a store which finds it wrong."""
    sent = environ.get("HTTP_AUTHORIZATION", "").replace("&", "")
    token = environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "")
    key = sent.partition("Credential=")[2].partition("/")[0]
    answer = (
        "<Error><Code>AccessDenied</Code><Message>Access Denied</Message>"
        f"<AWSAccessKeyId>{key}</AWSAccessKeyId><SignatureProvided>{sent}</SignatureProvided>"
        f"<StringToSign>x-amz-security-token:{token} {token}</StringToSign></Error>"
    )
    return answer.encode()


LONGEST_WAIT_SECONDS = 120


class Meeting:
    """Two requests that are both there before either is answered."""

    def __init__(self, ending: str | None) -> None:
        self._ending, self._barrier, self.met = ending, threading.Barrier(2), False

    def is_at(self, key: str) -> bool:
        """Whether this is where they meet; every key where none is named."""
        return self._ending is None or key.endswith(self._ending)

    def wait(self, method: str, key: str) -> None:
        if self._ending is None or self.met or method != "PUT" or not self.is_at(key):
            return
        try:
            self._barrier.wait(LONGEST_WAIT_SECONDS)
            self.met = True
        except threading.BrokenBarrierError:
            pass


def main(ignore_conditions: bool, refused: frozenset[str], meeting: Meeting) -> None:
    application = DomainDispatcherApplication(create_backend_app)
    one_at_a_time = threading.Lock()
    hidden: list[str] = []

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/_met":
            start("200 OK", [("Content-Type", "text/plain")])
            return [str(meeting.met).encode()]
        if environ["PATH_INFO"].startswith("/_deny/"):
            hidden.append(environ["PATH_INFO"].removeprefix("/_deny/"))
            start("200 OK", [("Content-Type", "text/plain")])
            return [b""]
        closed = any(text in environ["PATH_INFO"] for text in hidden)
        if environ["REQUEST_METHOD"] in (refused | {"GET", "HEAD"} if closed else refused):
            start("403 Forbidden", [("Content-Type", "application/xml")])
            return [denied(environ)]
        if ignore_conditions and meeting.is_at(environ["PATH_INFO"]):
            environ.pop("HTTP_IF_NONE_MATCH", None)
        meeting.wait(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        with one_at_a_time:
            found: Iterable[bytes] = application(environ, start)
        return found

    server = make_server("127.0.0.1", 0, answer, threaded=True, request_handler=Quiet)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    words = sys.argv[1:]
    refused = words[words.index("--refuse") + 1 :] if "--refuse" in words else []
    ending = words[words.index("--meet") + 1] if "--meet" in words else None
    main("--ignore-conditions" in words, frozenset(refused), Meeting(ending))
