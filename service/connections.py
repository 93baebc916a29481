"""The tables of bailiwick.toml that say where files come from: `[stores.NAME]`, an object store and how to be let in;
`[[pull]]`, a place that is looked at again and again.

Secrets stand there as references only. What is unknown, and a secret in clear, is refused with the file and the key;
the secret is not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from connectors.object_store import IDENTITIES, OPTIONS
from connectors.places import SCHEMES
from store.errors import did_you_mean
from store.fields import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """One `[stores.NAME]`."""

    name: str
    prefix: str
    options: Mapping[str, str]
    """As written: secrets are references."""

    def fits(self, where: str) -> bool:
        stem = self.prefix.rstrip("/")
        return where == stem or where.startswith(stem if stem.endswith(":") else stem + "/")


def read_store(name: str, table: Field) -> StoreSettings:
    """A table of bailiwick.toml; raises BadInput for what is unknown, and for a secret in clear, without telling it."""
    fields = table.open_mapping()
    if "prefix" not in fields:
        raise table.child("prefix", None).bad(
            "a URL", advice='Say which URLs it is for, such as prefix = "az://logs/".'
        )
    prefix = fields.pop("prefix")
    scheme = prefix.raw().partition("://")[0]
    if "://" not in prefix.raw() or scheme not in SCHEMES:
        raise prefix.bad(" or ".join(f"{each}://..." for each in SCHEMES))
    kind = OPTIONS[scheme]
    known = [key for key in kind.__dataclass_fields__ if key != "secrets"]
    for key, item in fields.items():
        if key not in known:
            raise item.bad(
                f"one of {', '.join(known)}", advice=did_you_mean(key, known), found=f'the unknown key "{key}"'
            )
        if key in kind.secrets and item.raw().partition(":")[0] not in ("env", "file"):
            raise item.bad(
                "a reference to a secret",
                advice="Write env:NAME or file:PATH, never the secret itself; and change it, for it stood in a file.",
                found="what is no reference (not repeated here)",
            )
    if "identity" in fields:
        fields["identity"].choice(IDENTITIES)
    if "endpoint" in fields and any(mark in fields["endpoint"].raw() for mark in "?@"):
        raise fields["endpoint"].bad("an address without credentials", found="one with `?` or `@` in it")
    return StoreSettings(name=name, prefix=prefix.raw(), options={key: item.raw() for key, item in fields.items()})


PULL_KEYS = {
    "site": "The site that it comes from.",
    "where": "A folder, a glob or an address of an object store; a relative path is below the hub's folder.",
    "format": "auto, or the name of a source.",
    "model": "M or M:V; left out, what the log names, else the only model there is.",
    "kind": "predictions, labels or attributions.",
    "every": "How often it is looked at, such as 15m; at least 10s.",
    "name": "What it is called; left out, site, model and kind. What was seen is remembered under it.",
}
PULLED_KINDS = ("predictions", "labels", "attributions")
"""A reference sets what every site is held against: people bring it, no clock."""
SOONEST = timedelta(seconds=10)
EVERY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullSettings:
    """One `[[pull]]`."""

    name: str
    site: str
    where: str
    format: str = "auto"
    model: str | None = None
    version: str | None = None
    kind: str = "predictions"
    every: timedelta = EVERY


def read_pulls(table: Field) -> dict[str, PullSettings]:
    """Every `[[pull]]` by name; raises BadInput for what is unknown, missing, or called the same twice."""
    out: dict[str, PullSettings] = {}
    for item in table.sequence():
        made = _pull(item)
        if made.name in out:
            raise item.bad(
                f"another name than {made.name}, which there is already",
                advice='Give each a name of its own: name = "..."',
            )
        out[made.name] = made
    return out


def _pull(item: Field) -> PullSettings:
    fields = item.mapping(*PULL_KEYS)
    for key in ("site", "where"):
        if key not in fields:
            raise item.child(key, None).bad("a value", advice=f"Add {key}. {PULL_KEYS[key]}")
    every = fields["every"].duration() if "every" in fields else EVERY
    if every < SOONEST:
        raise fields["every"].bad("10s or more")
    model, _, version = fields["model"].text().partition(":") if "model" in fields else ("", "", "")
    kind = fields["kind"].choice(PULLED_KINDS) if "kind" in fields else "predictions"
    site = fields["site"].slug()
    name = fields["name"].slug() if "name" in fields else "-".join(part for part in (site, model, kind) if part)
    return PullSettings(
        name=name,
        site=site,
        where=fields["where"].text(),
        format=fields["format"].slug() if "format" in fields else "auto",
        model=model or None,
        version=version or None,
        kind=kind,
        every=every,
    )
