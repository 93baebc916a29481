"""The tables of bailiwick.toml that say where files come from: `[stores.NAME]`, an object store and how to be let in.

Secrets stand there as references only. What is unknown, and a secret in clear, is refused with the file and the key;
the secret is not repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
