"""Which endpoint, deployment, collection and hour the path of a log speaks of. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

COLLECTIONS = ("model_inputs_outputs", "model_inputs", "model_outputs", "request", "response")
COMPONENTS = ("predictor", "transformer", "explainer")
ROOT = "modelDataCollector"
_HOUR = re.compile(r"/((?:19|20)\d\d/\d\d(?:/\d\d){0,2})/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    endpoint: str | None = None
    deployment: str | None = None
    collection: str = "rows"
    hour: str = ""

    @property
    def deployed(self) -> Where:
        """The same without what differs between files of one deployment."""
        return replace(self, collection="rows", hour="")

    @property
    def name(self) -> str:
        return "-".join(part for part in (self.endpoint, self.deployment) if part)


def where_of(key: str, kind: str) -> Where:
    """From a file's path or URL."""
    parts = key.split("/")[:-1]
    found = _HOUR.search(key)
    hour = found[1] if found else ""
    if kind == "azureml":
        return replace(_azureml(parts), hour=hour)
    if kind == "kserve":
        place = next((p for p, part in enumerate(parts) if part in COMPONENTS and p >= 2), None)
        endpoint, deployment = (None, None) if place is None else (parts[place - 2], parts[place - 1])
        return Where(endpoint=endpoint, deployment=deployment, collection=_half(key), hour=hour)
    return Where(hour=hour)


def _azureml(parts: list[str]) -> Where:
    collection = next((name for part in reversed(parts) for name in COLLECTIONS if name in part), "rows")
    if ROOT in parts and len(below := parts[parts.index(ROOT) + 1 :]) >= 2:
        return Where(endpoint=below[0], deployment=below[1], collection=collection)
    return Where(collection=collection)


def _half(key: str) -> str:
    """KServe names each file after its half."""
    found = re.search(r"-(request|response)\.", key.rpartition("/")[2])
    return found[1] if found else "rows"
