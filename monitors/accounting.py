"""Privacy budgets in exact rationals: what a loss of rho means, what a cap allows, and when a spend is refused.

The currency is zCDP rho, summed as fractions: no tolerance, so that the last grain of a budget cannot be spent twice.
An (epsilon, delta) promise becomes a cap on rho by the optimal conversion of Canonne, Kamath and Steinke (2020),
rounded against the spender. Budgets belong to (people, block of the data's own time) over all models and sites.

The rolling window is counted in whole blocks: `per` is covered by K = ceil(per / block) blocks, and the cap holds for
any K consecutive ones. A release of a block costs cap / K unless the model file says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from math import exp, inf, log, log1p, nextafter
from typing import Any

from monitors.subject import AT_MOST, Subject
from store.errors import BadInput, BudgetExceeded
from store.result import Monitor, Result, Status

GRID = 10**12
"""Caps are rounded down to whole multiples of 1 / GRID, so that they can be written down."""
WARN_AT = Fraction(4, 5)
STEPS = (Fraction(1, 2), WARN_AT, Fraction(1))
MONDAY = datetime(1970, 1, 5)
"""Blocks are counted from here, so that weekly ones start on Mondays."""


def exact(text: str) -> Fraction:
    """`1/100`, `0.01`, `1e-6` as the number they name. A float is refused: 0.01 as a float is not 1/100."""
    if not isinstance(text, str):
        raise BadInput(f"{text!r} is not text", advice='Write numbers about privacy in quotes, such as "0.01".')
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise BadInput(f"{text!r} is no number", advice='Write "0.01", "1e-6" or "1/100".') from error


# -- rho and epsilon ----------------------------------------------------------------------------------------------


def epsilon_of(rho: Fraction, delta: Fraction) -> float:
    """The smallest epsilon for which rho-zCDP gives (epsilon, delta), rounded up.

    epsilon = min over a > 1 of  a rho + (ln(1/delta) + (a - 1) ln(1 - 1/a) - ln a) / (a - 1). Every a gives a valid
    bound, so a search that stops short errs on the safe side.
    """
    _check_delta(delta)
    if rho < 0:
        raise BadInput(f"a loss of {rho} is negative", advice="Give rho as 0 or more.")
    if rho == 0:
        return 0.0
    slack = log(delta.denominator) - log(delta.numerator)
    return max(_up(_least(float(rho), slack)), 0.0)


def _bound(order: float, rho: float, slack: float) -> float:
    """order is ln(a - 1): the minimum lies anywhere from just above 1 to beyond 10^6."""
    excess = exp(order)
    return (1 + excess) * rho + (slack - excess * log1p(1 / excess) - log1p(excess)) / excess


def _least(rho: float, slack: float) -> float:
    low, high = -20.0, 40.0
    # Golden section: the bound falls, then rises, in a.
    shrink = (5**0.5 - 1) / 2
    for _ in range(120):
        width = shrink * (high - low)
        if _bound(high - width, rho, slack) < _bound(low + width, rho, slack):
            high = low + width
        else:
            low = high - width
    return _bound((low + high) / 2, rho, slack)


def _up(value: float) -> float:
    """Above the rounding of the few operations that gave it."""
    return nextafter(value * (1 + 1e-12) if value > 0 else value, inf)


def _check_delta(delta: Fraction) -> None:
    if not 0 < delta < 1:
        raise BadInput(f"delta is {delta}", advice="Give a delta between 0 and 1, below one in the number of people.")


@lru_cache(maxsize=256)
def cap_rho(epsilon: Fraction, delta: Fraction) -> Fraction:
    """The largest multiple of 1/GRID whose conversion stays at or below epsilon."""
    _check_delta(delta)
    if epsilon <= 0:
        raise BadInput(f"epsilon is {epsilon}", advice="Give an epsilon above 0.")
    low, high = 0, GRID
    while epsilon_of(Fraction(high, GRID), delta) <= epsilon:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if epsilon_of(Fraction(middle, GRID), delta) <= epsilon:
            low = middle
        else:
            high = middle
    if low == 0:
        raise BadInput(f"epsilon {epsilon} leaves no budget to spend", advice="Raise epsilon, or delta.")
    return Fraction(low, GRID)


# -- budgets and spends -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Budget:
    """`[people.NAME]`: what may be lost about the same persons, over all models and sites that draw on them."""

    people: str
    epsilon: Fraction
    delta: Fraction
    per: timedelta
    block: timedelta

    def __post_init__(self) -> None:
        if self.block <= timedelta(0) or self.per < self.block:
            raise BadInput(
                f"people {self.people}: a window of {self.per} cannot hold blocks of {self.block}",
                advice="Give `per` as at least one `block`, such as per = 30d and block = 7d.",
            )

    @property
    def cap(self) -> Fraction:
        return cap_rho(self.epsilon, self.delta)

    @property
    def blocks(self) -> int:
        """K: consecutive blocks that the cap holds for."""
        return -(-self.per // self.block)

    @property
    def default_rho(self) -> Fraction:
        """What a release of one block costs, so that K of them exhaust the cap and no more."""
        return self.cap / self.blocks

    def index(self, moment: datetime) -> int:
        return (moment - MONDAY) // self.block

    def start(self, index: int) -> datetime:
        return MONDAY + index * self.block


@dataclass(frozen=True, slots=True)
class Spend:
    """One ledger entry: a loss of rho about the people whose data lies in [block_from, block_to)."""

    people: str
    block_from: datetime
    block_to: datetime
    rho: Fraction
    site: str = ""
    model: str = ""


def spends_of(rows: Iterable[Mapping[str, Any]]) -> list[Spend]:
    """Ledger rows as spends. An entry counts once it is charged, whether or not its release followed.

    Rows of one entry in several states (`id` the same) count once.
    """
    unique = {row.get("id", place): row for place, row in enumerate(rows)}
    return [
        Spend(
            people=row["people"],
            block_from=row["block_from"],
            block_to=row["block_to"],
            rho=exact(row["rho"]),
            site=row.get("site") or "",
            model=row.get("model") or "",
        )
        for row in unique.values()
    ]


def spent_by_block(spends: Iterable[Spend], budget: Budget) -> dict[int, Fraction]:
    """Loss per block of the people; an entry that reaches over several blocks counts in full in each."""
    out: dict[int, Fraction] = {}
    for spend in spends:
        if spend.people != budget.people:
            continue
        last = budget.index(spend.block_to - timedelta(microseconds=1))
        for index in range(budget.index(spend.block_from), last + 1):
            out[index] = out.get(index, Fraction(0)) + spend.rho
    return out


@dataclass(frozen=True, slots=True)
class WindowSpend:
    """The loss within K consecutive blocks."""

    window_from: datetime
    window_to: datetime
    rho: Fraction


def _window(blocks: Mapping[int, Fraction], budget: Budget, first: int) -> WindowSpend:
    total = sum((blocks.get(index, Fraction(0)) for index in range(first, first + budget.blocks)), Fraction(0))
    return WindowSpend(budget.start(first), budget.start(first + budget.blocks), total)


def spent(spends: Iterable[Spend], budget: Budget, *, until: datetime) -> WindowSpend:
    """The K blocks that end with the block that holds the instant before `until`."""
    last = budget.index(until - timedelta(microseconds=1))
    return _window(spent_by_block(spends, budget), budget, last - budget.blocks + 1)


def fullest(spends: Iterable[Spend], budget: Budget) -> WindowSpend | None:
    """The K consecutive blocks with the greatest loss; None where nothing was spent."""
    blocks = spent_by_block(spends, budget)
    if not blocks:
        return None
    windows = (_window(blocks, budget, index - budget.blocks + 1) for index in sorted(blocks))
    return max(windows, key=lambda window: window.rho)


def admit(spends: Iterable[Spend], new: Spend, budget: Budget) -> WindowSpend:
    """The fullest window that the new spend falls in, with it; raises BudgetExceeded if that would pass the cap.

    Ask before noise is drawn, under the lock that the charge is written under.
    """
    if new.people != budget.people:
        raise BadInput(f"a spend on {new.people} against the budget of {budget.people}", advice="Name the same people.")
    if new.rho <= 0:
        raise BadInput(f"a spend of {new.rho}", advice="Give a rho above 0.")
    earlier = list(spends)
    blocks = spent_by_block([*earlier, new], budget)
    touched = spent_by_block([new], budget)
    firsts = range(min(touched) - budget.blocks + 1, max(touched) + 1)
    worst = max((_window(blocks, budget, first) for first in firsts), key=lambda window: window.rho)
    if worst.rho > budget.cap:
        raise _exceeded(budget, new, worst)
    return worst


def _exceeded(budget: Budget, new: Spend, worst: WindowSpend) -> BudgetExceeded:
    before = worst.rho - new.rho
    return BudgetExceeded(
        f"the budget of {budget.people} would be overspent: {told(before)} of {told(budget.cap)} rho is spent in "
        f"{worst.window_from:%Y-%m-%d} to {worst.window_to:%Y-%m-%d}, and this release asks for {told(new.rho)}",
        advice="Wait for data of a later block, release with a smaller rho, or have the cap raised by its owner.",
        details={
            "people": budget.people,
            "cap_rho": str(budget.cap),
            "spent_rho": str(before),
            "asked_rho": str(new.rho),
            "window": {"from": f"{worst.window_from:%Y-%m-%d}", "to": f"{worst.window_to:%Y-%m-%d}"},
            "epsilon": told(budget.epsilon),
            "delta": told(budget.delta),
        },
    )


def check_plan(budget: Budget, plans: Mapping[str, Fraction]) -> None:
    """Refuses plans (who: rho per block) that together run dry inside their own window, with the figures."""
    per_block = sum(plans.values(), Fraction(0))
    if per_block * budget.blocks <= budget.cap:
        return
    lasts = budget.cap // per_block
    who = ", ".join(f"{name} {told(rho)}" for name, rho in sorted(plans.items()))
    raise BudgetExceeded(
        f"the budget of {budget.people} would run dry: {told(per_block)} rho per block ({who}) lasts {lasts} of "
        f"{budget.blocks} blocks; the cap is {told(budget.cap)}",
        advice=f"Ask for at most {told(budget.default_rho)} rho per block in all, use longer blocks, or raise epsilon.",
        details={
            "people": budget.people,
            "cap_rho": str(budget.cap),
            "rho_per_block": str(per_block),
            "blocks": budget.blocks,
            "lasts_blocks": int(lasts),
        },
    )


def told(number: Fraction) -> str:
    """For people: at most four significant digits. Records keep the fraction."""
    return f"{float(number):.4g}"


# -- the result ---------------------------------------------------------------------------------------------------


def privacy_result(subject: Subject, *, budget: Budget, spends: Iterable[Spend]) -> Result:
    """budget_spent_share of the people, in the K blocks up to the subject's window.

    Reaching 80 % of the cap is `outside` already: the limit is where people are warned, not where releases stop
    (`admit` stops them). `details.step` is the highest of 0.5, 0.8 and 1 that was reached.
    """
    window = spent(spends, budget, until=subject.window_to)
    share = window.rho / budget.cap
    reached = [step for step in STEPS if share >= step]
    return subject.result(
        Monitor.PRIVACY,
        "budget_spent_share",
        about=budget.people,
        value=float(share),
        limit_op=AT_MOST,
        limit_value=float(WARN_AT),
        limit_source="warning from 80 % of the budget",
        status=Status.OUTSIDE if share >= WARN_AT else Status.WITHIN,
        significant=None,
        method={"name": "bailiwick", "basis": "ledger", "exact": True, "conversion": "zCDP, CKS 2020"},
        details={
            "spent_rho": str(window.rho),
            "cap_rho": str(budget.cap),
            "epsilon_spent": epsilon_of(window.rho, budget.delta),
            "epsilon": told(budget.epsilon),
            "delta": told(budget.delta),
            "step": float(reached[-1]) if reached else 0.0,
            "blocks": budget.blocks,
            "from": f"{window.window_from:%Y-%m-%d}",
            "to": f"{window.window_to:%Y-%m-%d}",
        },
    )
