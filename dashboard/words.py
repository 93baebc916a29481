"""All the words of the console, beside those it shares with the paper (`reports.words`).

Plain, short, in the second person where somebody must act. Names that came from outside pass `plain` before they
stand in Markdown: they are shown as written and can neither form a link nor hide a character.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reports.words import clean

APP = "Bailiwick"
ALL = "all"
EVERYWHERE = "all sites merged"

GROUPS = {"watch": "Watch", "judge": "Judge", "act": "Act"}
PAGES = {
    "home": "Home",
    "alerts": "Alerts",
    "alert": "Alert",
    "models": "Models",
    "model": "Model",
    "sites": "Sites",
    "site": "Site",
    "fairness": "Fairness",
    "privacy": "Privacy",
    "reports": "Reports",
    "verify": "Verify",
    "retraining": "Retraining",
    "audit": "Audit",
    "admin": "Admin",
}

NOT_FOUND = "Not found, or you may not read it."
SIGNED_OUT = "You are not signed in."
NO_PAGES = "Your account has no role that opens a page. Ask an admin for one."
SIGN_OUT = "Sign out"
TRY_AGAIN = "Try again"
FAILED = "This page could not be drawn."
FAILED_BODY = (
    "Nothing was changed, and no figure elsewhere is affected. Try again; if it fails again, give reference "
    "**{reference}** to whoever runs this hub: the cause stands in its log under that reference."
)
NOTHING_MATCHES = "Nothing matches these filters."
CLEAR_FILTERS = "Clear filters"
NO_DATA = "no data"

FIRST_RUN = "No site has sent anything yet"
FIRST_RUN_BODY = (
    "A hub shows what its sites send. Register a site and a model, then send a first file. "
    "`bailiwick demo` builds a hub with a story in it, to look around in."
)
FIRST_RUN_COMMANDS = (
    "bailiwick site add branch-north --sharing counts --contact-window 6h\n"
    "bailiwick model add model.yaml\n"
    "bailiwick ingest predictions.parquet --site branch-north --model loan-approval"
)
NO_MODELS = "No model has been added yet"
NO_MODELS_BODY = "A model file says what to watch and against which limits. `bailiwick model infer DATA` drafts one."
NO_ALERTS = "No alert has been raised"
NO_ALERTS_UNMEASURED = (
    "Nothing has been measured yet, so no alert could have been raised. `bailiwick monitor` measures what is due."
)
NO_ALERTS_BODY = (
    "Everything that was measured stood within its limit, or had too few rows to tell. "
    "Sites that sent nothing are listed on Home."
)
NO_SITES = "No site is registered yet"
NO_REPORTS = "No report has been built yet"
NO_REPORTS_BODY = (
    "A report puts coverage, limits, results and decisions of one model, or of all, in one period on paper, "
    "with its evidence attached."
)
NO_MATRIX = "No report of this pack on this subject has been built, so nothing is known of its evidence yet."
ONE_REPORT = "A comparison takes two reports of the same pack on the same subject. Build a second one."
SAME_REPORTS = "Nothing differs in controls, coverage or the counts of statuses."
COMPARE_NOTE = "Counted are windows by status. A difference is told, not judged: periods may differ in length."
DECLARE_HELP = "Stands under your name in the audit trail, and in every report of this pack built from now on."
FILE_GONE = "The file is no longer in the hub's folder, or it was changed; its digest stands in the trail."
VERIFY = "Drop a report to see whether it is this hub's, whether a byte of it was changed, and what it leaves open."
VERIFY_FILE = "A report of any hub, as PDF, HTML or JSON"
VERIFY_KEPT = "The file is read beside the server, in a process of its own. Nothing is kept of it."
INTEGRITY = {
    "intact": ":green-badge[✓ integrity: intact] Every byte is the one that the trail recorded.",
    "changed": ":red-badge[▲ integrity: changed] It names a report of this hub, and is not the file that was recorded.",
    "unknown": ":gray-badge[? integrity: unknown] The trail of this hub knows nothing of it that you may read.",
}
SIGNATURES = {
    "signed": ":green-badge[✓ signature: signed]",
    "unsigned": ":gray-badge[■ signature: none]",
    "broken": ":red-badge[▲ signature: broken]",
    "foreign": ":orange-badge[◆ signature: foreign]",
}
NO_REQUESTS = "Nobody has asked for retraining yet"
NO_REQUESTS_BODY = (
    "Open an alert and press *Request retraining*: the request is filled in from it. Another person approves."
)
NO_EVENTS = "You may not read the audit trail, or it is empty."
VERIFY_HELP = "Hashes every event and every table again, and compares. The server's worker does it; the page waits."
CHECKPOINT_HELP = "Signs the trail as it is. Keep the file where whoever runs this hub cannot reach it."
NO_RESULTS = "Nothing has been measured here yet."

NEEDS_YOU = "Needs you"
NOTHING_NEEDS_YOU = "Nothing waits for a decision of yours."
PARTIAL = "{sites} sent nothing when due. Figures on this page leave {them} out since {since}."

PULLS = "Places looked at: {places}; files waiting: {waiting}, refused: {refused}."
PULLS_FAILING = " {failing} cannot be read now, {name}: {error}"
ASIDE = "Nothing of {names} is in any figure until it is added with `bailiwick model add`."

OWN_REQUEST = "You asked for this; another person must approve."
REQUEST_RETRAINING = "Request retraining"
APPROVE = "Approve"
REJECT = "Reject"
REASON = "Reason"
REASON_HELP = "Stands in the audit trail and in every report about this model."

FAIRNESS_NOTE = "A gap is a statistical result, not a determination of discrimination."
ESTIMATED_NOTE = "estimated, no outcomes yet"
CANNOT_SAY_NOTE = (
    "Cannot say is an answer: the sample is too small to tell, and it counts neither as within nor as outside."
)
ROWS_STAYED = "The rows stayed at the site: it shares {sharing}."
SEARCH_HUB = "Search the hub's file"
SEARCH_HUB_HELP = "Looks in every text column of every table, and in the bytes of the file and its log."
SEARCH_NONE = "“{text}” does not occur in the hub's file. Searched: {columns} of all its tables, and its bytes."
SEARCH_SOME = "“{text}” occurs {count} in the hub's file. Searched: {columns} of all its tables, and its bytes."

SHARING = {
    "rows": "rows",
    "counts": "counts only",
    "noisy-counts": "counts with noise only",
}
SHARING_MEANS = {
    "rows": "Rows of predictions and labels are sent to the hub.",
    "counts": "Counts are made beside the data and sent; rows do not leave the site.",
    "noisy-counts": "Counts are made beside the data, noise is added there, and only the noisy counts leave the site.",
}
KINDS = {
    "predictions": "prediction rows",
    "labels": "label rows",
    "summaries": "summary bundles",
    "reference": "reference rows",
    "lineage": "lineage events",
    "cost": "cost records",
    "attributions": "attributions",
}
MONITORS = {
    "drift": "Drift",
    "prediction_drift": "Drift of predictions",
    "label_drift": "Drift of labels",
    "attribution_drift": "Order of the contributions",
    "performance": "Performance",
    "estimated_performance": "Estimated performance",
    "quality": "Data quality",
    "fairness": "Fairness",
    "privacy": "Privacy budget",
    "silence": "Silence",
}
MONITOR_HELP = {
    "drift": "How far an input's distribution lies from the reference.",
    "prediction_drift": "How far predictions or scores lie from the reference.",
    "label_drift": "How far what happened lies from the reference's labels.",
    "attribution_drift": "Whether the inputs matter in the same order as over the reference.",
    "performance": "Predictions held against what happened, once outcomes are known.",
    "quality": "Missing values, and values never seen in the reference.",
    "fairness": "Rates of favourable decisions and of errors, compared between groups of people.",
    "silence": "Hours since anything came, against the site's own contact window.",
    "privacy": "Share of the privacy budget that noisy releases have spent.",
}
TRIAGE = {
    "review": "For review",
    "acknowledged": "Acknowledged",
    "snoozed": "Snoozed",
    "resolved": "Resolved",
    "all": "All",
}
EVENTS = {
    "alert:triage:changed": "alert triaged",
    "batch:rows:accepted": "rows accepted",
    "batch:summaries:accepted": "summaries accepted",
    "hub:file:created": "hub created",
    "hub:file:restored": "restored from a backup",
    "model:bins:frozen": "bins frozen",
    "model:file:added": "model added",
    "model:file:revised": "model file revised",
    "model:version:trained": "version trained",
    "monitor:run:recorded": "monitors ran",
    "privacy:spend:charged": "privacy spend charged",
    "privacy:spend:released": "noisy counts released",
    "report:file:built": "report built",
    "retrain:request:approved": "retraining approved",
    "retrain:request:filed": "retraining requested",
    "retrain:request:rejected": "retraining rejected",
    "retrain:run:finished": "retraining finished",
    "retrain:run:started": "retraining started",
    "site:record:added": "site added",
    "site:token:issued": "site token issued",
    "trail:checkpoint:anchored": "checkpoint handed out",
    "trail:checkpoint:made": "trail signed",
    "trail:file:exported": "trail exported",
    "trail:key:rotated": "signing key changed",
    "user:record:changed": "account changed",
}

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#|~$:&@.]|^[-+])")


def plain(value: Any) -> str:
    """Text from outside, safe and literal in Markdown: no link, no markup, no HTML, no colour."""
    return _MARKDOWN.sub(r"\\\1", clean(value))


def unbroken(value: str) -> str:
    """Kept on one line: word joiners beside its hyphens, spaces that do not break."""
    return value.replace("-", "\u2060-\u2060").replace(" ", "\u00a0")


def since(moment: datetime | None, now: datetime) -> str:
    """`30 hours ago`, `just now`; `never` for None."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    return "just now" if seconds < 30 else f"{span(seconds)} ago"


def span(seconds: float) -> str:
    """A length of time in one unit: `40 minutes`, `30 hours`, `12 days`."""
    seconds = max(0.0, seconds)
    for size, unit, upto in ((60, "minute", 5400), (3600, "hour", 172_800), (86_400, "day", float("inf"))):
        if seconds < upto:
            whole = round(seconds / size)
            return f"{whole} {unit}{'' if whole == 1 else 's'}"
    raise AssertionError("unreachable")


def amount_of_bytes(value: int | None) -> str:
    if value is None:
        return NO_DATA
    size = float(value)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"


def moment_of(value: Any) -> datetime | None:
    """A stored moment, as datetime or as contract text, as UTC without zone."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(str(value).removesuffix("Z"))


def thing(row: Mapping[str, Any]) -> str:
    """What an alert or a result is about, in a few words: `drift of income`, `selection rate ratio by sex`."""
    about = row.get("about")
    monitor = str(row.get("monitor"))
    if monitor in ("fairness", "performance", "estimated_performance"):
        told = str(row.get("measure", "")).replace("_", " ").replace("roc auc", "ROC AUC")
        return f"{told} by {clean(about)}" if about else told
    told = MONITORS.get(monitor, monitor.replace("_", " ")).lower()
    if monitor in ("prediction_drift", "label_drift"):
        told = "drift"
    if monitor == "quality":
        told = str(row.get("measure", "")).replace("_", " ")
    return f"{told} of {clean(about)}" if about else told


def heading(row: Mapping[str, Any]) -> str:
    """The same with a capital."""
    told = thing(row)
    return told[:1].upper() + told[1:]
