"""A chat that actions of Great Expectations write to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self

SECRET = "T0/B1/s3cret"


class Chat:
    """A server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        self.waits = threading.Event()
        self.waits.set()
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                chat.waits.wait(10)
                content = self.rfile.read(int(self.headers["Content-Length"]))
                chat.posted.append((self.path, json.loads(content)))
                self.send_response(chat.status)
                self.end_headers()
                self.wfile.write(f"no {SECRET}".encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{SECRET}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.waits.set()
        self.server.shutdown()
