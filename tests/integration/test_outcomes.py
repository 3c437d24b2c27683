"""One host per behaviour of the web, and the outcome that its URL has to get; how often it was asked for on the way."""

from __future__ import annotations

import socket
import unittest
from collections import Counter
from dataclasses import dataclass, field

from harness.case import CrawlCase
from harness.daemon import free_port

SCHEDULE = ["300ms", "600ms"]
ALL_TRIES = len(SCHEDULE) + 1
MAX_BODY = 256 * 1024
# The web's address alone: all other private ones are refused, the rest of loopback too.
ALLOWED = ["127.0.0.1/32"]


@dataclass
class Behaviour:
    """What one host does, and what has to become of http(s)://NAME.test/1.jpg."""

    name: str
    outcome: str
    status: int | None = None
    requests: int = 1  # for the picture; robots.txt is asked for besides
    rule: dict = field(default_factory=dict)
    scheme: str = "https"
    port: int | None = None
    detail: str = ""  # is in the record's detail
    final_url: str | None = None

    @property
    def host(self) -> str:
        return f"{self.name}.test"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}{f':{self.port}' if self.port else ''}/1.jpg"


def status(code: int, outcome: str, requests: int = 1) -> Behaviour:
    return Behaviour(f"status{code}", outcome, code, requests, {"status": code})


def redirect(name: str, to: str, outcome: str, path: str = "*.jpg", **more) -> Behaviour:
    rule = {"path": path, "redirect": {"to": to, "status": more.pop("by", 302)}}
    return Behaviour(name, outcome, more.pop("status", 302), 1, rule, **more)


def moved(code: int) -> Behaviour:
    return redirect(f"moved{code}", "there.jpg", "stored", "/1.jpg", status=200, by=code, final_url=f"https://moved{code}.test/there.jpg")


BEHAVIOURS = [
    Behaviour("plain", "stored", 200),
    status(404, "http_not_found"),
    status(410, "http_not_found"),
    status(401, "http_forbidden"),
    status(403, "http_forbidden"),
    status(451, "http_forbidden"),
    status(418, "http_client_error"),
    status(500, "http_server_error", ALL_TRIES),
    status(502, "http_server_error", ALL_TRIES),
    # Bodies.
    Behaviour("html", "not_an_image", 200, 1, {"html": True}),
    Behaviour("text", "not_an_image", 200, 1, {"body": "no picture here", "content_type": "image/jpeg"}),
    Behaviour("mislabelled", "stored", 200, 1, {"content_type": "text/html"}),
    Behaviour("empty", "empty_body", 200, 1, {"empty": True}),
    Behaviour("cut", "truncated_body", 200, ALL_TRIES, {"truncate": True}),
    Behaviour("cut_plain", "truncated_body", 200, ALL_TRIES, {"truncate": True}, "http"),
    Behaviour("cut_chunked", "truncated_body", 200, ALL_TRIES, {"truncate": 0.7, "chunked": True}),
    Behaviour("cut_image", "broken_image", 200, ALL_TRIES, {"image_cut": 0.6}),
    Behaviour("cut_unannounced", "broken_image", 200, ALL_TRIES, {"image_cut": 0.6, "no_length": True}, "http"),
    Behaviour("stall_head", "timeout_first_byte", None, ALL_TRIES, {"stall": "head"}),
    Behaviour("stall_body", "too_slow", 200, ALL_TRIES, {"stall": "body"}),
    Behaviour("drip", "too_slow", 200, ALL_TRIES, {"drip": 400}),
    Behaviour("endless", "too_large", 200, 1, {"endless": True}),
    Behaviour("endless_chunked", "too_large", 200, 1, {"endless": True, "chunked": True}, "http"),
    Behaviour("announced", "too_large", 200, 1, {"wrong_length": 4 * MAX_BODY}),
    Behaviour("too_long", "truncated_body", 200, ALL_TRIES, {"wrong_length": 100}),
    Behaviour("too_short", "broken_image", 200, ALL_TRIES, {"wrong_length": -200}),
    Behaviour("reset", "connection_reset", 200, ALL_TRIES, {"reset": True}),
    Behaviour("chunked", "stored", 200, 1, {"chunked": True}),
    Behaviour("no_length", "stored", 200, 1, {"no_length": True}),
    Behaviour("close", "stored", 200, 1, {"connection_close": True}),
    Behaviour("silent_close", "stored", 200, 1, {"silent_close": True}),
    Behaviour("opted_out", "opted_out", 200, 1, {"x_robots_tag": "noai"}, detail="noai"),
    # A hiccup is got over.
    Behaviour("hiccup", "stored", 200, 2, {"status": 500, "first_n": 1}),
    Behaviour("busy", "stored", 200, 3, {"status": 429, "retry_after": "1", "first_n": 2}),
    Behaviour("unavailable", "stored", 200, 2, {"status": 503, "retry_after": "1", "first_n": 1}),
    # Redirects.
    redirect("moved", "https://plain2.test/there.jpg", "stored", status=200, final_url="https://plain2.test/there.jpg"),
    redirect(
        "moved_plain", "http://plain2.test/here.jpg", "stored", status=200, final_url="http://plain2.test/here.jpg"
    ),
    redirect("relative", "away.jpg", "stored", status=200, final_url="https://relative.test/away.jpg", path="/1.jpg"),
    moved(301),
    moved(302),
    moved(303),
    moved(307),
    moved(308),
    redirect("itself", "{scheme}://{host}{path}", "redirect_refused"),
    redirect("ping", "https://pong.test/1.jpg", "redirect_refused", detail="max_redirects"),
    redirect("to_ftp", "ftp://plain.test/1.jpg", "redirect_refused", detail="ftp"),
    redirect("to_data", "data:image/png;base64,AAAA", "redirect_refused"),
    Behaviour("nowhere", "redirect_refused", 302, 1, {"status": 302}, detail="Location"),
    redirect("to_loopback", "http://127.0.0.2/1.jpg", "address_refused", status=None),
    redirect("to_private", "https://private.test/2.jpg", "address_refused", status=None),
    redirect("to_forbidden", "https://forbidding.test/1.jpg", "robots_denied", status=None),
    redirect("to_missing", "https://status404.test/2.jpg", "http_not_found", status=404),
    # TLS, DNS, TCP: the host is down, and its URL is never sent.
    Behaviour("wrong_name", "tls_certificate", None, 0, {"certificate": "wrong_name"}),
    Behaviour("expired", "tls_certificate", None, 0, {"certificate": "expired"}),
    Behaviour("self_signed", "tls_certificate", None, 0, {"certificate": "self_signed"}),
    Behaviour("handshake", "tls_handshake", None, 0, {"stall": "handshake"}),
    Behaviour("nxdomain", "dns_not_found", None, 0, {"dns": "nxdomain"}),
    Behaviour("nodata", "dns_not_found", None, 0, {"dns": "nodata"}),
    Behaviour("servfail", "dns_failure", None, 0, {"dns": "servfail"}),
    Behaviour("refused", "dns_failure", None, 0, {"dns": "refused"}),
    Behaviour("long_answer", "stored", 200, 1, {"dns": "truncated"}),
    Behaviour("private", "address_refused", None, 0, {"dns": "10.0.0.1"}),
    Behaviour("loopback6", "address_refused", None, 0, {"dns": ["::1"]}),
    Behaviour("mapped6", "address_refused", None, 0, {"dns": ["::ffff:10.0.0.1"]}),
    Behaviour("metadata", "address_refused", None, 0, {"dns": "169.254.169.254"}),
    Behaviour("closed", "connect_refused", None, 0, scheme="http", port=8081),
    Behaviour("deaf", "connect_timeout", None, 0, scheme="http", port=8082),
    Behaviour("bad_port", "address_refused", None, 0, scheme="http", port=25),
]
MORE_RULES = [
    {"name": "pong", "host": "pong.test", "redirect": {"to": "https://ping.test/1.jpg", "status": 302}},
    {"name": "forbidding", "host": "forbidding.test", "robots": "User-agent: *\nDisallow: /\n"},
]
# Lines whose URL can not be asked for: settled as they are read.
REFUSED_LINES = {
    "UNLIKELY": "bad_url",
    "//plain.test/no_scheme.jpg": "bad_url",
    "https://": "bad_url",
    "https://plain.test:99999/1.jpg": "bad_url",
    "https://plain.test/" + "x" * 9000: "bad_url",
    "ftp://plain.test/1.jpg": "scheme_refused",
    "data:image/png;base64,AAAA": "scheme_refused",
    "file:///etc/passwd": "scheme_refused",
}


class DeafServer:
    """A port that accepts no more: its queue is full, further SYNs get no answer."""

    def __enter__(self) -> int:
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.listener.getsockname())
            self.fillers.append(filler)
        return self.listener.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        for one in (self.listener, *self.fillers):
            one.close()


class Outcomes(CrawlCase):
    FETCH = {
        "connect_timeout": "1s",
        "first_byte_timeout": "1s",
        "idle_timeout": "1s",
        "total_timeout": "20s",
        "max_body": f"{MAX_BODY}B",
        "max_redirects": 3,
        "max_in_flight": 300,
    }

    def start(self, web, source, **overrides):
        politeness = {"min_interval": "20ms", "connections_per_address": 4096, "connections_per_domain": 8}
        options = {
            "fetch": self.FETCH,
            "politeness": politeness,
            "retry": {"schedule": SCHEDULE},
            "network": {"allow": ALLOWED},
        }
        for table, keys in overrides.items():
            options[table] = options.get(table, {}) | keys
        daemon = self.daemon(web, [source], **options)
        daemon.start(once=False)
        return daemon

    def test_each_behaviour_gets_its_outcome(self):
        rules = [{"name": b.name, "host": b.host, **b.rule} for b in BEHAVIOURS if b.rule] + MORE_RULES
        source = self.annotations([b.url for b in BEHAVIOURS] + list(REFUSED_LINES))
        web = self.web(rules, mean_bytes=6000)
        with DeafServer() as deaf:
            ports = {"80": web.http_port, "443": web.https_port, "8081": free_port(), "8082": deaf}
            daemon = self.start(web, source, network={"port_map": ports, "allow": ALLOWED})
            self.wait_settled(daemon, 60)
        control = self.control(daemon)
        records = {b.name: control.record(b.url) for b in BEHAVIOURS}
        wrong = [(b.name, records[b.name]) for b in BEHAVIOURS if (records[b.name] or {}).get("outcome") != b.outcome]
        self.assertEqual([f"{name}: {record}" for name, record in wrong], [])
        by_ctl = daemon.ctl_json("record", BEHAVIOURS[0].url)
        self.assertEqual(by_ctl, records[BEHAVIOURS[0].name])
        refused = {url: control.ask("GET", "record", url=url)[1].get("outcome") for url in REFUSED_LINES}
        stats = control.stats()
        self.terminate(daemon)
        web.stop()
        self.check_records(records)
        self.check_requests(web)
        expected = Counter([b.outcome for b in BEHAVIOURS] + list(REFUSED_LINES.values()))
        self.assertEqual({name: count for name, count in stats["outcomes"].items() if count}, dict(expected))
        self.assertEqual(refused, REFUSED_LINES)

    def check_records(self, records: dict[str, dict]) -> None:
        for b in BEHAVIOURS:
            record = records[b.name]
            with self.subTest(b.name):
                self.assertEqual(record["state"], "done" if b.outcome == "stored" else "gone")
                self.assertEqual(record["http_status"], b.status)
                self.assertIn(b.detail, record["detail"] or "")
                self.assertIsNone(record["next_try"])
                self.assertEqual(record["path"] is not None, b.outcome == "stored")
                if b.final_url is not None:
                    self.assertEqual(record["final_url"], b.final_url)
                if b.outcome == "stored":
                    self.assertEqual(record["media_type"], "image/jpeg")
                    self.assertEqual(len(record["sha256"]), 64)
                    self.assertGreater(min(record["bytes"], record["width"], record["height"]), 0)

    def check_requests(self, web) -> None:
        times = Counter((r.host, r.path) for r in web.requests() if not r.is_robots)
        for b in BEHAVIOURS:
            with self.subTest(b.name):
                wanted = b.requests if b.name != "ping" else 2  # max_redirects = 3: ping, pong, ping, pong
                self.assertEqual(times[b.host, "/1.jpg"], wanted)
        self.assertEqual(times["pong.test", "/1.jpg"], 2)
        self.assertEqual(times["forbidding.test", "/1.jpg"], 0)
        self.assertEqual([host for host, _ in times if not host.endswith(".test")], [], "no address was dialled")

    def test_a_fetch_that_takes_too_long_ends(self):
        """Neither silent nor too slow, but not done in time."""
        web = self.web([{"name": "drip", "host": "drip.test", "drip": 4000}], mean_bytes=6000)
        candidates = [f"drip.test/{number}.jpg" for number in range(200)]
        large = next(url for url, (_, size) in web.expected(candidates).items() if size > 30_000)
        daemon = self.start(
            web, self.annotations([f"https://{large}"]), fetch={"total_timeout": "2s"}, retry={"schedule": ["200ms"]}
        )
        self.wait_settled(daemon, 20)
        record = self.control(daemon).record(f"https://{large}")
        self.assertEqual((record["outcome"], record["attempts"]), ("timeout_total", 2))
        self.terminate(daemon)

    def test_refusals_without_a_time_are_charged_to_the_host(self):
        web = self.web(
            [{"name": "busy", "host": "busy.test", "status": 429}, {"name": "out", "host": "out.test", "status": 503}]
        )
        urls = [f"https://{host}/{number}.jpg" for host in ("busy.test", "out.test") for number in range(3)]
        daemon = self.start(web, self.annotations(urls), retry={"once_patience": "1s"})
        control = self.wait_ready(daemon)
        self.wait_for("both hosts back off", lambda: control.status()["hosts"]["backoff"] == 2)
        for host in ("busy.test", "out.test"):
            seen = control.get(f"hosts/{host}")
            self.assertEqual((seen["state"], seen["remaining"], seen["gone_as"]), ("backoff", 3, None))
            self.assertGreater(seen["next_in_ms"], 50_000)
            self.assertLess(seen["next_in_ms"], 67_000)
        waiting = [control.record(url) for url in urls]
        self.assertEqual([(r["state"], r["outcome"]) for r in waiting], [("queued", None)] * 6)
        self.assertIsNone(control.record("https://busy.test/other.jpg"))
        explained = control.get("explain", url=urls[0])
        self.assertEqual(explained["host_state"], "backoff")
        self.assertEqual(
            control.status()["records"], {"pending": 6, "in_flight": 0, "waiting": 0, "done": 0, "gone": 0}
        )
        self.terminate(daemon)
        self.run_once(daemon, 20, code=7)
        asked = Counter(r.host for r in web.requests() if not r.is_robots)
        for host in ("busy.test", "out.test"):
            self.assertLessEqual(asked[host], 2, "what was open when the first refusal came, and never again")

    def test_a_name_server_that_does_not_answer_is_a_host_that_is_down(self):
        web = self.web([{"name": "silent", "host": "silent.test", "dns": "timeout"}])
        urls = ["https://silent.test/1.jpg", "https://well.test/1.jpg"]
        daemon = self.start(web, self.annotations(urls), retry={"schedule": ["100ms"]})  # a look-up takes 14 s
        self.wait_settled(daemon, 60)
        control = self.control(daemon)
        self.assertEqual(control.record("https://silent.test/1.jpg")["outcome"], "dns_failure")
        self.assertEqual(control.record("https://well.test/1.jpg")["outcome"], "stored")
        self.terminate(daemon)


if __name__ == "__main__":
    unittest.main()
