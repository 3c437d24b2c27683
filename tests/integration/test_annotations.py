"""What annotation files are like in the world: damaged, compressed, in parts, growing, replaced, huge."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from harness.case import CrawlCase, write_annotations
from harness.checker import Options, check, read_map
from harness.log import S
from harness.web import make_sample


def line_of(url: str) -> bytes:
    return json.dumps({"url": url, "caption": "c"}).encode() + b"\n"


def url_of(number: int) -> str:
    return f"https://h{number % 7}.test/{number}.jpg"


# Each is one line without its end. The reader's words are its own: only that there are some is checked.
BAD_LINES = {
    "no_json": b"this is no JSON",
    "blank": b"",
    "spaces": b"   ",
    "array": b'["https://h0.test/bad.jpg"]',
    "number": b"17",
    "text": b'"https://h0.test/bad.jpg"',
    "no_url": b'{"caption": "no url"}',
    "url_is_a_number": b'{"url": 5}',
    "url_is_null": b'{"url": null}',
    "url_is_a_list": b'{"url": ["https://h0.test/bad.jpg"]}',
    "unclosed": b'{"url": "https://h0.test/bad.jpg", "caption": "open',
    "damage_behind_the_url": b'{"url": "https://h0.test/bad.jpg", "caption": }',
    "two_objects": b'{"url": "https://h0.test/bad.jpg"}{"url": "https://h0.test/bad2.jpg"}',
    "bad_utf8": b'{"url": "https://h0.test/bad.jpg", "caption": "\xff\xfe"}',
    "nul": b'{"url": "https://h0.test/\x00bad.jpg"}',
    "only_nul": b"\x00\x00\x00\x00",
    "too_long": b'{"url": "https://h0.test/bad.jpg", "caption": "' + b"x" * (5 << 20) + b'"}',
    "deep": b'{"url": "https://h0.test/bad.jpg", "x": ' + b"[" * 3000 + b"]" * 3000 + b"}",
}


class Annotations(CrawlCase):
    POLITENESS = {"min_interval": "5ms", "connections_per_address": 4096, "robots": False}

    def crawler(self, web, sources: list, **overrides):
        return self.daemon(web, sources, politeness=self.POLITENESS, **overrides)

    def quarantine(self, daemon) -> list[dict]:
        text = (daemon.state_dir / "quarantine.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def requested(self, web) -> set[str]:
        return {f"{r.scheme}://{r.host}{r.path}" for r in web.requests()}

    # Damage -----------------------------------------------------------------------------------------------------------

    def test_bad_lines_are_put_aside_with_place_and_reason(self):
        source = self.directory / "damaged.jsonl"
        expected = []
        with open(source, "wb") as file:
            for number, (kind, bad) in enumerate(BAD_LINES.items()):
                file.write(line_of(url_of(2 * number)))
                expected.append((kind, 2 * number + 2, file.tell()))
                file.write(bad + b"\n")
            file.write(line_of(url_of(1)).replace(b"\n", b"\r\n") + line_of(url_of(3))[:-1])  # CRLF; no line end
        good = len(BAD_LINES) + 2
        web = self.web()
        daemon = self.crawler(web, [source])
        self.run_once(daemon, 30)
        quarantine = self.quarantine(daemon)
        self.assertEqual([(q["line"], q["byte_offset"]) for q in quarantine], [(line, at) for _, line, at in expected])
        for entry, (kind, _, _) in zip(quarantine, expected):
            with self.subTest(kind):
                self.assertEqual(set(entry), {"file", "line", "byte_offset", "reason", "excerpt"})
                self.assertEqual(entry["file"], str(source))
                self.assertGreater(len(entry["reason"]), 5)
                self.assertLessEqual(len(entry["excerpt"].encode()), 200)
        self.assertEqual(len({q["reason"] for q in quarantine}) > 6, True, "reasons tell the kinds apart")
        self.assertEqual(len(read_map(daemon.state_dir)), good, "every good line between them is stored")
        web.stop()
        self.assert_clean(
            check([source], web.log_file, daemon.root, read_map(daemon.state_dir), Options(max_refetched=0))
        )
        self.assertEqual(len(web.requests()), good)

    # Forms ------------------------------------------------------------------------------------------------------------

    def test_files_of_every_form_are_read_in_order(self):
        lines = [line_of(url_of(number)) for number in range(60)]
        part = self.directory / "part"
        part.mkdir()
        (part / "b-2.jsonl").write_bytes(b"".join(lines[10:20]))
        (part / "b-1.jsonl").write_bytes(b"\xef\xbb\xbf" + b"".join(lines[0:10]))
        two_members = gzip.compress(b"".join(lines[20:26])) + gzip.compress(b"".join(lines[26:30]))
        (self.directory / "c.jsonl.gz").write_bytes(two_members)
        zst = self.directory / "d.jsonl.zst"
        if shutil.which("zstd"):
            frames = [
                subprocess.run(["zstd", "-qc"], input=b"".join(some), capture_output=True, check=True).stdout
                for some in (lines[30:35], lines[35:40])
            ]
            zst.write_bytes(b"".join(frames))
        else:
            print("no zstd here: its file is a plain one")
            zst = self.directory / "d.jsonl"
            zst.write_bytes(b"".join(lines[30:40]))
        bad_gz = self.directory / "e.jsonl.gz"
        bad_gz.write_bytes(gzip.compress(b"".join(lines[40:50]) + b"broken\n" + b"".join(lines[50:60])))
        web = self.web()
        daemon = self.crawler(web, [part / "b-*.jsonl", self.directory / "c.jsonl.gz", zst, bad_gz])
        daemon.start(once=False)
        self.wait_settled(daemon, 30)
        ordinals = [self.control(daemon).record(url_of(number))["ordinal"] for number in range(60)]
        self.terminate(daemon)
        # Ordinals count lines of all files in the order given, globs sorted by name, bad lines too.
        self.assertEqual(ordinals, list(range(50)) + list(range(51, 61)))
        self.assertEqual(self.requested(web), {url_of(number) for number in range(60)})
        (bad,) = self.quarantine(daemon)
        self.assertEqual((bad["file"], bad["line"]), (str(bad_gz), 11))
        self.assertEqual(bad["byte_offset"], sum(map(len, lines[40:50])), "of what was compressed")

    def test_standard_input_is_read_to_its_end(self):
        web = self.web()
        daemon = self.crawler(web, ["-"])
        daemon.start(once=True, stdin=subprocess.PIPE)
        for number in range(300):
            daemon.stdin.write(line_of(url_of(number)))
        daemon.stdin.write(b"broken\n" + line_of(url_of(300))[:-1])
        daemon.stdin.close()
        self.finish(daemon, 30)
        self.assertEqual(self.requested(web), {url_of(number) for number in range(301)})
        (bad,) = self.quarantine(daemon)
        self.assertEqual((bad["file"], bad["line"]), ("-", 301))

    def test_a_slow_pipe_is_not_waited_for(self):
        web = self.web()
        daemon = self.crawler(web, ["-"])
        daemon.start(once=True, stdin=subprocess.PIPE)
        for number in range(10):
            daemon.stdin.write(line_of(url_of(number)))
        daemon.stdin.flush()
        self.wait_for("what the pipe brought so far is fetched", lambda: len(web.requests()) >= 10, 10)
        daemon.stdin.write(line_of(url_of(10)))
        daemon.stdin.close()
        self.finish(daemon, 30)
        self.assertEqual(len(web.requests()), 11)

    def test_a_pattern_without_files_is_refused_in_words(self):
        web = self.web()
        daemon = self.crawler(web, [self.directory / "nothing-*.jsonl"])
        daemon.start(once=True)
        self.assertNotIn(daemon.wait(20), (0, 7))
        self.assertIn("nothing-*.jsonl", daemon.log_text())

    # Growing and replaced ---------------------------------------------------------------------------------------------

    def test_appended_lines_are_picked_up(self):
        source = self.directory / "growing.jsonl"
        source.write_bytes(b"".join(line_of(url_of(number)) for number in range(10)))

        def append(first: int, last: int, tail: bytes = b"") -> None:
            with open(source, "ab") as file:
                file.write(b"".join(line_of(url_of(number)) for number in range(first, last)) + tail)

        def has(last: int):
            return lambda: self.requested(web) == {url_of(number) for number in range(last)}

        web = self.web()
        daemon = self.crawler(web, [source])
        daemon.start(once=False)
        self.wait_settled(daemon, 20)
        half = line_of(url_of(15))
        append(10, 15, half[:20])
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.wait_for("lines behind a reload", has(15))
        append(0, 0, half[20:])  # a writer was still at it
        daemon.signal(signal.SIGHUP)
        self.wait_for("lines behind a SIGHUP", has(16))
        self.wait_settled(daemon, 20)
        self.terminate(daemon)
        append(16, 20)
        self.run_once(daemon, 20)
        self.assertEqual(has(20)(), True, "lines behind a restart")
        self.assertEqual(self.quarantine(daemon), [])
        self.assertEqual(len(web.requests()), 20, "nothing was fetched twice")
        self.assertEqual(len(read_map(daemon.state_dir)), 20)

    def test_a_new_file_of_a_pattern_is_picked_up(self):
        write_annotations(self.directory / "day-1.jsonl", map(url_of, range(5)))
        web = self.web()
        daemon = self.crawler(web, [self.directory / "day-*.jsonl"])
        daemon.start(once=False)
        self.wait_settled(daemon, 20)
        write_annotations(self.directory / "day-2.jsonl", map(url_of, range(5, 9)))
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.wait_for("the new file's lines", lambda: len(web.requests()) == 9)
        self.terminate(daemon)

    def test_a_replaced_file_is_refused_in_words(self):
        source = self.annotations(map(url_of, range(10)))
        web = self.web()
        daemon = self.crawler(web, [source])
        daemon.start(once=False)
        self.wait_settled(daemon, 20)
        write_annotations(source, map(url_of, range(100, 130)), first_key=100)
        daemon.ctl("reload")
        control = self.control(daemon)
        problem = self.wait_for("the problem is shown", lambda: control.status()["input"].get("problem"))
        self.assertIn(str(source), problem)
        self.assertIn("another file", problem)
        self.assertIn("another file", daemon.ctl("status").stdout, "an operator sees it")
        self.terminate(daemon)
        self.run_once(daemon, 20, code=74)
        self.assertIn("another file", daemon.log_text())
        self.assertEqual(self.requested(web), {url_of(number) for number in range(10)})

    def test_a_cut_file_is_refused_in_words(self):
        source = self.annotations(map(url_of, range(10)))
        web = self.web()
        daemon = self.crawler(web, [source])
        self.run_once(daemon, 20)
        os.truncate(source, source.stat().st_size // 2)
        self.run_once(daemon, 20, code=74)
        self.assertIn(str(source), "\n".join(daemon.log_text().splitlines()[-4:]))
        self.assertEqual(len(web.requests()), 10)

    # Size -------------------------------------------------------------------------------------------------------------

    def test_fetching_begins_while_a_million_lines_are_read(self):
        source = self.directory / "million.jsonl"
        summary = make_sample(source, annotations=1_000_000, hosts=20_000, seed=2, bad_lines=True)
        source.read_bytes()  # into the page cache: the disk is not what is measured
        web = self.web()
        daemon = self.crawler(web, [source], fetch={"max_in_flight": 8})
        started_ns = time.time_ns()
        daemon.start(once=False)
        control = self.wait_ready(daemon)
        self.wait_for("the first request", lambda: web.requests(), 10, step_s=0.005)
        status = control.status()
        first_s = (web.requests()[0].t_ns - started_ns) / S
        print(f"first request after {first_s:.3f} s, {status['input']['lines']} lines on record then")
        self.assertFalse(status["input"]["complete"])
        self.assertEqual(status["state"], "ingesting")
        self.assertLess(first_s, 2)
        self.wait_for("all lines are read", lambda: control.status()["input"]["complete"], 60, step_s=0.1)
        print(f"all read after {(time.time_ns() - started_ns) / S:.1f} s")
        status = control.status()
        self.assertEqual(status["input"]["lines"], 1_000_000)
        self.assertEqual(status["input"]["quarantined"], summary["bad_lines"])
        self.assertEqual(status["input"]["bytes_read"], source.stat().st_size)
        self.assertEqual(len(self.quarantine(daemon)), summary["bad_lines"])
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
