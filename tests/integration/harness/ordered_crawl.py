"""A small crawl to which an operator's orders are given: a repair, a volume given up, one that comes back, an adoption."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

from .checker import read_map
from .shards import all_samples
from .small_crawl import SmallCrawl

LIMIT_S = 60
BROKEN = 4


class OrderedCrawl(SmallCrawl):
    """Each order is carried out in a life that may be killed; `finish` gives it once more: each may be repeated."""

    _order_again = None

    def finish(self, environment: dict | None = None) -> None:
        if self._order_again is not None:
            self._order_again()
        super().finish(environment)

    def _live(self, environment: dict, act) -> bool:
        """A life in which `act` is done, unless gritd dies of it. @return whether it was killed."""
        self.daemon.start(once=False, environment=environment)
        try:
            self._case.wait_ready(self.daemon)
            act()
        except (OSError, self._case.failureException):  # nobody answers: it has to be dead
            self._case.wait_for("it is dead", lambda: not self.daemon.running(), 10)
        if self.daemon.running():
            self.daemon.signal(15)
        return self._end((0,))

    def _until(self, what: str, ready) -> None:
        self._case.wait_for(what, lambda: not self.daemon.running() or ready(), LIMIT_S)

    @property
    def _control(self):
        return self._case.control(self.daemon)

    def _forget_asked(self, keys: set[bytes]) -> None:
        """These are to be asked for again."""
        self._given_up = getattr(self, "_given_up", set()) | keys
        self._recorded = [(when, recorded - self._given_up) for when, recorded in self._recorded]

    def note_recorded(self) -> None:
        super().note_recorded()
        self._forget_asked(set())

    # Verify -----------------------------------------------------------------------------------------------------------

    def repair(self, environment: dict) -> bool:
        """Some images are broken behind gritd's back, and it mends that. @return whether it was killed meanwhile."""
        self.life({})
        self._break_some()
        self._order_again = lambda: self._live({}, self._repair)
        return self._live(environment, self._repair)

    def _repair(self) -> None:
        self._control.post("verify", {"repair": True})
        self._until("the repair is over", lambda: self._control.get("verify")["state"] != "running")

    def _break_some(self) -> None:
        """Of shards: one is cut, besides."""
        entries = read_map(self.daemon.state_dir)
        paths = sorted(set(entries.values()))
        broken = set(paths[:: len(paths) // BROKEN])
        root = self.daemon.root
        if "#" in paths[0]:
            samples = all_samples(root)
            last = [path for path in samples if path.startswith("00000.tar")][-2:]  # in the order of the archive
            cut_at = (root / "00000.tar").read_bytes().index(samples[last[0]].image) + 1
            for path in broken:
                with open(root / path.partition("#")[0], "r+b") as shard:
                    shard.seek(shard.read().index(samples[path].image) + 20)
                    shard.write(b"DAMAGE")
            os.truncate(root / "00000.tar", cut_at)
            broken |= set(last)
        else:
            for path in broken:
                (root / path).unlink()
        self._forget_asked({key for key, path in entries.items() if path in broken})

    # Volumes ----------------------------------------------------------------------------------------------------------

    def lose_volume(self, environment: dict) -> bool:
        """A volume is gone, and given up. @return whether gritd was killed meanwhile."""
        self.life({})
        [(name, path)] = self._volumes.items()
        entries = read_map(self.daemon.state_dir)
        self._forget_asked({key for key, location in entries.items() if location.startswith(name + "/")})
        self._case.assertTrue(self._given_up, "nothing was on it")

        def give_up() -> None:
            path.rename(path.with_name("away"))
            self._until("it is out", lambda: self._state_of(name) == "out")
            self._control.post("volumes/lost", {"volume": name})
            self._until("it is forgotten", lambda: self._state_of(name) is None or "volume.forgotten" in self.daemon.log_text())
    
        def go_on() -> None:
            self._volumes.clear()
            self.daemon.config["storage"]["volumes"] = {}
            self.daemon.write_config()
            noted = self.daemon.ctl("volumes", "lost", name, "--config", str(self.daemon.config_file))
            self._case.assertIn(noted.returncode, (0, 4), noted.stderr)  # 4: it is forgotten already

            def forgotten() -> None:
                self._until("the verify is over", lambda: self._control.ask("GET", "verify")[1].get("state") != "running")
        
            self._live({}, forgotten)

        self._order_again = go_on
        return self._live(environment, give_up)

    def return_volume(self, environment: dict) -> bool:
        """A volume goes, and comes back. @return whether gritd was killed meanwhile."""
        self.life({})
        [(name, path)] = self._volumes.items()

        def go_and_come() -> None:
            path.rename(path.with_name("away"))
            self._until("it is out", lambda: self._state_of(name) == "out")
            path.with_name("away").rename(path)
            (path / ".gritd" / "tmp" / "left-over.part").write_bytes(b"a part of an image")
            self._until("it is back", lambda: self._state_of(name) == "in_use")

        return self._live(environment, go_and_come)

    def _state_of(self, name: str) -> str | None:
        return next((one["state"] for one in self._control.get("volumes")["volumes"] if one["name"] == name), None)

    # Adoption ---------------------------------------------------------------------------------------------------------

    def adopt(self, environment: dict) -> bool:
        """Begins with nothing but what img2dataset would have left of a first crawl. @return whether gritd was killed meanwhile."""
        self.life({})
        lines = [source.read_bytes() for source in self.sources]
        old = self._folder / "old"
        keys = self._leave_as_img2dataset(old)
        for folder in self.folders:
            shutil.rmtree(folder)
            Path(folder).mkdir()
        for source in self.sources:
            source.write_bytes(b"")
        self.begin_again()

        def take_over() -> None:
            self._control.post("adopt", {"dir": str(old)})
            self._until("it is noted", lambda: self._control.get("adopt")["state"] != "running")

        died = self._live(environment, take_over)
        if died:
            self._live({}, take_over)
        self._recorded.append((time.time_ns(), keys))
        for source, text in zip(self.sources, lines):
            source.write_bytes(text)
        return self.life(environment) or died

    def _leave_as_img2dataset(self, old: Path) -> set[bytes]:
        """@return of which keys of the map there is an image."""
        shard = old / "00000"
        shard.mkdir(parents=True)
        entries = {key: path for key, path in read_map(self.daemon.state_dir).items() if b"#" not in key}
        for number, (key, path) in enumerate(entries.items()):
            (shard / f"{number:09d}.jpg").write_bytes((self.daemon.root / path).read_bytes())
            (shard / f"{number:09d}.json").write_text(json.dumps({"url": key.decode(), "key": f"{number:09d}", "status": "success"}))
        (old / "00000_stats.json").write_text(json.dumps({"count": len(entries), "successes": len(entries)}))
        return set(entries)
