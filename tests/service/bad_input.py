"""Files that nobody should have sent: made from good ones of every source, and what must hold whatever they are."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "connectors"))
import envelopes
import test_source_contract as written
from contract import MODEL_TEXT

from service.commands.ingest import ingest
from service.commands.models import add_model
from service.commands.sites import add_site
from service.config import parse
from service.wiring import Hub, local_viewer, memory_hub
from store.errors import BailiwickError

OWNER = local_viewer()
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Form:
    kind: str
    """The source."""
    write: Callable[[Path, Rows], Path]
    text: bool = True
    """Whether a file of it is text."""


FORMS = {
    "csv": Form("csv", written.write_csv),
    "tsv": Form("tsv", written.write_utf16_tsv, text=False),
    "parquet": Form("parquet", written.write_parquet, text=False),
    "arrow": Form("arrow", written.write_arrow, text=False),
    "arrow-stream": Form("arrow", partial(written.write_arrow, stream=True), text=False),
    "jsonl": Form("jsonl", written.write_jsonl),
    "jsonl-gz": Form("jsonl", written.write_jsonl_gz, text=False),
    "json-array": Form("tabular", written.write_json_array),
    "azureml": Form("azureml", written.write_azureml),
    "kserve": Form("kserve", written.write_kserve_events),
    "kserve-json": Form("kserve", partial(written.write_kserve_records, form="json")),
    "kserve-csv": Form("kserve", partial(written.write_kserve_records, form="csv")),
    "kserve-parquet": Form("kserve", partial(written.write_kserve_records, form="parquet"), text=False),
    "databricks": Form("databricks", envelopes.write_databricks, text=False),
    "sagemaker": Form("sagemaker", envelopes.write_sagemaker),
    "vertex": Form("vertex", envelopes.write_vertex, text=False),
    "vertex-lines": Form("vertex", envelopes.write_vertex_lines),
    "trustyai": Form("trustyai", envelopes.write_trustyai),
    "seldon": Form("seldon", written.write_seldon),
    "seldon-kafka": Form("seldon", written.write_seldon_kafka),
}


@dataclass(frozen=True)
class Fresh:
    """A site that sent nothing yet: ids are a site's own, so that many tries share one hub."""

    hub: Hub
    site: str


@cache
def _hub() -> Hub:
    found = memory_hub(parse("", environ={}), lambda: datetime(2026, 11, 2, 3), b"salt")
    add_model(found, OWNER, text=MODEL_TEXT, source="loans.yaml")
    return found


_numbers = count()


def fresh() -> Fresh:
    site = f"site-{next(_numbers)}"
    add_site(_hub(), OWNER, name=site)
    return Fresh(_hub(), site)


def sample(form: Form, folder: Path, rows: Rows) -> Path:
    """The one file that was written."""
    folder.mkdir(parents=True, exist_ok=True)
    path = form.write(folder, rows)
    return path if path.is_file() else next(found for found in sorted(path.rglob("*")) if found.is_file())


def fed(to: Fresh, path: Path, kind: str) -> list[dict[str, Any]]:
    """The receipts, after what must hold of any file: each row is somewhere, or one error says what to do."""
    try:
        done = ingest(to.hub, OWNER, paths=[path], site=to.site, model="loans", format=kind)
    except BailiwickError as error:
        told = [error]
        receipts: list[dict[str, Any]] = []
    else:
        told, receipts = [], done["receipts"]
        assert len(receipts) + len(done["aside"]) + len(done["errors"]) == 1
        for error in done["errors"]:
            assert error["message"] and error["advice"]
    for error in told:
        assert error.message and error.advice, f"{error!r} says nothing"
        assert "Traceback" not in error.message and len(error.message) < 2000
    for receipt in receipts:
        assert receipt["kept"] + receipt["quarantined"] + receipt["duplicates"] == receipt["rows"]
        assert sum(receipt["reasons"].values()) == receipt["quarantined"]
        assert len(receipt["ignored"]) <= 512
    return receipts


def check_all_there(to: Fresh, receipts: Sequence[dict[str, Any]]) -> None:
    """What was kept is in the hub, once."""
    cursor = to.hub.store.cursor()
    tables = cursor.execute("SELECT name FROM row_table WHERE role = 'rows'").fetchall()
    asked = [cursor.execute(f"SELECT count(*) FROM {name} WHERE site = ?", [to.site]) for (name,) in tables]
    held = sum(answer.fetchall()[0][0] for answer in asked)
    assert held == sum(receipt["kept"] for receipt in receipts if not receipt["repeated"])


# -- damage ---------------------------------------------------------------------------------------------------------


def cuts(whole: bytes, places: int = 20) -> Iterator[bytes]:
    yield from (whole[: len(whole) * at // places] for at in range(places))


def flips(whole: bytes, seed: str, times: int) -> Iterator[bytes]:
    """Some bytes changed, one to sixteen."""
    chance = random.Random(seed)
    for _ in range(times):
        changed = bytearray(whole)
        for _ in range(chance.choice((1, 2, 4, 16))):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        yield bytes(changed)


def encodings(whole: bytes) -> Iterator[bytes]:
    text = whole.decode()
    yield text.encode("utf-16")
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")
    yield text.encode("utf-32")
    yield text.encode("latin-1", "replace")
    yield text.encode("utf-8-sig")
    yield b"\xef\xbb\xbf" + text.encode("utf-8-sig")
    yield text.encode("cp500", "replace")
    yield text.replace("\n", "\r").encode()
    yield text.replace("\n", "\r\n").encode()
    yield text.replace("\n", "\x00\n").encode()
