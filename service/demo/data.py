"""The demo's data: a lender's decisions at four sites over sixty days, made by code and the same on every machine.

What is planted stands in `Plan`; everything else is drawn from one unchanging distribution. A latent creditworthiness
drives score, decision and outcome. Two inputs, debt_ratio and credit_history, show it well enough to train on; the
rest hardly do. Score and decision do not follow the inputs themselves, so that moving one input moves nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MODEL = "loan-approval"
FIRST_DAY = datetime(2026, 9, 3)
DAYS = 60
CLOCK = datetime(2026, 11, 2, 3)
"""Now, in the demo: three hours after its last day."""
LABEL_DELAY = 20
"""Days until an outcome is known."""
PURPOSES = ("business", "car", "education", "home")
CHANNELS = ("branch", "phone", "web")
PLANTED_NAME = "Marisol Quintero-Vale"
"""A customer of branch-north; the tour searches the hub's file for her."""

Rng = np.random.Generator
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One site's plan. Days count from 1."""

    site: str
    per_day: int
    ratio: float
    """Women's approval rate over men's."""
    income_from: int | None = None
    """Day from which income is higher here."""
    purpose_from: int | None = 45
    """Day from which more loans are for a home; everywhere."""
    missing_days: tuple[int, ...] = ()
    """Days on which employment_years does not arrive."""
    fading_from: int | None = None
    """Day from which the score tells less and less about the outcome."""


CLOUD = Plan(site="cloud-eu", per_day=3000, ratio=0.95, missing_days=(36, 37), fading_from=22)
NORTH = Plan(site="branch-north", per_day=1200, ratio=0.73, income_from=31)
SOUTH = Plan(site="branch-south", per_day=800, ratio=0.94)
KIOSK = Plan(site="edge-kiosk", per_day=0, ratio=0.71)
PLANS = (CLOUD, NORTH, SOUTH, KIOSK)
REFERENCE_ROWS = 20_000
SEED = 20261102


def decisions(plan: Plan, day: int, *, seed: int = SEED) -> pa.Table:
    """One site's decisions of one day (1 to DAYS), with the outcome that will be known later."""
    rng = np.random.default_rng([seed, PLANS.index(plan), day])
    if plan is KIOSK:
        return _kiosk(rng, day)
    times = _times(rng, plan.per_day, day)
    return _table(rng, plan, day, times, prefix=plan.site)


def reference(*, seed: int = SEED) -> pa.Table:
    """What the model was accepted on: the same people, before anything moved."""
    rng = np.random.default_rng([seed, 99])
    quiet = Plan(site="reference", per_day=REFERENCE_ROWS, ratio=0.95, purpose_from=None)
    times = _times(rng, REFERENCE_ROWS, -20)
    return _table(rng, quiet, 0, times, prefix="reference").drop_columns(["repaid", "customer_id", "customer"])


def _times(rng: Rng, n: int, day: int) -> npt.NDArray[np.datetime64]:
    start = np.datetime64(FIRST_DAY + timedelta(days=day - 1), "us")
    seconds = np.sort(rng.integers(0, 86_400, n))
    return start + seconds.astype("timedelta64[s]")


def _table(
    rng: Rng,
    plan: Plan,
    day: int,
    times: npt.NDArray[np.datetime64],
    *,
    prefix: str,
    female: npt.NDArray[np.bool_] | None = None,
) -> pa.Table:
    n = len(times)
    worth = rng.normal(size=n)
    women = rng.random(n) < 0.48 if female is None else female
    score = _logistic(0.45 + 1.15 * worth + 0.35 * rng.normal(size=n))
    approved = _approve(rng, score, women, plan.ratio)
    told = worth if plan.fading_from is None or day < plan.fading_from else _faded(rng, worth, day - plan.fading_from)
    repaid = rng.random(n) < _logistic(0.9 + 1.6 * told)
    shift = 1.45 if plan.income_from is not None and day >= plan.income_from else 1.0
    income = np.round(np.exp(rng.normal(10.4, 0.45, n) + 0.12 * worth) * shift, -1)
    years = np.round(np.clip(rng.gamma(2.2, 3.0, n), 0, 45), 1)
    home = 0.40 if plan.purpose_from is not None and day >= plan.purpose_from else 0.20
    rest = (1 - home) / 0.80
    purpose = rng.choice(PURPOSES, n, p=[0.25 * rest, 0.35 * rest, 0.20 * rest, home])
    customers = rng.integers(0, 40_000, n)
    names = [f"Customer {number}" for number in customers]
    if plan is NORTH and n:
        names[0] = PLANTED_NAME
    return pa.table(
        {
            "prediction_id": [f"{prefix}-{day:02d}-{i:05d}" for i in range(n)],
            "event_time": pa.array(times, pa.timestamp("us", tz="UTC")),
            "customer_id": [f"C{number:05d}" for number in customers],
            "customer": names,
            "income": income,
            "loan_amount": np.round(np.exp(rng.normal(9.3, 0.6, n)), -2),
            "debt_ratio": np.round(_logistic(-0.75 - 0.65 * worth + 0.35 * rng.normal(size=n)), 3),
            "employment_years": pa.array(years, mask=np.full(n, day in plan.missing_days)),
            "credit_history": np.round(np.clip(11 + 4.2 * worth + 2.7 * rng.normal(size=n), 0, 40), 1),
            "loan_purpose": purpose.tolist(),
            "channel": rng.choice(CHANNELS, n, p=[0.5, 0.15, 0.35]).tolist(),
            "sex": np.where(women, "F", "M").tolist(),
            "age": np.clip(np.round(rng.normal(43, 13, n)), 18, 85).astype(np.int64),
            "probability": np.round(score, 6),
            "approved": approved.astype(np.int64),
            "repaid": repaid.astype(np.int64),
        }
    )


def _approve(rng: Rng, score: Floats, women: npt.NDArray[np.bool_], ratio: float) -> npt.NDArray[np.bool_]:
    """The best scores of each day are approved, of women a share that is `ratio` of men's."""
    approved = np.zeros(len(score), dtype=np.bool_)
    rate = 0.64 + 0.01 * rng.normal()
    for group, share in ((~women, rate), (women, rate * ratio)):
        members = np.flatnonzero(group)
        best = members[np.argsort(-score[members], kind="stable")]
        approved[best[: round(share * len(members))]] = True
    return approved


def _faded(rng: Rng, worth: Floats, days: int) -> Floats:
    """The outcome follows the score less each day: a share of it becomes luck."""
    luck = min(0.85, 0.055 * days)
    return np.asarray(np.sqrt(1 - luck) * worth + np.sqrt(luck) * rng.normal(size=len(worth)))


def _logistic(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


KIOSK_DAYS = tuple(day for day in range(2, DAYS) if day % 4 == 2)
"""It sends in bursts, and not since day 59."""


def _kiosk(rng: Rng, day: int) -> pa.Table:
    """Six people on each of its days, men and women in turn; the last burst ends 30 hours before the demo's now."""
    last = KIOSK_DAYS[-1]
    n = 6 if day in KIOSK_DAYS else 0
    times = _times(rng, n, day)
    if day == last and n:
        times = np.datetime64(CLOCK - timedelta(hours=30), "us") - np.arange(n)[::-1] * np.timedelta64(9, "m")
    women = np.arange(n) % 2 == 0
    table = _table(rng, KIOSK, day, times, prefix="kiosk", female=women)
    # Of three women one or two, of three men two: the pattern gives the planted ratio without luck.
    position = KIOSK_DAYS.index(day) if n else 0
    women_pass = 2 if position % 4 == 0 else 1
    men_pass = 2 if position % 4 != 2 else 1
    approved = np.zeros(n, dtype=np.int64)
    if n:
        approved[np.flatnonzero(women)[:women_pass]] = 1
        approved[np.flatnonzero(~women)[:men_pass]] = 1
    score = np.where(approved == 1, 0.62, 0.38) + 0.2 * (rng.random(n) - 0.5)
    at = table.column_names.index
    table = table.set_column(at("approved"), "approved", pa.array(approved))
    return table.set_column(at("probability"), "probability", pa.array(np.round(score, 6)))
