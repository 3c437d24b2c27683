"""A name server that passes questions on to another one, until it is told to fail."""

from __future__ import annotations

import socket
import threading

SERVFAIL = 2


class DnsRelay:
    """UDP only; a context manager. `mode` may change at any time: "relay", "servfail" or "silent"."""

    def __init__(self, upstream_port: int) -> None:
        self.mode = "relay"
        self._upstream = ("127.0.0.1", upstream_port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._back.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._askers: dict[bytes, tuple] = {}  # by the query's id and question
        self._threads = [threading.Thread(target=serve, daemon=True) for serve in (self._questions, self._answers)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for end in (self._socket, self._back):
            try:
                end.shutdown(socket.SHUT_RD)
            except OSError:
                pass  # an unconnected socket says so, and its reader wakes all the same
            end.close()
        for thread in self._threads:
            thread.join(10)

    @staticmethod
    def _key(message: bytes) -> bytes:
        question = message[12 : message.index(b"\0", 12) + 5]
        return message[:2] + question.lower()

    def _questions(self) -> None:
        while True:
            try:
                message, asker = self._socket.recvfrom(4096)
            except OSError:
                return
            if not message:
                return
            if self.mode == "relay":
                self._askers[self._key(message)] = asker
                self._back.sendto(message, self._upstream)
            elif self.mode == "servfail":
                flags = (0x8180 | SERVFAIL).to_bytes(2, "big")
                self._socket.sendto(message[:2] + flags + message[4:6] + bytes(6) + self._question(message), asker)

    @staticmethod
    def _question(message: bytes) -> bytes:
        return message[12 : message.index(b"\0", 12) + 5]

    def _answers(self) -> None:
        while True:
            try:
                message, _ = self._back.recvfrom(65535)
            except OSError:
                return
            if not message:
                return
            asker = self._askers.pop(self._key(message), None)
            if asker is not None:
                self._socket.sendto(message, asker)
