"""Seldon's request logger, Core 1 and Core 2, as somebody captured it: JSON Lines (or a JSON array) of events.

Core 1: an object with `headers` (`ce-*`, as they came over HTTP) and `body`; a structured CloudEvent; or a Kafka record
with `headers` and `value`. Request, response and feedback have ids of their own: what they share is the request id.
Feedback gives labels, read with `--kind labels`, when the others are left alone; and the other way round.
Core 2: Kafka records of the topics `seldon.<namespace>.model.<name>.inputs|outputs` (or `.pipeline.`), whose key is the
request id; or what `seldon pipeline inspect --format json` prints. They carry the time only where the record does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from connectors.base import File, Raw, Source, Unreadable, Wanted
from connectors.sources.captured import Half, NoEvent, from_base64, moment_of, payload_of, plain
from connectors.sources.captured_log import Event, Log, batch
from connectors.sources.content import Content, Damaged, blocks, examine
from connectors.sources.event_lines import walk_files
from connectors.sources.seldon_payload import seldon_rows
from connectors.sources.tabular import is_document, json_records

TYPE = re.compile(r"(?:^|\.)(?:inference\.(request|response)|serving\.(feedback))$")
TOPIC = re.compile(r"(?:^|\.)(?:model|pipeline)\.([^/\s]+)\.(inputs|outputs)$")
SNIFFED = re.compile(rb'"io\.seldon\.serving\.|"[a-z0-9.-]+\.(model|pipeline)\.[^"\s]+\.(inputs|outputs)"')
ENDINGS = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeldonOptions:
    service: str = ""
    """Whose events are read where a file holds several: a SeldonDeployment, model or pipeline; else the first named."""
    node: str = ""
    """Which model of a graph is read (`ce-modelid`), where several log; else the first named."""


class Seldon(Source):
    kind = "seldon"
    reads = "Seldon Core 1 and 2: captured events and Kafka dumps"
    gives = "predictions, and labels from feedback"
    options = SeldonOptions

    def sniff(self, path: Path, head: bytes) -> float:
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        return 0.95 if start.startswith((b"{", b"[")) and SNIFFED.search(start) else 0.0

    def walk(self, path: Path) -> Iterator[File]:
        yield from walk_files(path, ENDINGS)

    def read(self, file: File, options: Any, wanted: Wanted) -> Raw:
        content = examine(file.path, wanted.limits)
        truths = _are_labels(wanted)
        log = Log(
            file=file,
            content=content,
            wanted=wanted,
            events=partial(_events, content),
            half_of=partial(_half_of_kind, truths=truths),
            rows=partial(_truth_rows, wanted=wanted) if truths else partial(_rows, wanted=wanted),
            service=options.service or None,
            node=options.node or None,
        )
        left = _left_alone(content, truths)
        return batch(log, self.kind, (left,) if left else ())


def _are_labels(wanted: Wanted) -> bool:
    """Whether labels alone are asked for: the label, and nothing that goes into the model."""
    if wanted.parts is None or wanted.label is None:
        return False
    return wanted.label in wanted.parts and not any(name in wanted.parts for name in wanted.inputs)


def _left_alone(content: Content, truths: bool) -> str:
    """How many events are of another kind than the batch, for whoever sends."""
    pattern = re.compile(
        rb'\.inference\.(?:request|response)"|\.(?:inputs|outputs)"' if truths else rb'\.serving\.feedback"'
    )
    try:
        found = sum(len(pattern.findall(block)) for block in blocks(content.path))
    except Damaged:
        return ""
    if not found:
        return ""
    return (
        f"{found} requests and responses left for --kind predictions"
        if truths
        else f"{found} feedback events left for --kind labels"
    )


def _rows(half: Half, *, wanted: Wanted) -> Iterator[dict[str, Any] | str]:
    return seldon_rows(half.payload, asked=half.asked, wanted=wanted)


def _truth_rows(half: Half, *, wanted: Wanted) -> Iterator[dict[str, Any] | str]:
    """The label of each row; a reward alone is no label."""
    truth = half.payload.get("truth") if isinstance(half.payload, dict) else None
    if not truth:
        yield "feedback with a truth"
        return
    assert wanted.label is not None  # labels are read of models that declare one
    label = replace(wanted, outputs=(wanted.label,))
    yield from seldon_rows(truth, asked=False, wanted=label)


# -- events -------------------------------------------------------------------------------------------------------


def _events(content: Content) -> Iterator[Event]:
    try:
        head = next(blocks(content.path), b"")
    except Damaged:
        head = b""
    array = head.lstrip().startswith(b"[") or is_document(content.path, head)
    for record in json_records(content, array=array):
        if isinstance(record, Unreadable):
            yield record.line, record
        elif isinstance(record.row.get("topics"), list):
            yield from ((record.line, event) for event in _inspected(record.row["topics"]))
        else:
            yield record.line, record.row


def _inspected(topics: list[Any]) -> Iterator[dict[str, Any]]:
    """What `seldon pipeline inspect` prints, as Kafka records."""
    for topic in topics:
        found = topic if isinstance(topic, dict) else {"topics": topic}
        messages = found.get("msgs")
        for message in messages if isinstance(messages, list) else [found] if messages is not None else []:
            yield {"topic": found.get("name"), **message} if isinstance(message, dict) else {"topics": message}


def _half_of_kind(event: dict[str, Any], *, truths: bool) -> Half | None:
    kind, about = _told(event)
    if (kind == "feedback") != truths:
        return None
    payload = _payload(event)
    if truths and isinstance(payload, dict) and isinstance(payload.get("data"), dict) and "truth" in payload["data"]:
        payload = payload["data"]
    return Half(asked=kind == "request", payload=payload, **about)


def _told(event: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """(request, response or feedback; whose it is). Raises NoEvent for what is none of Seldon's."""
    headers = _headers(event.get("headers"))
    named = TOPIC.search(str(event.get("topic") or ""))
    kind = _kind(event.get("type") or headers.get("ce-type") or headers.get("type"), named)
    attributes = {**headers, **{name: value for name, value in event.items() if isinstance(value, str)}}

    def first(*names: str) -> str | None:
        return next((told for name in names if (told := plain(attributes.get(name))) is not None), None)

    moment = first("ce-time", "time") or next(
        (event[name] for name in ("timestamp", "ts") if event.get(name) is not None), None
    )
    about = {
        "call": first("ce-requestid", "requestid", "x-request-id", "key") or (None if named else first("ce-id", "id")),
        "time": moment_of(moment),
        "service": first("ce-inferenceservicename", "inferenceservicename") or (named[1] if named else None),
        "node": first("ce-modelid", "modelid"),
    }
    return kind, about


def _kind(type_: Any, topic: re.Match[str] | None) -> str:
    found = TYPE.search(str(plain(type_) or ""))
    if found is not None:
        return found[1] or found[2]
    if topic is not None:
        return "request" if topic[2] == "inputs" else "response"
    told = str(type_)[:100]
    raise NoEvent("event_type", f'a request, a response or feedback of Seldon, found the type "{told}" and no topic')


def _headers(found: Any) -> dict[str, Any]:
    """Headers by lower-case name: an object, pairs, or names and values in turn as kcat prints them."""
    if isinstance(found, Mapping):
        pairs = list(found.items())
    elif isinstance(found, list) and all(isinstance(item, list) and len(item) == 2 for item in found):
        pairs = [(name, value) for name, value in found]
    elif isinstance(found, list) and len(found) % 2 == 0:
        pairs = list(zip(found[::2], found[1::2], strict=True))
    else:
        pairs = []
    return {str(name).lower(): value[0] if isinstance(value, list) and value else value for name, value in pairs}


def _payload(event: dict[str, Any]) -> Any:
    if event.get("data_base64") is not None:
        return payload_of(from_base64(event["data_base64"]))[0]
    found = next((event[name] for name in ("body", "value", "payload", "data") if event.get(name) is not None), None)
    if found is None:
        raise NoEvent("no_data", "an event with its payload in `body`, `value`, `payload` or `data`")
    if isinstance(found, str):
        return payload_of(found.encode("utf-8", "surrogatepass"))[0]
    return found
