"""The state table of alerts as a Markdown page: docs/design/alerts.md is this, and a test holds the two equal."""

from __future__ import annotations

from monitors.alerts import TRANSITIONS, Condition, Signal
from monitors.triage import TRIAGE_TABLE

SIGNALS = {
    Signal.FIRES: "`outside` often enough, `stale`",
    Signal.DOUBTS: "`unclear`, third window running",
    Signal.CLEARS: "`within` by a margin, or third window running",
    Signal.LOST: "`too_few`, `no_reference`, `not_computable`, third window running",
    Signal.NOTHING: "anything else",
}


def page() -> str:
    return f"""# The life of an alert

One alert per (model, version, site, segment, monitor, about, measure); alerts that agree in (model, monitor, about,
measure) are one case, whatever the site. This page is made from the code (`python -m monitors.alert_table`).

## Condition: what results make of it

{_conditions()}

Results are taken in the order of their windows. One of an older window than the last changes nothing; one of the same
window replaces what was said of it. Empty: nothing changes. A window that waits for its labels (`no_labels`) never
changes anything, and a number without a limit neither. A resolved alert that fires in a later window is reopened as
`regressed`; a silence is one episode from one contact to the next.

What a result means is settled first (`watch: {{alerts: ...}}` of the model file; the defaults in brackets):

- **False discoveries** (`false_discovery_rate`, 0.05). A drift that is `outside` by its own test is held against all
  tests of its model version's day; one that is no more than chance gives among so many counts as `unclear` here.
- **Persistence** (`persistence`, 1 of 1). With `2 of 3`, two of the last three windows that could say must be outside.
  Far beyond the limit, silence and budgets fire at once, and a firing alert goes on with each window outside. One
  window is the default because `outside` already asks for an effect and a test, and a day's delay is a cost.
- **Hysteresis** (`clears_at`, 0.9). It ends inside by a tenth of the limit (of a lower limit: a tenth of what it leaves
  up to 1), or inside it at all in three windows running. Silence and budgets end at their limit.
- **Cool-down** (`cool_down`, none). What fires again so soon after it cleared is the same episode (`returned`): it
  keeps its triage, and nobody is called again unless it is graver.
- **Owner and due time** (`owner`; `due`, 1 day critical, 3 days high, 7 medium, 30 low) by the severity it opens with.
  A graver severity brings the due time forward.

## Triage: what people make of it

{_triage()}

Snoozing, muting and resolving need a reason. A snooze lasts until a time, until it gets worse, or until the next
version serves; whichever it is, the alert goes back to `to_review` when its severity rises. A mute is a snooze that
ends by its time alone. What is critical already cannot be snoozed until it gets worse.
An alert that fires again after it cleared goes back to `to_review`, unless it is snoozed. Open means: not cleared by
results, and not resolved by a person.

## Severity

Unclear is low, and so is what the day's tests do not bear out. Outside starts at medium: one more at tier 1, one less
from tier 4 on, one more when far beyond the limit (twice an upper one, three quarters of a lower one), one more when
outside in three windows running; critical only when far beyond. Silence starts at medium and ends at high. Budgets:
medium from 80 %, high when spent. The rule that was applied is stored with the alert.
"""


def _conditions() -> str:
    lines = ["| | " + " | ".join(SIGNALS[signal] for signal in Signal if signal is not Signal.NOTHING) + " |"]
    lines.append("|---" * len(Signal) + "|")
    for condition in (None, *Condition):
        cells = []
        for signal in Signal:
            if signal is Signal.NOTHING:
                continue
            found = TRANSITIONS.get((condition, signal))
            cells.append(f"{found[0]} ({str(found[1]).replace('_', ' ')})" if found else "")
        lines.append(f"| {condition or 'no alert'} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _triage() -> str:
    lines = ["| state | what a person may do |", "|---|---|"]
    for state, moves in TRIAGE_TABLE.items():
        lines.append(
            f"| {state} | {', '.join(moves) if moves else 'nothing; it reopens by itself when it fires again'} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(page(), end="")
