"""gritctl optout: a domain that does not want to be in the dataset."""

from __future__ import annotations

import json
import unittest

from harness.case import CrawlCase
from harness.checker import read_map

POLITENESS = {"min_interval": "20ms", "connections_per_address": 4096, "connections_per_domain": 64}
# Their images come from one URL, so their bytes are equal.
SHARED = {"name": "shared", "path": "/shared*", "redirect": {"to": "https://origin.test/the.jpg"}}


def urls_of(host: str, count: int) -> list[str]:
    return [f"https://{host}/{number}.jpg" for number in range(count)]


def lines_of(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class OptOut(CrawlCase):
    def crawl(self, urls: list[str], rules: list[dict] | None = None):
        web = self.web(rules)
        daemon = self.daemon(web, [self.annotations(urls)], politeness=POLITENESS)
        daemon.start(once=False)
        return web, daemon

    def images_of(self, daemon) -> set[str]:
        return {str(path.relative_to(daemon.root)) for path in daemon.root.glob("[0-9]*/*")}

    def optout(self, daemon, *words: str) -> dict:
        answer = daemon.ctl_json("optout", *words)
        self.assertEqual(answer["state"], "done")
        return answer

    def test_a_domain_is_listed_and_deleted(self):
        urls = urls_of("img.objects.test", 10) + urls_of("objects.test", 5) + urls_of("other.test", 10)
        urls += ["https://objects.test/shared.jpg", "https://third.test/shared.jpg", "https://IMG.objects.test:443/3.jpg"]
        web, daemon = self.crawl(urls, [SHARED])
        self.wait_settled(daemon, 30)
        before = read_map(daemon.state_dir)
        images = self.images_of(daemon)
        self.assertEqual((len(before), len(images)), (28, 26))

        dry = self.optout(daemon, "OBJECTS.test", "--delete", "--dry-run")
        self.assertEqual((dry["listed"], dry["files_removed"], dry["files_kept"]), (16, 15, 1))
        self.assertEqual((read_map(daemon.state_dir), self.images_of(daemon)), (before, images))
        self.assertEqual(daemon.ctl_json("blocks"), {"blocks": []})
        self.assertEqual(lines_of(daemon.state_dir / "optouts.jsonl"), [])

        said = daemon.ctl("optout", "objects.test", "--delete", "--reason", "asked by mail")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("16 records deleted, 15 files removed", said.stdout)
        self.assertIn("1 files stay", said.stdout)
        after = read_map(daemon.state_dir)
        self.assertEqual({url for url in before if b"objects.test" in url.lower()}, set(before) - set(after))
        self.assertEqual(self.images_of(daemon), set(after.values()))
        [ledger] = lines_of(daemon.state_dir / "optouts.jsonl")
        self.assertEqual(
            (ledger["domain"], ledger["reason"], ledger["listed"], ledger["deleted"], ledger["files_kept"]),
            ("objects.test", "asked by mail", 16, 16, 1),
        )
        listed = lines_of(daemon.state_dir / "optouts" / ledger["list"])
        self.assertEqual({line["url"]: line["path"] for line in listed},
                         {url.decode(): path for url, path in before.items() if b"objects.test" in url and b"IMG" not in url})
        record = self.control(daemon).record("https://objects.test/0.jpg")
        self.assertEqual((record["outcome"], record["path"]), ("opted_out", None))
        outcomes = self.control(daemon).status()["outcomes"]
        # Which of the two that share an image was stored first is the crawl's affair.
        self.assertEqual(outcomes["stored"] + outcomes.get("duplicate_content", 0), 11)
        self.assertEqual((outcomes["opted_out"], outcomes["duplicate_url"]), (16, 1))
        asked = len(web.requests())
        with open(daemon.config["input"]["annotations"][0], "a", encoding="utf-8") as more:
            more.writelines(f'{{"url": "{url}"}}\n' for url in urls_of("new.objects.test", 3))
        self.assertEqual(daemon.ctl("reload").returncode, 0)
        self.wait_for("they have ended", lambda: self.control(daemon).status()["outcomes"]["opted_out"] == 19)
        self.assertEqual(len(web.requests()), asked, "it stays blocked")
        self.terminate(daemon)

    def test_nothing_slips_through_while_it_is_being_crawled(self):
        rules = [{"name": "slow", "host": "*.objects.test", "delay_ms": 120}]
        urls = [url for number in range(20) for url in urls_of(f"h{number}.objects.test", 40)] + urls_of("other.test", 50)
        web, daemon = self.crawl(urls, rules)
        control = self.wait_ready(daemon)
        self.wait_for("some are stored", lambda: control.status()["outcomes"].get("stored", 0) > 60)
        answer = self.optout(daemon, "objects.test", "--delete")
        self.assertGreater(answer["deleted"], 30)
        status = self.wait_settled(daemon, 30)
        self.assertEqual(status["outcomes"], {"stored": 50, "opted_out": 800})
        self.assertEqual({url for url in read_map(daemon.state_dir) if b"objects.test" in url}, set())
        self.assertEqual(self.images_of(daemon), set(read_map(daemon.state_dir).values()))
        self.terminate(daemon)

    def test_what_is_no_domain_is_refused(self):
        web, daemon = self.crawl(urls_of("a.test", 1))
        self.wait_settled(daemon, 20)
        done = daemon.ctl("optout", "127.0.0.1")
        self.assertEqual((done.returncode, "is an address" in done.stderr), (1, True), done.stderr)
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
