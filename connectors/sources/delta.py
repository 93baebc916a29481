"""Delta tables in folders: which Parquet files are the table now. The only file that meets `deltalake`.

A folder of a Delta table also holds files that were deleted, rewritten or compacted since; whoever reads them all
counts rows twice. Refused: tables whose rows cannot be told from their files alone (deletion vectors, column mapping).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from connectors.base import File
from store.errors import BadInput, Final

LOG = "_delta_log"
NOT_IN_FILES = {
    "deletionVectors": "rows are deleted beside the files; run `REORG TABLE ... APPLY (PURGE)` and drop the feature",
    "columnMapping": "columns have other names in the files; write a copy with `CREATE TABLE ... AS SELECT`",
}


def is_delta(folder: Path) -> bool:
    return (folder / LOG).is_dir()


def delta_files(folder: Path) -> Iterator[File]:
    """The files of the table's newest version, sorted by name; each is a batch of its own."""
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError as error:
        raise Final(
            f"{folder} is a Delta table, and the package that reads its log is not installed",
            advice="Install it with `pip install 'bailiwick[delta]'`.",
            details={"package": "deltalake"},
        ) from error
    try:
        table = DeltaTable(str(folder))
        features = table.protocol().reader_features or []
        properties = table.metadata().configuration
        uris = table.file_uris()
    except (DeltaError, OSError, ValueError) as error:
        raise BadInput(
            f"{folder}: the log of this Delta table cannot be read: {error}",
            advice=f"Copy the whole table, {LOG} and all.",
            details={"file": str(folder)},
        ) from error
    _refuse(folder, list(features), properties)
    for path in sorted(Path(unquote(urlsplit(uri).path)) if "://" in uri else Path(uri) for uri in uris):
        if folder.resolve() not in path.resolve().parents:
            raise BadInput(
                f"{folder}: this Delta table has files elsewhere ({path}), as a shallow clone has",
                advice="Copy the table whole (a deep clone), or name the table that it was cloned from.",
                details={"file": str(path)},
            )
        yield File(path=path, root=folder, name=path.resolve().relative_to(folder.resolve()).as_posix())


def _refuse(folder: Path, features: list[str], properties: dict[str, str]) -> None:
    """A feature that is only allowed does no harm; one that is switched on does."""
    on = {
        "deletionVectors": str(properties.get("delta.enableDeletionVectors", "")).lower() == "true",
        "columnMapping": properties.get("delta.columnMapping.mode", "none") != "none",
    }
    for feature, why in NOT_IN_FILES.items():
        if on[feature] and (feature in features or feature == "columnMapping"):
            raise BadInput(
                f"{folder}: this Delta table uses {feature}, so its files alone do not say its rows",
                advice=f"In this table {why}.",
                details={"file": str(folder), "feature": feature},
            )
