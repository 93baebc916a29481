"""What one call to ingest says about all of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from store.receipt import Kind


@dataclass(frozen=True, kw_only=True)
class Delivery:
    site: str
    timezone: str | None
    kind: Kind
    model: str | None
    """As the caller gave it; None: the log's own, else the only one there is."""
    version: str | None
    """The same; None: the log's own, else the newest."""
    clock_skew: timedelta | None = None
    """How far ahead of the hub the site's clock may be; None: nothing is held against it."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The source's own, as text."""
    grows: bool = True
    """Whether its files have names, so that one which has grown since is known again."""
    key_sha256: str | None = None
    """Of the name that the sender gave to this sending (`Idempotency-Key`)."""
