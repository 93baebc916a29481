"""What a connector promises, and the values that it exchanges with the house. Nothing here does anything.

A batch travels like this (service/ingest.py walks the path; every step is one call):

    source = registry.load(name) | registry.sniff(path)       which reader
    for file in source.walk(path):                            the files the format names, sorted
        wanted = wanted_of(model, kind)                       connectors/normalise.py: the declared columns
        raw = source.read(file, options, wanted)              one file = one batch; its sha256 is known here
        rows = normalise(raw, model, kind=..., types=...)     connectors/normalise.py: rows.reader(), then rows.finish()

Sources give columns as they found them, in chunks of bounded size; they type nothing and drop nothing: what they
cannot read is an `Unreadable`, a value that ends in quarantine. They raise `BadInput` for a file that is not theirs
at all, `Retryable` for a place that may answer later and `Final` for one that refused.

Writing your own: subclass `Source`, `Sink` or `Executor`, give it a `kind` and a frozen dataclass of `options`, and
register the class under the entry-point group `bailiwick.connectors`. `API` changes when an interface does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from connectors.limits import LIMITS, Limits

API = 1
SHOWN_BYTES = 16_384
"""Most bytes of one record that are kept for quarantine."""


# -- reading ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file that a walk named: one batch."""

    path: Path
    root: Path
    """The folder that was walked; payloads that a file refers to are looked for here and nowhere else."""
    name: str
    """How receipts call it: the path under the walked folder, the file's own name, or an object's URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The columns that a model declares, so that a columnar source reads no others. Names meet without case."""

    parts: Mapping[str, int] | None = None
    """Declared name -> the part of a row it belongs to (1 inputs, 2 prediction, 0 neither); None: every column."""
    inputs: tuple[str, ...] = ()
    """Names for rows that come as bare lists, in their order."""
    outputs: tuple[str, ...] = ()
    """The same for predictions: prediction, then score."""
    id: str | None = None
    """The column of the row id, where the model declares one."""
    label: str | None = None
    """The column of the outcome, where the model declares one: the name for ground truth that a log keeps apart."""
    limits: Limits = LIMITS
    """How far a record and a file may go."""

    def part_of(self) -> dict[str, int] | None:
        """The parts by casefolded name."""
        if self.parts is None:
            return None
        return {name.casefold(): part for name, part in self.parts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that could not be read; counts as one row of its batch."""

    reason: str
    """A stable word: `json`, `csv`, `encoding`, `file`, `dataref`, `too_large` ... receipts count by it."""
    line: int | None
    """From 1, where the format has lines."""
    expected: str
    """What would have been right, for a person."""
    bytes: bytes
    """The record as it came, cut at SHOWN_BYTES."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some rows of a file, as they were found."""

    table: pa.Table
    """Raw columns under the file's own names: every wanted one that is there, of whatever type the file gives. Text
    that repeats few values is best given as codes (a dictionary): it is then looked at once a value, not once a row."""
    n: pa.Array
    """int64: the position of each row in its file, from 0, the unreadable ones counted; the same at every delivery."""
    lines: pa.Array | None = None
    """int64, from 1; None where the format has no lines."""
    envelope_id: pa.Array | None = None
    """string: the id that the log itself gives a row, for models that log none."""
    envelope_time: pa.Array | None = None
    """timestamp[us] without zone, UTC: when the log says a row was scored."""
    others: Mapping[str, int] = field(default_factory=dict)
    """Columns found and not wanted, each with the rows that carried it."""
    unreadable: tuple[Unreadable, ...] = ()
    notes: tuple[str, ...] = ()
    """What was learned while reading and the sender should know; told once in the receipt."""
    empty_is_missing: bool = False
    """Whether empty text stands for a missing value (CSV)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """One file's content: one batch."""

    file: File
    format: str
    sha256: str
    """Of the bytes as they came; payloads that a log keeps beside itself are folded in (see the source's page)."""
    size: int
    chunks: Callable[[], Iterator[Chunk]]
    """Reads the file; each call starts again. Raises Retryable where the file changed since its sha256 was taken."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """Column -> the name of its type as far as the start of the file tells (`int64`, `double`, `string`)."""
    model: str | None = None
    version: str | None = None
    """Which model and version the log itself names, where it names one."""
    notes: tuple[str, ...] = ()
    """Sentences for the receipt: what whoever sends should know, and do."""
    unversioned: str = ""
    """The same, said only where the caller names no version either."""
    stream: str = ""
    """Under which ids of rows without one are derived: the first delivery of a file that grows; empty: its sha256."""
    more_than_bytes: bool = False
    """Whether sha256 covers more than the file's own bytes, its folders' names say: it is then read whole each time."""
    beside: tuple[Path, ...] = ()
    """Files under the root that it refers to and that are part of the data: kept with it where it is kept."""


class Source(ABC):
    """Reads logs, labels or references from files."""

    kind: ClassVar[str]
    """The word for `--format`."""
    reads: ClassVar[str] = ""
    """What it reads, in the words of a list of sources."""
    gives: ClassVar[str] = "predictions"
    """What comes of it there."""
    options: ClassVar[type]
    """A frozen dataclass; every field has a default and a docstring."""

    @abstractmethod
    def sniff(self, path: Path, head: bytes) -> float:
        """How surely this file is of this format, 0 to 1, from its name and first bytes (decompressed)."""

    @abstractmethod
    def walk(self, path: Path) -> Iterator[File]:
        """The files of this format at a path, sorted; a file stands for itself whatever it is called."""

    @abstractmethod
    def read(self, file: File, options: Any, wanted: Wanted) -> Raw:
        """The content of one file. Damage inside it is told in its chunks, not raised."""

    def beside(self, file: File) -> Iterator[str]:
        """References, as the file writes them, to other files that reading this one opens; a place that has its files
        elsewhere brings them along. None, unless a format says otherwise.
        """
        return iter(())


# -- notices ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A notice to people: already in words, so that every sink says the same."""

    id: str
    """The same notice again has the same id."""
    subject: str
    text: str
    severity: str = "info"
    link: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The alert or request behind it, JSON-ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    at: datetime
    ref: str
    """Where it went, as the sink names it."""


class Sink(ABC):
    """Sends notices. Gives `Sent`, or raises Retryable or Final; never neither."""

    kind: ClassVar[str]
    options: ClassVar[type]

    @abstractmethod
    def send(self, message: Message, options: Any, *, now: datetime) -> Sent: ...


# -- retraining -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An approved command to carry out where the rows are."""

    id: str
    command: str
    """One command line; it is split into words and never given to a shell."""
    folder: Path
    """Where it runs; it reads `job.json` there and leaves `outcome.json`."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """What the command may know: written to `job.json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a job. A command that failed is an outcome, not an exception."""

    state: str
    """`done`, `failed`, `timeout` or `no_result` (it ended well and left no readable outcome.json)."""
    exit_code: int | None
    started_at: datetime
    ended_at: datetime
    seconds: float
    result: Mapping[str, Any] = field(default_factory=dict)
    """The document in outcome.json."""
    stdout: str = ""
    stderr: str = ""
    """The last part of each."""
    reason: str = ""
    """In words, where the state is not `done`."""


class Executor(ABC):
    """Carries out a job. Raises Retryable or Final only where the job could not be started at all."""

    kind: ClassVar[str]
    options: ClassVar[type]

    @abstractmethod
    def run(self, job: Job, options: Any, *, now: Callable[[], datetime]) -> Outcome: ...
