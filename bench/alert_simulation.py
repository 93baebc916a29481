"""Alerts with known truth: false ones per day on quiet columns, and power against n and effect, beside peers' defaults.

    python bench/alert_simulation.py [--columns 1000] [--days 5] [--moved 50] [--json] [--write]

Each quiet column is drawn on both sides from one distribution (a third each: normal, lognormal, five categories); the
moved ones are normal with another mean, so many standard deviations away (`effect`; 0.32 is a PSI of 0.1). Every rule
judges the same rows, with its own defaults:
    bailiwick       PSI on counts, an effect beyond 0.1 and a test, then false discoveries over the day (q = 0.05)
    evidently, few  `evidently-0.7` against a reference of 1,000 rows: tests at p 0.05; also with q = 0.05 over the day
    evidently       `evidently-0.7` against 5,000 rows: distances at 0.1
    nannyml         `nannyml-0.13` against 5,000 rows: Jensen-Shannon above three deviations over chunks
Ours is judged on ten times as many days where n is at most 500, because its false alerts are that rare.
A declared rate of 0.05 means: on a day on which nothing moved, the chance of any alert is at most 0.05.
`--write` puts table and plot into docs/ (method.md, power.svg). Seeded: the same arguments give the same numbers.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from monitors.discovery import benjamini_hochberg, p_value
from monitors.drift import judge_counts
from monitors.measures import LIMITS, PSI
from monitors.method_sets import judge_rows
from monitors.verdict import P_VALUES
from store.result import Monitor, Status

Floats = npt.NDArray[np.float64]
RATE = 0.05
FEW, MANY = 1_000, 5_000
SIZES = (100, 200, 500, 2_000, 10_000)
EFFECTS = (0.1, 0.2, 0.3, 0.5, 0.8)
SHARES = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
BINS = 20
SEED = 20261120
DOCS = Path(__file__).resolve().parents[1] / "docs"


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule says of one column: whether it alerts by itself, and its p-value where it has one."""

    alerts: bool
    p: float | None = None


Rule = Callable[[Floats, Floats, str], Said]


def ours(reference: Floats, current: Floats, kind: str) -> Said:
    if kind == "category":
        edges = np.arange(0.5, len(SHARES) - 1)
    else:
        edges = np.unique(np.quantile(reference, np.arange(1, BINS) / BINS))
    before, after = (
        np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) for side in (reference, current)
    )
    judged = judge_counts(before, after[None, :], variance=np.zeros(1), limit=LIMITS[PSI])
    told = {
        "p_value": float(judged.scaled.p_value[0]),
        "chi_square": float(judged.compared.chi_square[0]),
        "degrees": int(judged.compared.degrees[0]),
    }
    return Said(str(judged.status[0]) == Status.OUTSIDE, p_value(Monitor.DRIFT, PSI, None, told, len(current)))


def of_peer(method_set: str) -> Rule:
    def rule(reference: Floats, current: Floats, kind: str) -> Said:
        found = judge_rows(method_set, reference, current, kind=kind)
        p = found.value if found.measure in P_VALUES else None
        return Said(found.status is Status.OUTSIDE, p)

    return rule


RULES: dict[str, tuple[Rule, int]] = {
    "bailiwick": (ours, MANY),
    "evidently, few": (of_peer("evidently-0.7"), FEW),
    "evidently": (of_peer("evidently-0.7"), MANY),
    "nannyml": (of_peer("nannyml-0.13"), MANY),
}


def draw(rng: np.random.Generator, place: int, rows: int, effect: float = 0.0) -> tuple[Floats, str]:
    """A moved column is always normal; a quiet one is of a kind by its place."""
    if effect or place % 3 == 0:
        return rng.normal(effect, 1.0, rows), "number"
    if place % 3 == 1:
        return rng.lognormal(0.0, 0.7, rows), "number"
    return rng.choice(len(SHARES), size=rows, p=SHARES).astype(np.float64), "category"


def day_of(
    rule: Rule, reference_rows: int, n: int, columns: int, *, seed: Sequence[int], effect: float = 0.0
) -> list[Said]:
    """One day of so many columns, every one moved by the effect."""
    rng = np.random.default_rng(seed)
    found = []
    for place in range(columns):
        reference, kind = draw(rng, place, reference_rows)
        current, _ = draw(rng, place, n, effect)
        if effect:
            reference, kind = rng.normal(0.0, 1.0, reference_rows), "number"
        found.append(rule(reference, current, kind))
    return found


def standing(day: Sequence[Said], family: Sequence[Said] = ()) -> list[bool]:
    """Which of a day's columns alert once the day's tests are looked at together; what has no p stands as it is."""
    tested = [one.p for one in (*day, *family) if one.p is not None]
    found = benjamini_hochberg(tested, RATE)
    return [one.alerts and (one.p is None or found.stands(one.p)) for one in day]


def simulate(columns: int, days: int, moved: int, *, sizes: Sequence[int] = SIZES) -> list[dict[str, Any]]:
    """Per rule and n: false alerts per day alone and over the day, days with any, and the share of moved found."""
    rows = []
    for name, (rule, reference_rows) in RULES.items():
        for n in sizes:
            lived = days * 10 if name == "bailiwick" and n <= 500 else days
            quiet = [day_of(rule, reference_rows, n, columns, seed=(SEED, n, d)) for d in range(lived)]
            over = [sum(standing(day)) for day in quiet]
            power = {}
            for k, effect in enumerate(EFFECTS):
                day = day_of(rule, reference_rows, n, moved, seed=(SEED, n, 1_000 + k), effect=effect)
                with_rate = name == "bailiwick" or any(one.p is not None for one in day)
                alone = np.mean([one.alerts for one in day])
                power[effect] = {
                    "alone": float(alone),
                    "over_the_day": float(np.mean(standing(day, quiet[0]))) if with_rate else None,
                }
            rows.append(
                {
                    "rule": name, "n": n, "reference": reference_rows, "columns": columns, "days": lived,
                    "false_alone": float(np.mean([sum(one.alerts for one in day) for day in quiet])),
                    "false_over_the_day": float(np.mean(over)) if any(one.p is not None for one in quiet[0]) else None,
                    "days_with_any": float(np.mean([count > 0 for count in over])),
                    "power": power,
                }
            )  # fmt: skip
    return rows


def figure(number: float | None) -> str:
    if number is None:
        return "no p"
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.2g}"


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: false alerts per day, then power."""
    effects = "".join(f" {effect:g} sd |" for effect in EFFECTS)
    lines = [
        f"| rule | n | days | false a day | false a day, q = {RATE:g} |{effects}",
        "|---" * (5 + len(EFFECTS)) + "|",
    ]
    for row in rows:
        power = "".join(f" {100 * told(row, effect):.0f} % |" for effect in EFFECTS)
        lines.append(
            f"| {row['rule']} | {row['n']:,} | {row['days']} | {figure(row['false_alone'])} "
            f"| {figure(row['false_over_the_day'])} |{power}"
        )
    return "\n".join(lines)


def told(row: dict[str, Any], effect: float) -> float:
    """Power as the rule is used: ours over the day, peers' as their default is, alone."""
    found = row["power"][effect]
    return float(found["over_the_day"] if row["rule"] == "bailiwick" else found["alone"])


COLOURS = {"bailiwick": "#2a78d6", "evidently, few": "#d98a00", "evidently": "#c23b22", "nannyml": "#6b4fa0"}
DASHES = {"bailiwick": "", "evidently, few": "6 3", "evidently": "2 3", "nannyml": "8 3 2 3"}
WIDE, HIGH, LEFT, TOP, GAP = 190, 170, 46, 64, 16


def plot(rows: Sequence[dict[str, Any]]) -> str:
    """SVG, a panel per n: share of moved columns that alert against the shift; at 0, of the quiet ones."""
    sizes = sorted({row["n"] for row in rows})
    width, height = LEFT + len(sizes) * (WIDE + GAP) + 8, TOP + HIGH + 46
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="12">',
        "<title>Share of columns that alert, by shift and rows in the window</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="18" fill="#222">Share of columns that alert, against the shift of the mean in standard '
        "deviations; at 0 every alert is false</text>",
    ]
    for place, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + place * 170
        out.append(f'<path d="M{x} 36h28" stroke="{colour}" stroke-width="2.5" stroke-dasharray="{DASHES[name]}"/>')
        out.append(f'<text x="{x + 34}" y="40" fill="#222">{name}</text>')
    for panel, n in enumerate(sizes):
        out += _panel(LEFT + panel * (WIDE + GAP), n, [row for row in rows if row["n"] == n], first=panel == 0)
    return "\n".join([*out, "</svg>"]) + "\n"


def _panel(left: int, n: int, rows: Sequence[dict[str, Any]], *, first: bool) -> list[str]:
    farthest = EFFECTS[-1]

    def at(effect: float, share: float) -> str:
        return f"{left + WIDE * effect / farthest:.1f},{TOP + HIGH * (1 - share):.1f}"

    out = [f'<rect x="{left}" y="{TOP}" width="{WIDE}" height="{HIGH}" fill="none" stroke="#bbb"/>']
    out.append(f'<text x="{left + WIDE / 2}" y="{TOP - 8}" text-anchor="middle" fill="#222">n = {n:,}</text>')
    for share in (0, 0.5, 1):
        y = TOP + HIGH * (1 - share)
        out.append(f'<path d="M{left} {y}h{WIDE}" stroke="#e2e2e2"/>')
        if first:
            out.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end" fill="#555">{100 * share:.0f} %</text>')
    for effect in (0.0, *EFFECTS):
        x = left + WIDE * effect / farthest
        out.append(f'<text x="{x:.1f}" y="{TOP + HIGH + 16}" text-anchor="middle" fill="#555">{effect:g}</text>')
    for row in rows:
        quiet = row["false_over_the_day"] if row["rule"] == "bailiwick" else row["false_alone"]
        points = [at(0.0, quiet / row["columns"]), *(at(effect, told(row, effect)) for effect in EFFECTS)]
        out.append(
            f'<polyline points="{" ".join(points)}" fill="none" stroke="{COLOURS[row["rule"]]}" stroke-width="2.5" '
            f'stroke-dasharray="{DASHES[row["rule"]]}"/>'
        )
    return out


BLOCK = re.compile(r"(<!-- simulation -->\n).*?(<!-- end of simulation -->)", re.DOTALL)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--columns", type=int, default=1_000)
    asked.add_argument("--days", type=int, default=5)
    asked.add_argument("--moved", type=int, default=50)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--write", action="store_true")
    options = asked.parse_args()
    rows = simulate(options.columns, options.days, options.moved)
    print(json.dumps(rows, indent=2) if options.json else table(rows))
    if options.write:
        page = DOCS / "method.md"
        text = page.read_text(encoding="utf-8")
        page.write_text(BLOCK.sub(lambda m: f"{m[1]}{table(rows)}\n{m[2]}", text), encoding="utf-8")
        (DOCS / "power.svg").write_text(plot(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
