"""The scheduler: one thread of the server that runs approved requests at once, sends notices that wait, signs the
trail and looks at the places of `[[pull]]` when they are due, and runs the monitors at their interval.

A round that fails is logged and the next one comes all the same; what failed stays to be done.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from service import runtime
from service.checkpoints import checkpoint_when_due
from service.commands.evidently import evidently_report
from service.commands.inspection import verify_audit
from service.commands.monitoring import monitor
from service.commands.pulling import due, pull
from service.commands.retraining import run_request
from service.outbox import deliver
from service.wiring import Hub, wall_clock
from store.access import Grant, Viewer
from store.errors import BailiwickError

SCHEDULER = Viewer("scheduler", (Grant("admin"),))
ROUND_S = 5.0
PULL_S = 60.0
"""A visit of a pull begins no further file after this; the rest comes in the next round, after what else is due."""
log = logging.getLogger("bailiwick.scheduler")


@dataclass
class Scheduler:
    hub: Hub
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _measured_at: datetime | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._rounds, name="scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the round in hand."""
        self._ending.set()
        runtime.work.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _rounds(self) -> None:
        while not self._ending.is_set():
            try:
                self.round(wall_clock())
            except Exception:
                log.exception("a round of the scheduler failed; the next one comes")
            runtime.work.wait(ROUND_S)
            runtime.work.clear()

    def round(self, now: datetime) -> None:
        """Whatever is due: a verification that was asked for, approved requests, notices, pulls, then the monitors."""
        self._verify()
        self._evidently()
        for request in self.hub.store.reads(SCHEDULER).requests(state="approved"):
            if self._ending.is_set():
                return
            log.info("running request %s", request["id"])
            run_request(self.hub, SCHEDULER, id=request["id"])
        deliver(self.hub)
        self._sign()
        for name in due(self.hub, now):
            if self._ending.is_set():
                return
            done = pull(self.hub, SCHEDULER, name=name, seconds=PULL_S)
            log.info("pulled %s: took %s, %s waiting%s", name, done["taken"], done["waiting"], _told(done["error"]))
        if self._measured_at is None or now - self._measured_at >= self.hub.config.monitor_every:
            done = monitor(self.hub, SCHEDULER)
            self._measured_at = now
            log.info("measured %s results", done["results"])

    def _evidently(self) -> None:
        """Reports of Evidently's that pages have asked for; each runs in a process of its own."""
        for one in runtime.evidently_asked():
            viewer, asked = one["viewer"], one["asked"]
            runtime.told_of_evidently(viewer, asked, state="running")
            with tempfile.TemporaryDirectory(dir=self.hub.folder / "spool") as folder:
                page = Path(folder) / "evidently.html"
                try:
                    made = evidently_report(self.hub, viewer, **asked, output=page)
                except BailiwickError as error:
                    told = f"{error.message}. {error.advice}"
                    runtime.told_of_evidently(viewer, asked, state="failed", told=told)
                    continue
                html = page.read_bytes()
            runtime.told_of_evidently(viewer, asked, state="done", html=html, note=made["note"])

    def _verify(self) -> None:
        """For the page of the trail: hashing every table is nothing for the thread that draws it."""
        asked = runtime.verification()
        if asked["state"] != "waiting":
            return
        runtime.told_of_verification(state="running")
        try:
            found = verify_audit(self.hub, asked["viewer"], data=True)
        except BailiwickError as error:
            runtime.told_of_verification(state="failed", found={"told": f"{error.message}. {error.advice}"})
            return
        runtime.told_of_verification(state="done", found=found, known_at=self.hub.now())

    def _sign(self) -> None:
        """A trail that cannot be signed stops nothing else: `doctor` and `audit verify` say so."""
        try:
            made = checkpoint_when_due(self.hub)
        except BailiwickError as error:
            log.warning("the trail was not signed: %s", error)
            return
        if made is not None:
            log.info("signed the first %s events", made["size"])


def _told(error: str | None) -> str:
    return "" if error is None else f"; it failed: {error}"
