"""Every change is a command: permission, action, audit event, one transaction.

A command is a function `(hub, viewer, ...) -> dict` whose result is ready for JSON but for datetimes. Pages, HTTP and
the command line call the same ones. `COMMANDS` says in which module each stands; it is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

COMMANDS: dict[str, str] = {
    "acknowledge_alert": "alerts",
    "add_model": "models",
    "add_site": "sites",
    "approve_report": "report_release",
    "approve_request": "retraining",
    "assign_alert": "alerts",
    "build_report": "reports",
    "check_file": "reports",
    "declare_control": "report_release",
    "export_model": "models",
    "export_trail": "trail",
    "flag_report": "report_release",
    "ingest": "ingest",
    "issue_token": "sites",
    "monitor": "monitoring",
    "mute_alert": "alerts",
    "prove_event": "trail",
    "prove_growth": "trail",
    "pull": "pulling",
    "reject_request": "retraining",
    "report_evidence": "reports",
    "report_file": "reports",
    "request_retraining": "retraining",
    "resolve_alert": "alerts",
    "review_report": "report_release",
    "rotate_key": "trail",
    "run_request": "retraining",
    "search_hub_file": "inspection",
    "set_user": "users",
    "snooze_alert": "alerts",
    "submit_report": "report_release",
    "take_checkpoint": "trail",
    "verify_audit": "inspection",
    "verify_report": "reports",
}
LOCAL_ONLY = frozenset(
    {"check_file", "export_trail", "ingest", "pull", "report_evidence", "report_file", "run_request", "verify_report"}
)
"""Commands that name files of this machine, give bytes, or belong to the scheduler: not offered over HTTP."""


def load(name: str) -> Callable[..., dict[str, Any]]:
    """The command of that name; KeyError where there is none."""
    found: Callable[..., dict[str, Any]] = getattr(import_module(f"service.commands.{COMMANDS[name]}"), name)
    return found
