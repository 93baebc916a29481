"""Every setting of `bailiwick.toml`, declared once: name, kind, default, help.

`service/config.py` reads by these declarations, `config show` and the file that `init` writes are drawn from
them, and so is the page in docs/. Nothing else names a default.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    TEXT = "text"
    TIME = "time"
    DURATION = "duration"
    WHOLE = "whole number"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    key: str
    """`section.name`; the environment's BAILIWICK_SECTION_NAME stands above the file."""
    kind: Kind
    default: str | None
    help: str

    @property
    def variable(self) -> str:
        return "BAILIWICK_" + self.key.replace(".", "_").upper()


SETTINGS = (
    Setting(key="hub.org", kind=Kind.TEXT, default="", help="The organisation whose hub this is, as reports name it."),
    Setting(
        key="hub.clock",
        kind=Kind.TIME,
        default=None,
        help="A pinned time that stands for now. For demonstrations and tests only; pages and reports say so.",
    ),
    Setting(
        key="hub.contact_window",
        kind=Kind.DURATION,
        default="24h",
        help="How long a site may be silent before that is an alert, where the site itself does not say.",
    ),
    Setting(
        key="hub.id_horizon",
        kind=Kind.DURATION,
        default="35d",
        help="Within this span of event time, a row with an id that is known already is a duplicate.",
    ),
    Setting(
        key="limits.request",
        kind=Kind.BYTES,
        default="256 MiB",
        help="The largest body of one HTTP request; a larger one is refused before it is read.",
    ),
    Setting(
        key="limits.record",
        kind=Kind.BYTES,
        default="64 MiB",
        help="The largest record: a line, an element of a JSON array, a payload. A larger one is set aside.",
    ),
    Setting(
        key="limits.columns",
        kind=Kind.WHOLE,
        default="512",
        help="Most columns of a table or a JSON record. A table of more is refused, a record set aside.",
    ),
    Setting(
        key="limits.depth",
        kind=Kind.WHOLE,
        default="64",
        help="Most lists and objects inside each other in JSON. A deeper record is set aside.",
    ),
    Setting(
        key="limits.expansion",
        kind=Kind.WHOLE,
        default="100",
        help="How many times its size a compressed file may expand to; 16 MiB are always allowed.",
    ),
    Setting(
        key="limits.memory",
        kind=Kind.BYTES,
        default="400 MiB",
        help="How much memory the hub's database may hold. Larger work goes through files in spool/, slower.",
    ),
    Setting(
        key="limits.retrain_time",
        kind=Kind.DURATION,
        default="1h",
        help="How long a retraining command may run before it is stopped.",
    ),
    Setting(
        key="limits.retrain_memory",
        kind=Kind.BYTES,
        default="4 GiB",
        help="How much memory a retraining command may take.",
    ),
    Setting(
        key="reports.time_stamp",
        kind=Kind.TEXT,
        default="",
        help="Address of an RFC 3161 time-stamp server that also dates signed reports; empty: none is asked.",
    ),
    Setting(
        key="server.address",
        kind=Kind.TEXT,
        default="127.0.0.1",
        help="The address `serve` listens on. Another than the machine's own needs sign-in: at least one user.",
    ),
    Setting(
        key="server.hosts",
        kind=Kind.TEXT,
        default="",
        help="Names, separated by commas, under which a proxy passes the console on; others are refused.",
    ),
    Setting(key="server.port", kind=Kind.WHOLE, default="8501", help="The port `serve` listens on."),
    Setting(
        key="server.session",
        kind=Kind.DURATION,
        default="12h",
        help="How long a sign-in lasts.",
    ),
    Setting(
        key="server.monitor_every",
        kind=Kind.DURATION,
        default="5m",
        help="How often the server looks for windows that are due.",
    ),
    Setting(
        key="trail.checkpoint_events",
        kind=Kind.WHOLE,
        default="1000",
        help="After how many events the trail is signed anew, beside every report and every export.",
    ),
    Setting(
        key="trail.checkpoint_every",
        kind=Kind.DURATION,
        default="1d",
        help="How long events may stand unsigned at most.",
    ),
)

BUDGET_KEYS = {
    "epsilon": "The cap on epsilon over any span of `per`, as text: exact, never rounded.",
    "delta": "The delta that goes with it, as text.",
    "per": "The span over which the cap holds.",
    "block": "The span of data that one noisy release covers: 1h, 1d or 7d (weeks start on Monday).",
}
"""The keys of `[people.NAME]`."""
