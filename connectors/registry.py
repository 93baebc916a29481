"""Finds connectors: ours and strangers' come through the same entry points, `bailiwick.connectors`.

Three grains: `names()` imports nothing; `load(name)` imports one and raises, naming the package and what is
installed; `load_all()` imports all, and what fails is told beside what works: one bad package never takes the house
down. An entry point's name is `<role>.<kind>` (`source.csv`), its value a subclass of Source, Sink or Executor.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from connectors.base import Executor, Sink, Source
from store.errors import BadInput, Final, UnknownName, did_you_mean

GROUP = "bailiwick.connectors"
HEAD_BYTES = 65_536
SURE_ENOUGH = 0.2

Connector = Source | Sink | Executor
ROLES: dict[str, type] = {"source": Source, "sink": Sink, "executor": Executor}

BUILT_IN = {
    "source.tabular": "connectors.sources.tabular:Tabular",
    "source.csv": "connectors.sources.tabular:Csv",
    "source.tsv": "connectors.sources.tabular:Tsv",
    "source.parquet": "connectors.sources.tabular:Parquet",
    "source.arrow": "connectors.sources.tabular:Arrow",
    "source.jsonl": "connectors.sources.tabular:JsonLines",
    "source.azureml": "connectors.sources.azureml:AzureML",
    "source.kserve": "connectors.sources.kserve:KServe",
    "source.databricks": "connectors.sources.databricks:Databricks",
    "source.seldon": "connectors.sources.seldon:Seldon",
    "source.sagemaker": "connectors.sources.sagemaker:SageMaker",
    "source.trustyai": "connectors.sources.trustyai:TrustyAI",
    "source.vertex": "connectors.sources.vertex:Vertex",
    "sink.folder": "connectors.sinks.folder:Folder",
    "sink.dry-run": "connectors.sinks.folder:DryRun",
    "executor.local": "connectors.executors.local:Local",
}
"""The entry points that our own pyproject.toml declares, so that a checkout without an install has them too."""


@cache
def _points() -> dict[str, EntryPoint]:
    """Every entry point by name, looked up once; one of ours is never replaced by a stranger's."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    ours = {name: EntryPoint(name, value, GROUP) for name, value in BUILT_IN.items()}
    return {**found, **ours}


def names(role: str | None = None) -> list[str]:
    """`source.azureml`, ...; of one role, or all. Imports nothing."""
    return sorted(name for name in _points() if role is None or name.startswith(f"{role}."))


def load(name: str) -> Connector:
    """The connector of that name (`source.azureml`). Raises UnknownName, or Final where its package fails."""
    points = _points()
    if name not in points:
        role, _, kind = name.partition(".")
        known = [known.partition(".")[2] for known in points if known.startswith(f"{role}.")]
        raise UnknownName(
            f'there is no {role} "{kind}"',
            advice=f"{did_you_mean(kind, known)} Installed: {', '.join(sorted(known)) or 'none'}.".strip(),
            details={"name": name, "installed": sorted(known)},
        )
    return _load(points[name])


def load_source(kind: str) -> Source:
    found = load(f"source.{kind}")
    assert isinstance(found, Source)  # _load has checked the role
    return found


def load_sink(kind: str) -> Sink:
    found = load(f"sink.{kind}")
    assert isinstance(found, Sink)
    return found


def load_executor(kind: str) -> Executor:
    found = load(f"executor.{kind}")
    assert isinstance(found, Executor)
    return found


def load_all(role: str | None = None) -> tuple[dict[str, Connector], dict[str, str]]:
    """(connectors that work, why the others do not), both by name."""
    working: dict[str, Connector] = {}
    broken: dict[str, str] = {}
    for name in names(role):
        try:
            working[name] = load(name)
        except Final as error:
            broken[name] = error.message
    return working, broken


def sniff(path: Path, *, among: Iterable[Source] | None = None) -> Source:
    """The source that knows a file best (`--format auto`); for a folder, judged by its first files."""
    if not path.exists():
        raise BadInput(f"{path}: no such file or folder", advice="Check the path.", details={"file": str(path)})
    sources = list(among) if among is not None else [s for s in load_all("source")[0].values() if isinstance(s, Source)]
    samples = [path] if path.is_file() else _first_files(path)
    best, sure = None, SURE_ENOUGH
    for source in sources:
        score = max((source.sniff(sample, _head(sample)) for sample in samples), default=0.0)
        if score > sure:
            best, sure = source, score
    if best is None:
        known = ", ".join(sorted(source.kind for source in sources))
        raise BadInput(
            f"{path}: not a format that any source here knows",
            advice=f"Name it with --format. Known: {known}.",
            details={"file": str(path), "expected": known},
        )
    return best


def _first_files(folder: Path, most: int = 20) -> list[Path]:
    hidden = (".", "_")  # a Delta table's log, Spark's marks
    files = (
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(hidden) for part in path.relative_to(folder).parts)
    )
    return [path for _, path in zip(range(most), files, strict=False)]


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        return unzipped(head)
    except OSError:
        return b""


def unzipped(head: bytes) -> bytes:
    """The first bytes of a file as they are read; a zipped one that is cut still says how it begins."""
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def _load(point: EntryPoint) -> Connector:
    package = point.dist.name if point.dist is not None else "bailiwick"
    try:
        found = point.load()
    except Exception as error:  # a stranger's import may raise anything
        raise Final(
            f'connector "{point.name}" of package {package} does not load: {type(error).__name__}: {error}',
            advice=f"Mend or remove the package {package}. Others are not affected.",
            details={"name": point.name, "package": package},
        ) from error
    wanted = ROLES.get(point.name.partition(".")[0])
    if wanted is None or not (isinstance(found, type) and issubclass(found, wanted)):
        raise Final(
            f'connector "{point.name}" of package {package} is no {point.name.partition(".")[0]}: {point.value}',
            advice="An entry point is named <source|sink|executor>.<kind> and gives a subclass of that interface.",
            details={"name": point.name, "package": package},
        )
    made = found()
    assert isinstance(made, Source | Sink | Executor)  # the roles' own classes
    return made
