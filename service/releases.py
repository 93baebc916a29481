"""Releases of noisy counts: which cells they cover, how far one unit can move them, and what a claim must agree with.

A release that comes in a bundle is a claim from elsewhere. Everything that its price and its use depend on is found
again here: the sensitivity from the model file and the bins, the noise from the mechanism itself, the block from the
counts that name it. What does not agree is refused before anything is charged or stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from monitors.accounting import exact
from monitors.noise import loss_of
from store.bins import BinSpec, Section
from store.canonical import canonical_json
from store.errors import BadInput, Refused
from store.model_file import ModelFile

RELEASED = (Section.INPUTS, Section.OUTPUTS, Section.OUTCOMES)
"""What a noisy site releases; labels stay."""
GRAINS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
ADVICE = "Do not use this bundle; ask the site for its ledger."


def moment(text: str) -> datetime:
    """A time as bundles write it, in UTC with Z; raises ValueError for one in another zone."""
    found = datetime.fromisoformat(text.removesuffix("Z"))
    if found.tzinfo is not None:
        raise ValueError(f"{text} is not in UTC")
    return found


def released_cells(spec: BinSpec) -> dict[Section, list[int]]:
    """Which cells of each section are counts that noise is added to; moments and losses are not released."""
    out: dict[Section, list[int]] = {}
    columns = {
        Section.INPUTS: spec.input_cells,
        Section.OUTPUTS: tuple(cells for cells in (spec.prediction_cells, spec.score_cells) if cells),
    }
    for section, cells in columns.items():
        out[section] = [at for column in cells for at in range(column.start, column.partition.stop)]
    out[Section.OUTCOMES] = list(range(spec.widths[Section.OUTCOMES]))
    return {section: cells for section, cells in out.items() if cells}


def squared_sensitivity(file: ModelFile, spec: BinSpec) -> Fraction:
    """Squared L2 distance that one unit can move the released vector: m rows, each in one cell of every table.

    All m rows may fall into the same cells, so each table moves by m: m^2 times the number of tables.
    """
    contributions = file.privacy.contributions if file.privacy else 1
    tables = len(spec.input_cells) + sum(cells is not None for cells in (spec.prediction_cells, spec.score_cells)) + 1
    return Fraction(contributions * contributions * tables)


def check_release(
    release: Mapping[str, Any], *, site: str, model: ModelFile, spec: BinSpec, ledger: Mapping[str, Mapping[str, Any]]
) -> None:
    """One claim against what it must be; `ledger` holds the entries known here, by id."""
    called = f"release {release['id']}"
    told = {name: release[name] for name in ("site", "model", "version", "people")}
    people = model.privacy.people if model.privacy else None
    own = {"site": site, "model": model.name, "version": model.version, "people": people}
    if told != own:
        raise BadInput(f"{called} was made for {told}, not {own}", advice=ADVICE)
    least, claimed = squared_sensitivity(model, spec), exact(release["rho"])
    if exact(release["squared_l2"]) < least:
        raise BadInput(
            f"{called} claims a squared sensitivity of {release['squared_l2']}; it is {least}", advice=ADVICE
        )
    computed = loss_of(canonical_json(release["mechanism"]), squared_l2=exact(release["squared_l2"]))
    if Fraction(computed) > claimed:
        raise BadInput(
            f"{called} claims a loss of {release['rho']} and its mechanism loses {computed:.6g}",
            advice=ADVICE,
            details={"claimed": release["rho"], "computed": computed},
        )
    options = release["mechanism"]["__kwargs__"]
    if float(options["scale"]) != release["scale"]:
        raise BadInput(f"{called} claims a scale of {release['scale']}; it is {options['scale']}", advice=ADVICE)
    size = sum(map(len, released_cells(spec).values()))
    if int(options["input_domain"]["__kwargs__"]["size"]) != size:
        raise BadInput(f"{called} drew noise for another vector than one of {size} cells", advice=ADVICE)
    _check_entry(release, ledger.get(release["id"]), called)


def _check_entry(release: Mapping[str, Any], entry: Mapping[str, Any] | None, called: str) -> None:
    """A release that was charged here is the one that was charged."""
    if entry is None:
        return
    charged = (entry["block_from"], entry["block_to"], exact(entry["rho"]), entry["site"], entry["model"])
    claimed = (moment(release["block_from"]), moment(release["block_to"]), exact(release["rho"]))
    if charged != (*claimed, release["site"], release["model"]):
        raise BadInput(f"{called} is not the one that was charged under that id", advice=ADVICE)


def check_noisy_block(block: Mapping[str, Any], release: Mapping[str, Any], spec: BinSpec) -> None:
    """Counts under a release are those it drew noise for: its block, its sections, nothing beside its cells."""
    called = f"release {release['id']}"
    section, start = Section(block["section"]), moment(block["block"])
    if (start, start + GRAINS[block["grain"]]) != (moment(release["block_from"]), moment(release["block_to"])):
        raise BadInput(f"{called} is of another block than the counts that name it", advice=ADVICE)
    if section not in RELEASED or block["segment"] is not None:
        raise BadInput(f"{called} names counts that no release covers: {section} {block['segment']}", advice=ADVICE)
    covered = set(released_cells(spec).get(section, ()))
    if any(count for at, count in enumerate(block["counts"]) if at not in covered):
        raise BadInput(f"{called} has counts of {section} that carry no noise", advice=ADVICE)


def refuse_taken_before(releases: set[str], taken: set[str]) -> None:
    """Another draw under the same id would be another release, and nobody charged it."""
    if again := sorted(releases & taken):
        raise Refused(f"release {again[0]} was taken in before", advice="Send each release once.")
