"""Commands that look at the hub's own file: the trail re-derived, and a text searched for in the bytes."""

from __future__ import annotations

from typing import Any

from service.wiring import HUB_FILE, Hub
from store.access import Permission, Viewer, require
from store.errors import BadInput

CHUNK = 1 << 20


def verify_audit(hub: Hub, viewer: Viewer, *, data: bool = False) -> dict[str, Any]:
    """The audit trail re-derived from its leaves; with data, the rows, counts and results they speak of as well."""
    require(viewer, Permission.AUDIT_READ)
    return hub.store.reads(viewer).verify_trail(data=data).as_json()


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
