"""Starts and stops grit-testweb."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from . import processes
from .log import Request, read_log

STARTS = 5


class Web:
    """A running test web; a context manager.

    @param directory  receives its files; made if absent.
    @param rules      as of tests/web/README.md.
    """

    def __init__(
        self,
        directory: str | Path,
        rules: list[dict] | None = None,
        seed: int = 1,
        threads: int = 1,
        mean_bytes: int = 8192,
        addresses: int = 1,
        stop_after_s: float = 3600,
        program: str | Path | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.rules = rules or []
        self.program = Path(program) if program else processes.find_program("grit-testweb", "GRIT_TESTWEB")
        self._common = ["--seed", str(seed), "--mean-bytes", str(mean_bytes)]
        self._serving = ["--threads", str(threads), "--addresses", str(addresses), "--stop-after", str(stop_after_s)]
        if addresses > 1:
            self._serving += ["--http", "0.0.0.0:0", "--https", "0.0.0.0:0"]
        self._process: subprocess.Popen | None = None
        self.http_port = self.https_port = self.dns_port = 0

    def start(self) -> Web:
        """Its name server needs one number for TCP and for UDP, and the system gives it for one of them: where another process has the
        other one, it ends at once, and is started again."""
        for _ in range(STARTS):
            if self._came_up():
                return self
        raise RuntimeError("grit-testweb did not start")

    def _came_up(self) -> bool:
        script = self.directory / "script.json"
        script.write_text(json.dumps({"rules": self.rules}))
        ready = self.directory / "ready.json"
        ready.unlink(missing_ok=True)
        command = [
            str(self.program),
            "--dir",
            str(self.directory),
            "--script",
            str(script),
            *self._common,
            *self._serving,
        ]
        self._process = processes.start(command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while not ready.exists():
            if self._process.poll() is not None:
                return False
            if time.monotonic() > until:
                raise RuntimeError("grit-testweb does not come up")
            time.sleep(0.01)
        ports = json.loads(ready.read_text())
        self.http_port, self.https_port, self.dns_port = ports["http"], ports["https"], ports["dns"]
        return True

    def stop(self) -> None:
        """Ends it; all log lines are written then. Idempotent."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            status = self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._process = None
        if status != 0:
            raise RuntimeError(f"grit-testweb ended with {status}")

    def __enter__(self) -> Web:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def log_file(self) -> Path:
        return self.directory / "requests.jsonl"

    def requests(self) -> list[Request]:
        """What has ended so far; all of it after `stop()`."""
        return read_log(self.log_file)

    def expected(self, urls: list[str]) -> dict[str, tuple[str, int]]:
        """{url: (sha256, bytes)} for URLs written as `host/target`, a scheme before it is ignored."""
        command = [str(self.program), *self._common, "--expect", "-"]
        text = subprocess.run(command, input="\n".join(urls), capture_output=True, text=True, check=True).stdout
        rows = (line.split(" ", 2) for line in text.splitlines())
        return {url: (digest, int(size)) for digest, size, url in rows}


def make_sample(
    path: str | Path,
    annotations: int,
    hosts: int,
    seed: int = 1,
    bad_lines: bool = False,
    program: str | Path | None = None,
    zipf: float | None = None,
) -> dict:
    """Writes a GRIT-shaped annotation file; returns its summary (distinct_urls, duplicate_urls, bad_lines, ...)."""
    program = Path(program) if program else processes.find_program("grit-testweb", "GRIT_TESTWEB")
    command = [str(program), "--make-sample", str(path), "--annotations", str(annotations), "--hosts", str(hosts)]
    command += ["--seed", str(seed)] + (["--bad-lines"] if bad_lines else [])
    command += ["--zipf", str(zipf)] if zipf is not None else []
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
