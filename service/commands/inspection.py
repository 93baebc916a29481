"""Commands that look at the hub's own file: the trail re-derived, and a text searched for in the bytes."""

from __future__ import annotations

from typing import Any

from service import checkpoints
from service.wiring import HUB_FILE, Hub
from store.access import Permission, Viewer, require
from store.errors import BadInput

CHUNK = 1 << 20


def verify_audit(
    hub: Hub, viewer: Viewer, *, data: bool = False, against: str | None = None, root_key: str | None = None
) -> dict[str, Any]:
    """The audit trail re-derived from its leaves; with data, every table they speak of as well.

    against: a checkpoint that was kept elsewhere. root_key: the fingerprint that `init` printed.
    INTEGRITY (was anything changed) and COMPLETENESS (what never came, or was set aside) are told apart.
    """
    require(viewer, Permission.AUDIT_READ)
    found = hub.store.reads(viewer).verify_trail(data=data)
    out = found.as_json()
    compared = [
        _beside(hub),
        checkpoints.against(hub, against, name="the checkpoint given") if against is not None else None,
    ]
    for one in compared:
        out["flaws"] += one["flaws"] if one else []
    if root_key is not None and _bare(root_key) != _bare(out["signature"]["root_key"] or ""):
        told = {"expected": root_key, "found": out["signature"]["root_key"] or "no key"}
        out["flaws"].append({"what": "the root key is another one", "where": "event 0", **told})
    out["against"] = compared[1]
    out["holds"] = not out["flaws"]
    if out["flaws"]:
        out["integrity"] = "tampered"
    out["completeness"] = completeness(hub, viewer)
    return out


def _beside(hub: Hub) -> dict[str, Any] | None:
    """The copy of the newest checkpoint that lies in the hub's folder: who edits the database alone forgets it."""
    path = None if hub.path is None else hub.path / checkpoints.NEWEST
    if path is None or not path.exists():
        return None
    return checkpoints.against(hub, checkpoints.read_kept(path), name=checkpoints.NEWEST)


def _bare(fingerprint: str) -> str:
    return fingerprint.replace(" ", "").lower()


def completeness(hub: Hub, viewer: Viewer) -> dict[str, Any]:
    """What is not in the record though it might be: sites that are silent, rows that could not be read, files kept
    aside, people whose names were erased. Not a matter of integrity.
    """
    reads = hub.store.reads(viewer)
    sites = reads.sites()
    silent = [
        {"site": site["site"], "hours": site["hours_silent"]} for site in sites if site["fresh"] in ("silent", "never")
    ]
    erased = reads.one(
        "SELECT count(*) AS n FROM audit_leaf ANTI JOIN audit_private USING (seq) WHERE seq <= ?", [reads.seq]
    )
    return {
        "sites": len(sites),
        "silent": silent,
        "quarantined": sum(site["quarantined"] or 0 for site in sites),
        "kept_aside": len(reads.aside()),
        "erased": erased["n"] if erased else 0,
    }


def search_hub_file(hub: Hub, viewer: Viewer, *, text: str) -> dict[str, Any]:
    """How often a text stands in the hub's tables and in the bytes of its file: what never left a site is not here.

    The file is compressed, so its bytes alone would prove nothing: every text column of every table is searched too.
    """
    require(viewer, Permission.AUDIT_READ)
    if len(text.strip()) < 3:
        raise BadInput("a text to search for has at least 3 characters", advice="Give a name or an identifier.")
    in_tables, searched = _in_tables(hub, text.strip())
    in_bytes = _in_bytes(hub, text.strip().encode())
    return {
        "schema": "bailiwick/search/1",
        "text": text.strip(),
        "found": in_tables + in_bytes,
        "in_tables": in_tables,
        "in_bytes": in_bytes,
        "columns_searched": searched,
    }


def _in_tables(hub: Hub, text: str) -> tuple[int, int]:
    cursor = hub.store.cursor()
    columns = cursor.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND data_type IN ('VARCHAR', "
        "'VARCHAR[]', 'BLOB')"
    ).fetchall()
    found = 0
    for table, column in columns:
        name, of = ('"' + part.replace('"', '""') + '"' for part in (column, table))
        hits = cursor.execute(f"SELECT count(*) FROM {of} WHERE contains({name}::VARCHAR, ?)", [text]).fetchall()
        found += int(hits[0][0])
    return found, len(columns)


def _in_bytes(hub: Hub, needle: bytes) -> int:
    """Occurrences in the hub's file and its write-ahead log, read in pieces that overlap by the needle's length."""
    found = 0
    for path in (hub.folder / HUB_FILE, hub.folder / f"{HUB_FILE}.wal"):
        if not path.exists():
            continue
        with path.open("rb") as stream:
            tail = b""
            while piece := stream.read(CHUNK):
                found += (tail + piece).count(needle)
                tail = (tail + piece)[-(len(needle) - 1) :] if len(needle) > 1 else b""
    return found
