"""A server on this machine that speaks S3, by moto: run by the Python of ``make objects``.

    python store_server.py [--ignore-conditions] [--refuse METHOD ...]

Prints its port once it listens. Requests are served one after the other, so what it promises of
conditional writes holds; with the first option it does as stores do that know nothing of them, with
the second as one where somebody may not do this: requests of these methods are answered 403.
"""

import sys
from collections.abc import Callable, Iterable
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):  # type: ignore[misc]
    def log(self, *_: Any, **__: Any) -> None:
        """Say nothing of each request."""


DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


def main(ignore_conditions: bool, refused: frozenset[str]) -> None:
    application = DomainDispatcherApplication(create_backend_app)

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in refused:
            start("403 Forbidden", [("Content-Type", "application/xml")])
            return [DENIED]
        if ignore_conditions:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        found: Iterable[bytes] = application(environ, start)
        return found

    server = make_server("127.0.0.1", 0, answer, request_handler=Quiet)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    words = sys.argv[1:]
    refused = words[words.index("--refuse") + 1 :] if "--refuse" in words else []
    main("--ignore-conditions" in words, frozenset(refused))
