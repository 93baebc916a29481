"""The command of a site that counts: a summary bundle from its own rows, for a hub elsewhere or this one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from service.bundles import bundle_text
from service.known import known_model, known_site
from service.summarising import summarise
from service.wiring import Hub
from store.access import Permission, Viewer, require
from store.bins import BinSpec, spec_from_json
from store.canonical import canonical_json, sha256_hex
from store.errors import BadInput, Refused
from store.model_file import ModelFile
from store.model_reader import read_model_file

EXPORT_SCHEMA = "bailiwick/model-export/1"
ENGINES = ("duckdb", "spark")


def write_bundle(
    hub: Hub,
    viewer: Viewer,
    *,
    paths: Sequence[Path],
    output: Path,
    site: str,
    model: str | None = None,
    version: str | None = None,
    export: Path | None = None,
    labels: Sequence[Path] = (),
    attributions: Sequence[Path] = (),
    format: str = "auto",
    engine: str = "duckdb",
) -> dict[str, Any]:
    """Counts the rows at these paths and writes the bundle; the model is one of this hub, or an export of another."""
    row = known_site(hub, viewer, site)
    noisy = row["sharing"] == "noisy-counts"
    require(viewer, Permission.PRIVACY_RELEASE if noisy else Permission.INGEST_WRITE, site=site)
    _usable(engine, output, format)
    file, spec = _from_export(export) if export else _from_hub(hub, viewer, model, version)
    bundle = summarise(
        hub,
        viewer,
        paths,
        labels=labels,
        attributions=attributions,
        file=file,
        spec=spec,
        site=site,
        sharing=row["sharing"],
        timezone=row["timezone"],
        clock_skew=timedelta(seconds=row["clock_skew_s"]),
        format_name=format,
        engine=engine,
    )
    text = bundle_text(bundle)
    output.write_text(text, encoding="utf-8")
    return {
        "schema": "bailiwick/bundle-written/1",
        "file": str(output),
        "bytes": len(text.encode()),
        "sha256": sha256_hex(text),
        "site": site,
        "model": file.name,
        "version": file.version,
        "sharing": row["sharing"],
        "blocks": len(bundle["blocks"]),
        "releases": len(bundle["releases"]),
        "spec_hash": spec.spec_hash,
    }


def _usable(engine: str, output: Path, format: str) -> None:
    if engine not in ENGINES:
        raise BadInput(f'engine "{engine}" is none of {", ".join(ENGINES)}', advice="duckdb is the default.")
    if engine == "spark" and format not in ("auto", "parquet"):
        raise Refused(f"Spark counts Parquet files, not {format}", advice="Leave --engine out: duckdb does.")
    if engine == "spark" and any(find_spec(name) is None for name in ("ibis", "pyspark")):
        raise Refused(
            "Spark is not installed here", advice="pip install 'bailiwick[spark]'; it needs Java 17 or later."
        )
    if output.exists():
        raise BadInput(f"{output} is there already", advice="Name another file.", details={"file": str(output)})
    if not output.parent.is_dir():
        raise BadInput(f"{output.parent}: no such folder", advice="Make it first.")


def _from_hub(hub: Hub, viewer: Viewer, model: str | None, version: str | None) -> tuple[ModelFile, BinSpec]:
    if model is None:
        raise BadInput("which model are these rows of?", advice="Name it with --model.")
    file = known_model(hub, viewer, model, version)
    spec = hub.store.reads(viewer).spec(file.name, file.version)
    if spec is None:
        raise BadInput(
            f"{file.name}:{file.version} has no bins yet to count into",
            advice="Ingest a reference, or run `bailiwick model export` where every input has a range or values.",
        )
    return file, spec


def _from_export(path: Path) -> tuple[ModelFile, BinSpec]:
    """The model file and bins in what `model export` wrote; refuses bins that are not what their hash says."""
    advice = "Name a file that `bailiwick model export` wrote."
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != EXPORT_SCHEMA:
            raise ValueError(f"schema {document['schema']!r}")
        file = read_model_file(canonical_json(document["file"]), source=str(path))
        spec = spec_from_json(document["bins"])
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"{path}: not a model export: {error}", advice=advice, details={"file": str(path)}) from error
    if spec.spec_hash != document.get("spec_hash"):
        raise BadInput(f"{path}: the bins are not those that its spec_hash names", advice=advice)
    return file, spec
