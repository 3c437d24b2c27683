"""The checker on a hand-made crawl: it passes a right one, and fails on each kind of damage."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import tarfile
import tempfile
import unittest
from pathlib import Path

import lmdb

from harness import checker
from harness.checker import Options, check, map_key, read_map
from harness.log import S, Request
from harness.urls import canonical, resolve

START = 1_700_000_000 * S


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class CheckerTest(unittest.TestCase):
    """A crawl of two annotations that is right in every way; each test breaks one thing."""

    def setUp(self):
        self._temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self._temporary.cleanup)
        self.directory = Path(self._temporary.name)
        self.root = self.directory / "images"
        self.annotations = ["https://a.test/1.jpg", "https://b.test/2.png?x=1"]
        self.images = [b"first image", b"second image"]
        self.entries = {
            b"https://a.test/1.jpg": "00000/000000000.jpg",
            b"https://b.test/2.png?x=1": "00000/000000001.png",
        }
        self.log = [
            self.serving("a.test", "/1.jpg", self.images[0]),
            self.serving("b.test", "/2.png?x=1", self.images[1]),
        ]
        self.write("00000/000000000.jpg", self.images[0])
        self.write("00000/000000001.png", self.images[1])
        self.write(".gritd/tmp/left-over", b"part of an image")

    def write(self, name: str, data: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def serving(self, host: str, path: str, data: bytes, **fields) -> Request:
        return Request(
            t_ns=START, end_ns=START + 1, host=host, path=path, sha256=digest(data), bytes=len(data), **fields
        )

    def redirect(self, host: str, path: str, location: str) -> Request:
        return Request(t_ns=START, end_ns=START + 1, host=host, path=path, status=302, location=location)

    def files(self) -> tuple[Path, Path]:
        annotations = self.directory / "annotations.jsonl"
        annotations.write_text(
            "".join(json.dumps({"url": url}) + "\n" for url in self.annotations) + "no JSON\n\n[1]\n"
        )
        log = self.directory / "requests.jsonl"
        log.write_text("".join(json.dumps(dataclasses.asdict(request)) + "\n" for request in self.log))
        return annotations, log

    def check(self, **options) -> checker.Report:
        annotations, log = self.files()
        return check([annotations], log, self.root, self.entries, Options(**options))

    def assert_finds(self, kind: str, **options) -> checker.Report:
        report = self.check(**options)
        self.assertEqual({kind: len(cases) for kind, cases in report.problems.items() if cases}, {kind: 1})
        self.assertFalse(report.ok)
        return report

    def assert_right(self, **options) -> checker.Report:
        report = self.check(**options)
        self.assertEqual(dict(report.problems), {})
        self.assertTrue(report.ok)
        return report


class RightCrawls(CheckerTest):
    def test_everything_in_its_place(self):
        report = self.assert_right(require_all=True)
        self.assertEqual((report.annotations, report.distinct_urls, report.entries, report.files), (5, 2, 2, 2))
        self.assertEqual((report.images_served, report.refetched), (2, 0))

    def test_an_image_reached_by_redirects(self):
        self.annotations.append("http://c.test/3")
        self.entries[b"http://c.test/3"] = "00000/000000002.jpg"
        self.write("00000/000000002.jpg", b"third")
        self.log += [
            Request(
                t_ns=START,
                end_ns=START,
                host="c.test",
                path="/3",
                scheme="http",
                status=301,
                location="https://c.test/3",
            ),
            self.redirect("c.test", "/3", "/moved here.jpg#top"),
            self.serving("c.test", "/moved%20here.jpg", b"third"),
        ]
        self.assert_right(require_all=True)

    def test_equal_bytes_are_stored_once(self):
        self.annotations.append("https://c.test/same.jpg")
        self.entries[b"https://c.test/same.jpg"] = "00000/000000000.jpg"
        self.log.append(self.serving("c.test", "/same.jpg", self.images[0]))
        self.assert_right(require_all=True)

    def test_long_urls_are_entered_under_their_digest(self):
        path = "/" + "x" * 600
        self.annotations.append("https://a.test" + path)
        self.entries[b"sha256:" + digest(b"https://a.test" + path.encode()).encode()] = "00000/000000002.jpg"
        self.write("00000/000000002.jpg", b"long")
        self.log.append(self.serving("a.test", path, b"long"))
        self.assert_right(require_all=True)

    def test_members_of_tar_files(self):
        with tarfile.open(self.root / "00001.tar", "w") as tar:
            for name, data in (("000010000.jpg", b"in a tar"), ("000010000.json", b"{}")):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        self.annotations.append("https://t.test/1.jpg")
        self.log.append(self.serving("t.test", "/1.jpg", b"in a tar"))
        self.assertEqual(list(self.check().problems), ["file_without_entry", "served_but_not_stored"])
        self.entries[b"https://t.test/1.jpg"] = "00001.tar#000010000.jpg"
        self.assert_right(require_all=True)
        self.entries[b"https://t.test/1.jpg"] = "00001.tar#000010001.jpg"
        self.assertEqual(set(self.check().problems), {"file_missing", "file_without_entry"})

    def test_what_had_to_be_refused(self):
        self.annotations.append("https://o.test/1.jpg")
        self.log.append(self.serving("o.test", "/1.jpg", b"opted out", rule="noai"))
        self.assert_finds("served_but_not_stored")
        self.assert_right(refusing_rules=frozenset({"noai"}))


class Damage(CheckerTest):
    def test_a_missing_file(self):
        (self.root / "00000/000000000.jpg").unlink()
        self.assert_finds("file_missing")

    def test_a_path_out_of_the_root(self):
        self.entries[b"https://a.test/1.jpg"] = "../images/00000/000000000.jpg"
        self.assertIn("file_missing", self.check().problems)

    def test_changed_bytes(self):
        self.write("00000/000000000.jpg", self.images[0] + b"!")
        self.assert_finds("bytes_never_served")

    def test_a_torn_file(self):
        self.write("00000/000000000.jpg", self.images[0][:5])
        self.assert_finds("bytes_never_served")

    def test_another_urls_image(self):
        self.entries[b"https://a.test/1.jpg"] = "00000/000000001.png"
        self.assertIn("bytes_never_served", self.check().problems)

    def test_bytes_of_a_serving_that_broke(self):
        self.log[0] = self.serving("a.test", "/1.jpg", self.images[0], complete=False)
        self.assert_finds("bytes_never_served")

    def test_an_orphan(self):
        self.write("00000/000000007.jpg", b"nobody's")
        self.assert_finds("file_without_entry")

    def test_an_entry_of_no_annotation(self):
        self.annotations.pop()
        self.assert_finds("entry_without_annotation")

    def test_served_but_lost(self):
        del self.entries[b"https://a.test/1.jpg"]
        (self.root / "00000/000000000.jpg").unlink()
        self.assert_finds("served_but_not_stored")
        self.assert_right(finished=False)

    def test_never_even_served(self):
        self.annotations.append("https://c.test/never.jpg")
        self.assert_right()
        self.assert_finds("annotation_without_entry", require_all=True)

    def test_fetched_again(self):
        self.log.append(self.log[0])
        report = self.assert_finds("served_too_often")
        self.assertEqual(report.refetched, 1)
        report = self.assert_right(allowance=1)
        self.assertEqual(report.refetched_urls, ["2 x https://a.test/1.jpg"])

    def test_too_many_fetched_again_together(self):
        self.log += self.log
        self.assert_right(allowance=1, max_refetched=2)
        self.assert_finds("too_many_refetched", allowance=1, max_refetched=1)

    def test_redirect_targets_are_counted_apart(self):
        self.annotations.append("https://c.test/r")
        self.entries[b"https://c.test/r"] = "00000/000000000.jpg"
        self.log += [self.redirect("c.test", "/r", "https://a.test/1.jpg"), self.log[0]]
        report = self.assert_right(require_all=True)
        self.assertEqual(report.redirect_targets_served_again, 1)


class State(CheckerTest):
    def make_state(self) -> Path:
        state = self.directory / "state"
        with lmdb.open(str(state), max_dbs=16) as env:
            table = env.open_db(b"url_to_path")
            with env.begin(write=True, db=table) as transaction:
                for key, path in self.entries.items():
                    transaction.put(key, path.encode())
        return state

    def test_reads_the_table(self):
        self.assertEqual(read_map(self.make_state()), self.entries)

    def test_command_line(self):
        annotations, log = self.files()
        arguments = [
            "--annotations",
            str(annotations),
            "--log",
            str(log),
            "--root",
            str(self.root),
            "--state",
            str(self.make_state()),
        ]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(checker.main(arguments), 0)
        self.assertTrue(json.loads(out.getvalue())["ok"])
        self.write("00000/000000007.jpg", b"nobody's")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(checker.main(arguments), 1)
        self.assertEqual(json.loads(out.getvalue())["problem_counts"], {"file_without_entry": 1})


class Urls(unittest.TestCase):
    def test_canonical_forms(self):
        cases = {
            "https://Example.TEST": ("https", "example.test", "/"),
            "HTTP://a.test:80/x?y#z": ("http", "a.test", "/x?y"),
            " https://a.test/a b.jpg ": ("https", "a.test", "/a%20b.jpg"),
            "https://a.test/caf\u00e9?q=\u65e5": ("https", "a.test", "/caf%C3%A9?q=%E6%97%A5"),
            "https://a.test/x?a=1&amp;b=2": ("https", "a.test", "/x?a=1&b=2"),
            "https://a.test/a/./b/../c%2f%7e%zz": ("https", "a.test", "/a/c%2F~%25zz"),
            "https://user@a.test./?q": ("https", "a.test", "/?q"),
            "https://m\u00fcnchen.test/": ("https", "xn--mnchen-3ya.test", "/"),
        }
        for raw, expected in cases.items():
            self.assertEqual(canonical(raw), expected, raw)

    def test_no_web_urls(self):
        for raw in ("", "UNLIKELY", "ftp://a.test/x", "//a.test/x", "http://", "https:///x"):
            self.assertIsNone(canonical(raw), raw)

    def test_locations(self):
        base = ("https", "a.test", "/dir/x.jpg?q")
        self.assertEqual(resolve(base, "y z.jpg"), ("https", "a.test", "/dir/y%20z.jpg"))
        self.assertEqual(resolve(base, "//b.test/"), ("https", "b.test", "/"))
        self.assertIsNone(resolve(base, "ftp://b.test/"))

    def test_map_keys(self):
        self.assertEqual(map_key("x" * 500), b"x" * 500)
        self.assertTrue(map_key("x" * 501).startswith(b"sha256:"))
        self.assertEqual(len(map_key("\u65e5" * 200)), len(b"sha256:") + 64)


if __name__ == "__main__":
    unittest.main()
