"""Permissions, roles, and the one rule that decides: each verdict carries its reason.

A permission is detached from who holds it. A role is a set of permissions; a grant gives a person a role on a site
(or `*`) and a model (or `*`). The rule is used alike by pages, HTTP and the command line; `predicate` is the same
rule as a filter for reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from store.errors import NotPermitted


class Permission(StrEnum):
    """`subject:action`, kept in alphabetical order."""

    ALERT_TRIAGE = "alert:triage"
    AUDIT_READ = "audit:read"
    CONFIG_READ = "config:read"
    INGEST_WRITE = "ingest:write"
    MODEL_READ = "model:read"
    MODEL_WRITE = "model:write"
    MONITOR_RUN = "monitor:run"
    PRIVACY_RELEASE = "privacy:release"
    QUARANTINE_READ = "quarantine:read"
    REPORT_BUILD = "report:build"
    REPORT_ISSUE = "report:issue"
    REPORT_READ = "report:read"
    RETRAIN_APPROVE = "retrain:approve"
    RETRAIN_REQUEST = "retrain:request"
    SITE_READ = "site:read"
    SITE_WRITE = "site:write"
    USER_WRITE = "user:write"


_READS = frozenset({Permission.MODEL_READ, Permission.SITE_READ, Permission.REPORT_READ})

ROLES: dict[str, frozenset[Permission]] = {
    "admin": frozenset(Permission),
    "data": _READS
    | {
        Permission.ALERT_TRIAGE,
        Permission.INGEST_WRITE,
        Permission.MODEL_WRITE,
        Permission.MONITOR_RUN,
        Permission.QUARANTINE_READ,
        Permission.REPORT_BUILD,
        Permission.RETRAIN_REQUEST,
        Permission.PRIVACY_RELEASE,
        Permission.AUDIT_READ,
    },
    "compliance": _READS
    | {
        Permission.ALERT_TRIAGE,
        Permission.AUDIT_READ,
        Permission.REPORT_BUILD,
        Permission.REPORT_ISSUE,
        Permission.RETRAIN_APPROVE,
        Permission.RETRAIN_REQUEST,
    },
    "regulator": frozenset({Permission.REPORT_READ}),
    "auditor": _READS | {Permission.AUDIT_READ, Permission.QUARANTINE_READ, Permission.CONFIG_READ},
    "site-operator": frozenset({Permission.SITE_READ, Permission.INGEST_WRITE, Permission.QUARANTINE_READ}),
    "site-token": frozenset({Permission.INGEST_WRITE}),
}


@dataclass(frozen=True, slots=True)
class Grant:
    role: str
    site: str = "*"
    model: str = "*"

    def covers(self, site: str | None, model: str | None) -> bool:
        return (site is None or self.site in ("*", site)) and (model is None or self.model in ("*", model))


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: a name such as `anna` or `local:root`, and what was granted to it."""

    name: str
    grants: tuple[Grant, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(sorted({grant.role for grant in self.grants}))


@dataclass(frozen=True, slots=True)
class Verdict:
    allowed: bool
    reason: str


def decide(viewer: Viewer, permission: Permission, *, site: str | None = None, model: str | None = None) -> Verdict:
    """Whether this viewer may do this there, and why (not). A missing site or model asks "anywhere?"."""
    holding = [grant for grant in viewer.grants if permission in ROLES.get(grant.role, frozenset())]
    if not holding:
        has = ", ".join(viewer.roles) or "no role"
        return Verdict(False, f"{viewer.name} has {has}; {permission} is not part of it")
    for grant in holding:
        if grant.covers(site, model):
            return Verdict(True, f"role {grant.role} on site {grant.site}, model {grant.model} gives {permission}")
    where = " ".join(part for part in (f"site {site}" if site else "", f"model {model}" if model else "") if part)
    return Verdict(False, f"{viewer.name} holds {permission}, but not for {where}")


def require(viewer: Viewer, permission: Permission, *, site: str | None = None, model: str | None = None) -> None:
    """Raises NotPermitted with the reason unless `decide` allows it."""
    verdict = decide(viewer, permission, site=site, model=model)
    if not verdict.allowed:
        raise NotPermitted(
            verdict.reason,
            advice=f"Ask an admin for a role with {permission}, or use --as with another account.",
            details={"permission": str(permission), "site": site, "model": model},
        )


def scope(viewer: Viewer, permission: Permission) -> list[tuple[str, str]]:
    """The (site, model) pairs, `*` for any, on which the viewer holds the permission: what a read filters by."""
    return sorted({(g.site, g.model) for g in viewer.grants if permission in ROLES.get(g.role, frozenset())})
