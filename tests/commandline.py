"""A hub in a temporary folder, driven by the command line alone, as its users and the acceptance checks do."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.cli import output
from service.cli.app import run
from service.cli.context import calling, read_call


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; NaN and infinities are none."""
        return json.loads(self.out, parse_constant=_no_constant)


class CommandLine:
    def __init__(self, folder: Path, *, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.hub = folder / "hub"
        self.environ = {**os.environ, **(environ or {})}
        self.ok("init", "--org", "Test")

    def run(self, *words: object, environ: Mapping[str, str] | None = None) -> Said:
        argv = [str(word) for word in words]
        argv += [] if "--hub" in argv else ["--hub", str(self.hub)]
        out, err = io.StringIO(), io.StringIO()
        this = read_call(argv, cwd=self.folder, environ={**self.environ, **(environ or {})})
        with output.speaking(output.Streams(out, err, this.as_json)), calling(this):
            try:
                code = run(this)
            except SystemExit as ended:  # a running server carried it out
                code = int(ended.code or 0)
        return Said(code, out.getvalue(), err.getvalue())

    def ok(self, *words: object, environ: Mapping[str, str] | None = None) -> Any:
        """The document of a call that must succeed."""
        said = self.run(*words, "--json", environ=environ)
        assert said.code == 0, f"{words}: {said.code} {said.out[-600:]} {said.err[-600:]}"
        return said.json

    def refused(self, code: int, *words: object, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The error of a call that must end with this code: a message, and advice what to do."""
        said = self.run(*words, "--json", environ=environ)
        assert said.code == code, f"{words}: {said.code} instead of {code}: {said.out[-600:]} {said.err[-600:]}"
        error: dict[str, Any] = said.json["error"]
        assert set(error) == {"code", "message", "advice", "details"} and error["message"] and error["advice"], error
        assert "Traceback" not in said.out + said.err
        return error

    def model(self, name: str, inputs: Sequence[Any], **parts: Any) -> Any:
        """Adds a model by the contract's file, as JSON; what is no section of the file is one of its columns."""
        sections = ("version", "task", "tier", "watch", "privacy", "retrain", "reference")
        document = {"name": name, "version": "1", "owner": {"team": "t"}, "use": "u"}
        document |= {key: parts.pop(key) for key in sections if key in parts}
        reason = parts.pop("reason", None)
        document["columns"] = {**parts, "inputs": list(inputs)}
        path = self.write(f"{name}.json", json.dumps(document))
        return self.ok("model", "add", path, *(["--reason", reason] if reason else []))

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def csv(self, name: str, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Path:
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        return self.write(name, text.getvalue())

    def take(self, path: Path, *words: object) -> dict[str, Any]:
        """The one receipt of one file; it adds up."""
        receipts = self.ok("ingest", path, *words)["receipts"]
        assert len(receipts) == 1
        receipt: dict[str, Any] = receipts[0]
        assert receipt["kept"] + receipt["quarantined"] + receipt["duplicates"] == receipt["rows"]
        return receipt

    def results(self, model: str, **wanted: Any) -> list[dict[str, Any]]:
        found = self.ok("results", "--model", model)["results"]
        return [row for row in found if all(row[key] == value for key, value in wanted.items())]
