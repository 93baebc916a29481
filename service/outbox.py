"""The outbox: notices wait in the hub's spool until each sink has taken them, across restarts.

A notice is written down in the same moment as the run that caused it and leaves the spool when it was sent. What
failed in a way that may pass stays for the next round; what failed for good is told in the log and kept beside.
Repeating a notice does no harm: sinks name it by its id.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from connectors import registry
from connectors.base import Message
from connectors.options import options_of
from service.config import Connector
from service.wiring import Hub
from store.errors import BadInput, Final, Retryable

TELLING = ("opened", "fired_again", "regressed", "worsened", "woken")
"""What happened to an alert when people are told of it; that it goes on, or has cleared, is on the page."""
log = logging.getLogger("bailiwick.outbox")


def notices(hub: Hub, alerts: Sequence[Mapping[str, Any]]) -> list[Message]:
    """One notice for each alert that opened, came back or got worse."""
    address = f"http://{hub.config.address}:{hub.config.port}"
    return [
        Message(
            id=f"{alert['id']}-{alert['event']}-{alert['last_window']['to'][:19].replace(':', '')}",
            subject=f"{alert['severity']}: {alert['model']} {alert['version']} at {alert['site']}",
            text=f"{alert['sentence']}\n\n{alert['rule']}",
            severity=alert["severity"],
            link=f"{address}/alert?id={alert['id']}",
            data=dict(alert),
        )
        for alert in alerts
        if alert["event"] in TELLING and alert["condition"] in ("firing", "pending")
    ]


def post(hub: Hub, messages: Sequence[Message]) -> None:
    """Writes notices into the spool, one file for each sink that is configured."""
    for name in hub.config.sinks:
        folder = _waiting(hub, name)
        folder.mkdir(parents=True, exist_ok=True)
        for message in messages:
            path = folder / f"{message.id}.json"
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps({**asdict(message), "data": dict(message.data)}, ensure_ascii=False), "utf-8")
            draft.rename(path)


def deliver(hub: Hub) -> dict[str, int]:
    """Sends what waits; returns how many notices were sent, how many still wait, and how many failed for good."""
    counts = {"sent": 0, "waiting": 0, "failed": 0}
    for name, connector in hub.config.sinks.items():
        for path in sorted(_waiting(hub, name).glob("*.json")):
            counts[_send(hub, connector, path)] += 1
    return counts


def _waiting(hub: Hub, sink: str) -> Path:
    return hub.folder / "spool" / "notices" / sink


def _send(hub: Hub, connector: Connector, path: Path) -> str:
    try:
        sink = registry.load_sink(connector.kind)
        message = Message(**json.loads(path.read_text("utf-8")))
        options = options_of(sink.options, connector.options, where=f"bailiwick.toml: [sinks.{connector.name}]")
        sent = sink.send(message, options, now=hub.now())
    except Retryable as error:
        log.warning("notice %s waits for sink %s: %s", path.stem, connector.name, error.message)
        return "waiting"
    except (Final, BadInput) as error:
        log.error("notice %s was refused by sink %s: %s %s", path.stem, connector.name, error.message, error.advice)
        path.rename(path.with_suffix(".refused"))
        return "failed"
    log.info("notice %s sent to %s", path.stem, sent.ref)
    path.unlink()
    return "sent"
