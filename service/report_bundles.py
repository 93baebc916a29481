"""Bundles: a PDF report with everything that a reader needs to check it alone."""

from __future__ import annotations

from typing import Any

from reports.bundle import Parts, pack
from reports.identify import identify
from service import checkpoints
from service.signing_keys import load_signing_identity
from service.wiring import Hub
from store.access import Viewer
from store.canonical import sha256_hex
from store.errors import BadInput, Refused, UnknownName


def bundle_report(hub: Hub, viewer: Viewer, *, id: str) -> dict[str, Any]:
    """The zip of a PDF report, for whoever may read it; the root that it carries leaves the hub and is an anchor."""
    row = hub.store.reads(viewer).report(id_=id)
    if row is None:
        raise UnknownName(f"no report {id}", advice="List them with `bailiwick report list`.")
    if row["format"] != "pdf":
        raise BadInput(f"{id} is {row['format']}; a bundle holds a PDF", advice="Build the report as PDF.")
    path = hub.folder / "reports" / row["file"]
    content = path.read_bytes() if path.exists() else b""
    evidence = identify(content).evidence
    if sha256_hex(content) != row["sha256"] or evidence is None:
        raise Refused(
            f"the file of {id} is gone or is not the one that was built",
            advice="Restore the hub's reports/ from a backup; `bailiwick report verify` says what differs.",
        )
    proof = checkpoints.inclusion(hub, seq=row["seq"], actor=viewer.name)
    parts = Parts(
        report=content,
        evidence=evidence,
        event=proof["leaf"],
        checkpoint=proof["checkpoint"],
        index=proof["seq"],
        size=proof["size"],
        hashes=[bytes.fromhex(node) for node in proof["path"]],
        keys=proof["keys"],
        root_certificate=load_signing_identity(hub.folder / "keys").root,
    )
    checkpoints.anchor(hub, actor=viewer.name, size=proof["size"], root=proof["root"], kind="bundle", about=row["id"])
    return {
        "schema": "bailiwick/bundle/1",
        "id": id,
        "size": proof["size"],
        "root": proof["root"],
        "bytes": pack(parts),
    }
