"""The control socket by hand: what curl --unix-socket does, without gritctl in between."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.parse
from pathlib import Path


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str | Path, timeout_s: float) -> None:
        super().__init__("grit", timeout=timeout_s)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Control:
    """Asks one daemon. Raises OSError if nobody answers on the socket."""

    def __init__(self, socket_path: str | Path) -> None:
        self.socket_path = Path(socket_path)

    def raw(self, method: str, target: str, body: bytes | None = None, timeout_s: float = 30) -> tuple[int, str, bytes]:
        """(status, content type, body)"""
        connection = _Connection(self.socket_path, timeout_s)
        try:
            connection.request(method, target, body=body)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type", ""), answer.read()
        finally:
            connection.close()

    def ask(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, object]:
        """(status, the JSON of the answer)"""
        target = f"/v1/{path}" + (f"?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}" if query else "")
        payload = None if body is None else json.dumps(body).encode()
        status, _, text = self.raw(method, target, payload)
        return status, json.loads(text)

    def get(self, path: str, **query: str) -> dict:
        """The answer of a GET that has to be a 200."""
        status, answer = self.ask("GET", path, **query)
        if status != 200:
            raise RuntimeError(f"GET {path} {query}: {status} {answer}")
        return answer

    def post(self, path: str, body: object = None) -> dict:
        """The answer of a POST that has to succeed."""
        status, answer = self.ask("POST", path, body)
        if status not in (200, 202):
            raise RuntimeError(f"POST {path} {body}: {status} {answer}")
        return answer

    def status(self) -> dict:
        return self.get("status")

    def stats(self) -> dict:
        return self.get("stats")

    def record(self, url: str) -> dict | None:
        """All that is known of one URL; None if nothing is."""
        status, answer = self.ask("GET", "record", url=url)
        if status not in (200, 404):
            raise RuntimeError(f"record {url}: {status} {answer}")
        return answer if status == 200 else None
