"""A batch as normalised rows, under everything that its delivery says: zone, clock, and columns that changed type."""

from __future__ import annotations

from datetime import datetime

from connectors.base import Raw
from connectors.normalise import Rows, normalise
from connectors.retyped import retyped_columns
from service.delivery import Delivery
from service.wiring import Hub
from store.model_file import InputType, ModelFile
from store.receipt import Kind


def normalised_rows(
    hub: Hub, raw: Raw, model: ModelFile, delivery: Delivery, *, types: tuple[InputType, ...], received_at: datetime
) -> Rows:
    """To be read once; see `connectors.normalise`."""
    return normalise(
        raw,
        model,
        kind=delivery.kind,
        types=types,
        received_at=received_at,
        latest=None if delivery.clock_skew is None else received_at + delivery.clock_skew,
        timezone=delivery.timezone,
        retyped=retyped_columns(raw, model, types) if delivery.kind is Kind.PREDICTIONS else {},
        salt=hub.salt,
    )
