"""What the monitors said of sixty days, in the shape of the contract."""

from __future__ import annotations

from typing import Any

from fake_story import INPUTS, SITES, result


def drift() -> list[dict[str, Any]]:
    out = []
    for day in range(60):
        for site in (*SITES, "*"):
            for about in INPUTS:
                moved = (about == "income" and site in ("branch-north", "*") and day >= 31) or (
                    about == "loan_purpose" and day >= 45
                )
                few = site == "edge-kiosk" and (day % 3 or about == "age")
                if few:
                    fields = {
                        "status": "too_few",
                        "value": None,
                        "n": {"reference": 20000, "current": 7},
                        "details": {"reason": "7 rows"},
                    }
                else:
                    value = (0.31 if moved else 0.012) + 0.001 * ((day * 7 + len(about)) % 9)
                    fields = {
                        "status": "outside" if moved else "within",
                        "value": value,
                        "significant": moved,
                        "severity": "high" if moved else "info",
                    }
                limit = {"op": "at_most", "value": 0.1, "source": "default"}
                out.append(
                    result(day=day, site=site, monitor="drift", measure="psi", about=about, limit=limit, **fields)
                )
    return out


def fairness() -> list[dict[str, Any]]:
    out = []
    told = {
        "branch-north": (0.73, [0.68, 0.78], "outside", 4210),
        "branch-south": (0.93, [0.85, 1.02], "within", 3900),
        "cloud-eu": (0.95, [0.92, 0.98], "within", 21000),
        "edge-kiosk": (0.71, [0.38, 1.31], "unclear", 43),
    }
    for site, (value, interval, status, n) in told.items():
        for day in range(52, 60):
            limit = {"op": "at_least", "value": 0.8, "source": "policy MR-14"}
            out.append(
                result(
                    day=day,
                    site=site,
                    monitor="fairness",
                    measure="selection_rate_ratio",
                    about="sex",
                    value=value,
                    interval=interval,
                    status=status,
                    significant=status == "outside",
                    n={"reference": None, "current": n},
                    limit=limit,
                    details={"p_adjusted": 0.00002 if status == "outside" else 0.31},
                )
            )
        for group, n_share in (("sex=F", value), ("sex=M", 1.0)):
            rate = 0.62 * n_share
            few = n < 50
            out.append(
                result(
                    site=site,
                    monitor="fairness",
                    measure="selection_rate",
                    about=group,
                    value=None if few else rate,
                    interval=None if few else [rate - 0.02, rate + 0.02],
                    status="too_few" if few else "within",
                    n={"reference": None, "current": n // 2},
                    details={"limit": "none set"},
                )
            )
    return out


def others() -> list[dict[str, Any]]:
    out = []
    for day in range(40):
        value = 0.81 - max(0, day - 20) * 0.004
        limit = {"op": "at_least", "value": 0.75, "source": "model file"}
        out.append(
            result(
                day=day,
                site="cloud-eu",
                monitor="performance",
                measure="roc_auc",
                value=value,
                about=None,
                limit=limit,
                interval=[value - 0.02, value + 0.02],
                status="outside" if value + 0.02 < 0.75 else "unclear" if value < 0.75 else "within",
            )
        )
    out.append(
        result(
            site="*",
            monitor="privacy",
            measure="budget_spent_share",
            about="customers",
            value=0.8,
            status="outside",
            limit={"op": "at_most", "value": 0.8, "source": "warning from 80 % of the budget"},
            details={
                "spent_rho": "4/50",
                "cap_rho": "1/10",
                "epsilon_spent": 2.4,
                "epsilon": "3",
                "delta": "1e-6",
                "blocks": 4,
                "from": "2026-10-05",
                "to": "2026-11-02",
                "step": 0.8,
            },
        )
    )
    out.append(
        result(
            site="edge-kiosk",
            monitor="performance",
            measure="roc_auc",
            about=None,
            value=None,
            status="no_labels",
            details={"reason": "no labels"},
        )
    )
    limit = {"op": "at_most", "value": 0.05, "source": "default"}
    out.append(
        result(
            day=38,
            site="cloud-eu",
            monitor="quality",
            measure="missing_rate",
            about="term",
            value=1.0,
            status="outside",
            limit=limit,
        )
    )
    out.append(
        result(
            day=59,
            site="cloud-eu",
            monitor="quality",
            measure="missing_rate",
            about="term",
            value=0.0,
            status="within",
            limit=limit,
        )
    )
    out.append(
        result(
            site="edge-kiosk",
            monitor="silence",
            measure="hours_silent",
            about=None,
            value=30.0,
            status="stale",
            severity="high",
            limit={"op": "at_most", "value": 6.0, "source": "site"},
        )
    )
    return out
