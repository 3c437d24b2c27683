"""The harness with a real test web: a small crawl by hand passes both judges, and the config is well-formed TOML."""

from __future__ import annotations

import http.client
import ssl
import tempfile
import time
import tomllib
import unittest
from pathlib import Path

from harness.checker import Options, check, map_key, read_annotations
from harness.daemon import Daemon, config_for
from harness.judge import Rules, judge
from harness.urls import canonical
from harness.web import Web, make_sample


class HarnessTest(unittest.TestCase):
    def setUp(self):
        self._temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self._temporary.cleanup)
        self.directory = Path(self._temporary.name)

    def fetch(self, web: Web, url: tuple[str, str, str]) -> http.client.HTTPResponse:
        scheme, host, target = url
        if scheme == "http":
            connection = http.client.HTTPConnection("127.0.0.1", web.http_port, timeout=10)
        else:
            context = ssl.create_default_context(cafile=str(web.ca_file))
            connection = http.client.HTTPSConnection("127.0.0.1", web.https_port, timeout=10)
            connection.connect = lambda: self.connect_as(connection, context, host)
        connection.request("GET", target, headers={"Host": host})
        self.addCleanup(connection.close)
        return connection.getresponse()

    def connect_as(self, connection: http.client.HTTPSConnection, context: ssl.SSLContext, host: str) -> None:
        http.client.HTTPConnection.connect(connection)
        connection.sock = context.wrap_socket(connection.sock, server_hostname=host)

    def test_a_crawl_by_hand(self):
        sample = self.directory / "sample.jsonl"
        summary = make_sample(sample, annotations=60, hosts=20, seed=3, bad_lines=True)
        _, urls = read_annotations([sample])
        root = self.directory / "images"
        root.mkdir()
        entries = {}
        with Web(self.directory / "web") as web:
            for index, (key, raw) in enumerate(urls.items()):
                url = canonical(raw)
                if url is None:
                    continue
                response = self.fetch(web, url)
                self.assertEqual(response.status, 200)
                entries[key] = f"{index}.jpg"
                (root / entries[key]).write_bytes(response.read())
            expected = web.expected(["a.test/1.jpg"])
            self.assertEqual(len(expected["a.test/1.jpg"][0]), 64)
        self.assertEqual(len(entries), summary["distinct_urls"])
        report = check([sample], web.log_file, root, entries, Options(require_all=True))
        self.assertEqual(dict(report.problems), {})
        self.assertEqual(report.images_served, summary["distinct_urls"])
        # One request at a time, but without any pace: the judge must see it.
        verdict = judge(web.requests(), Rules(min_interval_ms=100))
        self.assertEqual({violation.kind for violation in verdict.violations}, {"too_soon"})
        self.assertEqual(verdict.peak_open_per_host, 1)

    def test_retry_after_is_judged_from_a_real_log(self):
        rules = [{"host": "busy.test", "first_n": 1, "status": 429, "retry_after": "2"}]
        with Web(self.directory / "web", rules) as web:
            for _ in range(2):
                self.fetch(web, ("https", "busy.test", "/x.jpg")).read()
                time.sleep(0.2)  # well before the two seconds are over, well behind a crossing
        verdict = judge(web.requests(), Rules())
        self.assertEqual([violation.kind for violation in verdict.violations], ["before_retry_after"])

    def test_the_config_is_toml_with_the_webs_ports(self):
        with Web(self.directory / "web") as web:
            config = config_for(web, self.directory, ["a.jsonl"], politeness={"min_interval": "20ms"})
            daemon = Daemon(self.directory / "run", config)
            tables = tomllib.loads(daemon.config_file.read_text())
            self.assertEqual(tables["network"]["port_map"], {"80": web.http_port, "443": web.https_port})
            self.assertEqual(tables["politeness"]["min_interval"], "20ms")
            self.assertEqual(tables["politeness"]["connections_per_host"], 2)
            self.assertEqual(tables["tls"]["ca_file"], str(web.ca_file))

    def test_kill_and_restart(self):
        program = self.directory / "sleeper"
        program.write_text("#!/bin/sh\nexec sleep 60\n")
        program.chmod(0o755)
        config = {"storage": {"root": self.directory / "r"}, "state": {"dir": self.directory / "s"}}
        daemon = Daemon(self.directory, config, program=program)
        with daemon:
            daemon.start()
            self.assertTrue(daemon.running())
            daemon.kill()
            self.assertFalse(daemon.running())
            self.assertEqual(len(daemon.kills_ns), 1)
            daemon.start()
            self.assertLess(daemon.terminate(), 0)


if __name__ == "__main__":
    unittest.main()
