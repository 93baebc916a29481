"""Reads: what one viewer may see, as it was known at one seq.

`Reads` is made by `Store.reads(viewer, as_of)`. Each method filters by the viewer's own grants, in the query; a thing
the viewer may not read and a thing that does not exist give the same answer. Lists of dicts are ready for JSON but
for datetimes (UTC without zone); results come in the contract's shape.
"""

from __future__ import annotations

from store.reads.alerts import AlertReads
from store.reads.attributions import AttributionReads
from store.reads.labels import LabelReads
from store.reads.models import ModelReads
from store.reads.privacy import PrivacyReads
from store.reads.pulls import PullReads
from store.reads.records import RecordReads
from store.reads.results import ResultReads
from store.reads.rows import RowReads
from store.reads.sites import SiteReads


class Reads(
    SiteReads,
    ModelReads,
    RowReads,
    LabelReads,
    AttributionReads,
    ResultReads,
    AlertReads,
    PrivacyReads,
    PullReads,
    RecordReads,
):
    """All of them, by subject."""
