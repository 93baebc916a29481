"""Whether a report is untouched and ours: a numbered check over bytes, with what differs and where.

The caller gives the file, what the trail recorded of it (found by the file's SHA-256, else by the report id that
`identify` reads from the file and the file's format), and the hub's own copy where it is at hand. The steps:
 (1) the SHA-256 of the whole file is the one that the trail recorded: untouched, every byte of it;
 (2) the report id inside the file is the one that was recorded;
 (3) the evidence inside the file has the SHA-256 that the file states, and the one that was recorded;
 (4) where (1) does not hold and the hub's own copy does have the recorded SHA-256: name what differs and where;
 (5) completeness, told apart: what the report says of itself, and believed only where (1) or the hub's copy vouches;
 (6) a PDF's signature, whose own steps are in reports/signature.py.
The CALLER must have verified the trail that the record stands in. Integrity alone decides the exit code.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reports.compare import Finding, differences
from reports.identify import EVIDENCE_NAME, Identity, identify
from reports.signature import SIGNED, Signature
from store.canonical import sha256_hex

INTACT, CHANGED, UNKNOWN = "intact", "changed", "unknown"
UNSIGNED = "unsigned"
"""Formats that carry no signature; a PDF says what `reports.signature` found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedReport:
    """What the trail holds of a report."""

    id: str
    format: str
    sha256: str
    evidence_sha256: str | None = None
    seq: int | None = None
    known_at: datetime | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    number: int
    told: str
    held: bool | None
    """None: could not be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    integrity: str
    """`intact`, `changed` or `unknown` (the trail knows nothing of it)."""
    signature: str
    """`signed` (by us, over every byte), `unsigned`, `broken` or `foreign`."""
    signed: Signature | None
    completeness: str
    """In words; never part of the verdict on integrity."""
    gaps: tuple[str, ...]
    report_id: str | None
    sha256: str
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "schema": "bailiwick/verdict/1",
            "integrity": self.integrity,
            "signature": self.signature,
            "signed": None if self.signed is None else self.signed.as_json(),
            "completeness": self.completeness,
            "gaps": list(self.gaps),
            "report": self.report_id,
            "sha256": self.sha256,
            "steps": [{"step": s.number, "told": s.told, "held": s.held} for s in self.steps],
            "findings": [finding.as_json() for finding in self.findings],
        }


def verify(
    content: bytes,
    recorded: RecordedReport | None,
    original: bytes | None = None,
    signature: Signature | None = None,
) -> Verdict:
    """Never raises on any bytes. `original` is the hub's own copy; it is believed only at its recorded digest."""
    inside, sha256 = identify(content), sha256_hex(content)
    untouched = recorded is not None and recorded.sha256 == sha256
    first, findings = _whole_file(recorded, sha256)  # (1)
    second, more = _report_id(inside, recorded)  # (2)
    findings += more
    third, more = _evidence(inside, recorded)  # (3)
    findings += more
    steps = [first, second, third]
    trusted = original if recorded and original is not None and sha256_hex(original) == recorded.sha256 else None
    copy = identify(trusted) if trusted is not None and not untouched else None
    if not untouched:  # (4)
        steps.append(_own_copy(recorded, original, trusted))
        if copy is not None and trusted is not None:
            findings += differences(copy, inside, expected=trusted, content=content)
        findings += [Finding(problem, inside.format, "as it was built", "damaged") for problem in inside.problems]
    vouching = inside if untouched else copy  # (5)
    told, gaps = _completeness(vouching or inside, vouched=vouching is not None)
    held = None if vouching is None or vouching.evidence is None else not gaps
    steps.append(Step(number=5, told=f"completeness: {told}", held=held))
    if signature is not None:  # (6)
        steps.append(Step(number=6, told=signature.told, held=signature.verdict == SIGNED))
    return Verdict(
        integrity=UNKNOWN if recorded is None else INTACT if untouched else CHANGED,
        signature=UNSIGNED if signature is None else signature.verdict,
        signed=signature,
        completeness=told,
        gaps=gaps,
        report_id=recorded.id if recorded else inside.report_id,
        sha256=sha256,
        steps=tuple(steps),
        findings=tuple(findings),
    )


def _whole_file(recorded: RecordedReport | None, sha256: str) -> tuple[Step, list[Finding]]:
    if recorded is None:
        told = f"the trail holds no report with SHA-256 {sha256}, nor one with its id"
        return Step(number=1, told=told, held=None), []
    if recorded.sha256 == sha256:
        at = "" if recorded.seq is None else f" at seq {recorded.seq}"
        return Step(number=1, told=f"the SHA-256 of the file is the one recorded in the trail{at}", held=True), []
    finding = Finding("the file is not the one that was recorded", "whole file", recorded.sha256, sha256)
    return Step(number=1, told="the SHA-256 of the file is not the one recorded in the trail", held=False), [finding]


def _report_id(inside: Identity, recorded: RecordedReport | None) -> tuple[Step, list[Finding]]:
    if inside.report_id is None:
        return Step(number=2, told="no report id could be read from the file", held=None), []
    told = f"the file says it is {inside.report_id} (from {inside.id_from})"
    if recorded is None:
        return Step(number=2, told=told, held=None), []
    same = inside.report_id == recorded.id
    finding = Finding("the report id differs", inside.id_from, recorded.id, inside.report_id)
    return Step(number=2, told=told, held=same), [] if same else [finding]


def _evidence(inside: Identity, recorded: RecordedReport | None) -> tuple[Step, list[Finding]]:
    found = inside.evidence_sha256
    if found is None:
        return Step(number=3, told="no evidence could be read from the file", held=None), []
    findings = []
    if inside.printed_sha256 not in (None, found):
        what = "the evidence inside is not the one whose digest the file states"
        findings.append(Finding(what, EVIDENCE_NAME, str(inside.printed_sha256), found))
    if recorded is not None and recorded.evidence_sha256 not in (None, found):
        what = "the evidence inside is not the one that was recorded in the trail"
        findings.append(Finding(what, EVIDENCE_NAME, str(recorded.evidence_sha256), found))
    told = "the evidence inside has the SHA-256 that was stated for it"
    if findings:
        told = "the evidence inside does not have the SHA-256 that was stated for it"
    return Step(number=3, told=told, held=not findings), findings


def _own_copy(recorded: RecordedReport | None, original: bytes | None, trusted: bytes | None) -> Step:
    if recorded is None:
        told = "nothing recorded to compare with"
    elif original is None:
        told = "the hub's own copy is not at hand, so that what differs cannot be named in full"
    elif trusted is None:
        told = "the hub's own copy does not have the recorded SHA-256 either, and is not believed"
    else:
        return Step(number=4, told="compared with the hub's own copy, which has the recorded SHA-256", held=True)
    return Step(number=4, told=told, held=None if trusted is None and original is None else False)


def _completeness(source: Identity, *, vouched: bool) -> tuple[str, tuple[str, ...]]:
    """From the controls in the evidence; what nobody vouches for is told as the file's own claim."""
    document = source.evidence_document()
    controls = document.get("controls") if document else None
    if not isinstance(controls, list) or not all(isinstance(control, dict) for control in controls):
        return "not known: no evidence could be read", ()
    asked = [control for control in controls if control.get("status") != "not applicable"]
    missing = [control for control in asked if control.get("status") == "missing"]
    gaps = tuple(f"{c.get('id')} {c.get('title')}: {c.get('why')}" for c in missing)
    told = f"{len(asked) - len(missing)} of {len(asked)} controls answered"
    return (told if vouched else f"{told}, by the file's own word, which nobody vouches for"), gaps
