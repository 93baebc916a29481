"""Commands about sites and their tokens."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.wiring import Hub
from store import writes
from store.access import Permission, Viewer, require
from store.canonical import make_id, sha256_hex
from store.errors import BadInput, UnknownName, did_you_mean
from store.events import Event

SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
KINDS = ("cloud", "datacentre", "edge", "hospital", "branch")
CLOCK_SKEW = timedelta(minutes=10)
SHARINGS = ("rows", "counts", "noisy-counts")


def add_site(
    hub: Hub,
    viewer: Viewer,
    *,
    name: str,
    title: str = "",
    kind: str = "cloud",
    region: str = "",
    jurisdiction: str = "",
    timezone: str = "",
    sharing: str = "rows",
    contact_window: timedelta | None = None,
    clock_skew: timedelta = CLOCK_SKEW,
) -> dict[str, Any]:
    """Registers a site. Sharing says what may leave it; the contact window, how long it may be silent;
    the clock skew, how far ahead of the hub its clock may be: rows from beyond that are set aside as `future`.
    """
    require(viewer, Permission.SITE_WRITE, site=name)
    if not SLUG.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot be a site's name",
            advice="Use lower-case letters, digits, dots, dashes and underscores, 63 at most; --title takes any text.",
        )
    _among("kind", kind, KINDS)
    _among("sharing", sharing, SHARINGS)
    if timezone:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise BadInput(
                f"no time zone called {timezone!r}", advice="Use an IANA name such as Europe/Dublin."
            ) from error
    with hub.store.turn():
        reads = hub.store.reads(viewer)
        if reads.one("SELECT site FROM site_at(?) WHERE site = ?", [reads.seq, name]):
            raise BadInput(f"there is a site {name} already", advice="Choose another name.", details={"site": name})
        row = {
            "site": name,
            "title": title or name,
            "kind": kind,
            "region": region,
            "jurisdiction": jurisdiction,
            "timezone": timezone or None,
            "sharing": sharing,
            "contact_window_s": int((contact_window or hub.config.contact_window).total_seconds()),
            "clock_skew_s": int(clock_skew.total_seconds()),
        }
        with hub.store.write(viewer.name, Event.SITE_RECORD_ADDED, name, dict(row)) as tx:
            writes.site(tx, **row)
    return {"schema": "bailiwick/site/1", **row, "seq": tx.seq}


def _among(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise BadInput(f"{what} {value!r} is none of {', '.join(known)}", advice=did_you_mean(value, known))


def issue_token(hub: Hub, viewer: Viewer, *, site: str) -> dict[str, Any]:
    """A new ingest token for a site: shown once, stored hashed."""
    require(viewer, Permission.SITE_WRITE, site=site)
    if hub.store.reads(viewer).site(site) is None:
        names = [row["site"] for row in hub.store.reads(viewer).sites()]
        raise UnknownName(f"no site called {site!r}", advice=did_you_mean(site, names))
    token = "bwt_" + secrets.token_urlsafe(32)
    hashed = sha256_hex(token)
    id_ = make_id("token", hashed)
    with hub.store.write(viewer.name, Event.SITE_TOKEN_ISSUED, site, {"token": id_}) as tx:
        writes.token(tx, token=id_, site=site, token_sha256=hashed)
    return {"schema": "bailiwick/token/1", "site": site, "id": id_, "token": token}
