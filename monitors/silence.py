"""Whether a site has been heard from when it was due: hours since its last contact against its contact window.

Silence is `stale`, never green. What counts as contact is the caller's to say; a site that was never heard from is
measured from the moment it was registered. The window of the
result is the one in which something was due, [last contact, last contact + contact window): measured again and again, a
silence is one result that grows.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from monitors.subject import AT_MOST, Subject
from store.result import Monitor, Result, Status

HOUR = timedelta(hours=1)


def silence_result(
    *,
    model: str,
    version: str,
    site: str,
    last_contact: datetime | None,
    registered_at: datetime,
    contact_window: timedelta,
    now: datetime,
) -> Result:
    """hours_silent of one site for one model; `stale` once the contact window has passed."""
    since = registered_at if last_contact is None else last_contact
    # A site whose clock runs ahead has been heard from; it is not silent for a negative time.
    start = min(since, now)
    silent = now - start
    subject = Subject(model, version, site, None, start, start + contact_window)
    return subject.result(
        Monitor.SILENCE,
        "hours_silent",
        value=silent / HOUR,
        limit_op=AT_MOST,
        limit_value=contact_window / HOUR,
        limit_source=f"contact window of {site}",
        status=Status.STALE if silent > contact_window else Status.WITHIN,
        method={"name": "bailiwick", "basis": "receipts", "exact": True},
        details={"last_contact": None if last_contact is None else f"{last_contact.isoformat()}Z"},
    )
