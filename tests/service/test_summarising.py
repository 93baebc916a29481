"""Noise at a site: charged before it is drawn, contributions bounded by person and day, unfinished blocks held back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from world import (
    FIRST,
    INPUT_COLUMNS,
    NOW,
    OUTPUT_COLUMNS,
    OWNER,
    hub_in_memory,
    label,
    part,
    populate,
    row,
    rows_of,
    write_csv,
)

import service.noisy_counts
from monitors.noise import release
from service.bundles import budget_of, bundle_text
from service.commands.ingest import ingest
from service.commands.models import export_model
from service.releases import released_cells, squared_sensitivity
from service.summarising import summarise
from service.wiring import Hub
from store.bins import BinSpec, Section
from store.errors import BadInput, BudgetExceeded
from store.model_file import ModelFile

SITES = (("branch", "counts"), ("south", "noisy-counts"))


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = populate(hub_in_memory(), sites=SITES)
    export_model(made, OWNER, name="loan")
    yield made
    made.close()


def known(hub: Hub) -> tuple[ModelFile, BinSpec]:
    reads = hub.store.reads(OWNER)
    file, spec = reads.model_file("loan", "1"), reads.spec("loan", "1")
    assert file is not None and spec is not None
    return file, spec


def noisy(
    hub: Hub, folder: Path, rows: list[dict[str, Any]], *, labels: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    file, spec = known(hub)
    path = write_csv(folder / "rows.csv", rows)
    of = [write_csv(folder / "labels.csv", labels)] if labels else []
    return summarise(hub, OWNER, [path], labels=of, file=file, spec=spec, site="south", sharing="noisy-counts")


def counted(made: dict[str, Any], section: Section) -> np.ndarray[Any, Any]:
    found: np.ndarray[Any, Any] = np.sum(
        [block["counts"] for block in made["blocks"] if block["section"] == section], axis=0
    )
    return found


def test_the_charge_is_written_before_any_noise_is_drawn(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **options: object) -> None:
        raise MemoryError("while drawing")

    monkeypatch.setattr(service.noisy_counts, "release", fails)
    with pytest.raises(MemoryError):
        noisy(hub, tmp_path, rows_of(0, 200))
    entries = hub.store.reads(OWNER).ledger("customers")
    assert [entry["state"] for entry in entries] == ["charged"] and entries[0]["output_sha256"] is None
    assert (entries[0]["block_from"], entries[0]["block_to"]) == (FIRST, FIRST + timedelta(days=7))


def test_a_release_is_recorded_with_its_mechanism_and_price(hub: Hub, tmp_path: Path) -> None:
    made = noisy(hub, tmp_path, rows_of(0, 400))
    file, spec = known(hub)
    entries = hub.store.reads(OWNER).ledger("customers")
    assert [entry["state"] for entry in entries] == ["released", "released"]
    assert [entry["id"] for entry in entries] == [release["id"] for release in made["releases"]]
    budget = budget_of(hub, file)
    assert {Fraction(entry["rho"]) for entry in entries} == {budget.default_rho}
    sensitivity = squared_sensitivity(file, spec)
    assert sensitivity == 2 + 1 + 1 + 1  # two inputs, prediction, score, the joint table
    scale = made["releases"][0]["scale"]
    assert Fraction(scale) ** 2 >= sensitivity / (2 * budget.default_rho) and entries[0]["scale"] == scale
    assert all(block["segment"] is None for block in made["blocks"])
    assert {block["section"] for block in made["blocks"]} == {"inputs", "outputs", "outcomes"}


def test_cells_that_carry_no_noise_are_zero_and_labels_stay(hub: Hub, tmp_path: Path) -> None:
    made = noisy(hub, tmp_path, rows_of(0, 200), labels=[label(n) for n in range(200)])
    _, spec = known(hub)
    cells = released_cells(spec)
    for block in made["blocks"]:
        covered = set(cells[Section(block["section"])])
        assert not any(count for at, count in enumerate(block["counts"]) if at not in covered)
    assert counted(made, Section.LABELLED).sum() == 0


def test_a_second_release_beyond_the_cap_is_refused_with_the_figures(hub: Hub, tmp_path: Path) -> None:
    for turn in range(5):
        noisy(hub, tmp_path, rows_of(turn, 100 + turn))
    before = hub.store.reads(OWNER)
    with pytest.raises(BudgetExceeded) as caught:
        noisy(hub, tmp_path, rows_of(5, 105))
    assert {"cap", "people"} & set(caught.value.details) or any(figure.isdigit() for figure in caught.value.message)
    after = hub.store.reads(OWNER)
    assert after.seq == before.seq and after.ledger() == before.ledger()


def test_each_person_counts_once_a_day(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the noise (drawn as zero here) the counts are those of one row for each person and day."""
    monkeypatch.setattr(service.noisy_counts, "_draw", without_noise)
    crowd = [row(n, customer="C000") for n in range(40)] + [row(40 + n, day=1, customer="C000") for n in range(3)]
    others = [row(100 + n, day=1, customer=f"C1{n:02d}") for n in range(5)]
    made = noisy(hub, tmp_path, [*crowd, *others])
    _, spec = known(hub)
    assert counted(made, Section.OUTCOMES).sum() == 1 + 1 + 5
    assert spec.prediction_cells is not None
    assert counted(made, Section.OUTPUTS)[spec.prediction_cells.partition].sum() == 7
    assert counted(made, Section.INPUTS)[spec.input_cells[0].partition].sum() == 7


def test_the_rows_that_are_kept_do_not_depend_on_their_order(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.noisy_counts, "_draw", without_noise)
    rows = rows_of(0, 200)
    first, second = noisy(hub, tmp_path, rows), noisy(hub, tmp_path, rows[::-1])
    for section in (Section.INPUTS, Section.OUTPUTS, Section.OUTCOMES):
        assert counted(first, section).tolist() == counted(second, section).tolist()


def without_noise(sections: Any, spec: BinSpec, *, sensitivity: Fraction, rho: Fraction) -> Any:
    told, out = release(np.zeros(1, np.int64), squared_l2=sensitivity, rho=rho), {}
    for section, places in released_cells(spec).items():
        vector = np.zeros(spec.widths[section], dtype=np.int64)
        vector[places] = sections[section][places]
        out[str(section)] = vector.tolist()
    return told, out


def test_rows_without_a_person_are_bounded_too(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows whose they are: together they count as one."""
    monkeypatch.setattr(service.noisy_counts, "_draw", without_noise)
    made = noisy(hub, tmp_path, [row(n, customer=None) for n in range(30)])
    assert counted(made, Section.OUTCOMES).sum() == 1


def test_the_week_that_is_not_over_is_held_back(hub: Hub, tmp_path: Path) -> None:
    monday = datetime(2026, 11, 2)
    assert monday < NOW
    both = [row(n) for n in range(20)] + [
        row(20 + n, at=(monday + timedelta(minutes=n)).isoformat()) for n in range(20)
    ]
    made = noisy(hub, tmp_path, both)
    assert [release["block_from"] for release in made["releases"]] == [FIRST.isoformat() + "Z"]
    assert {block["block"] for block in made["blocks"]} == {FIRST.isoformat() + "Z"}
    with pytest.raises(BadInput, match="no block of week is over yet"):
        noisy(hub, tmp_path, both[20:])


def test_the_hub_that_charged_a_release_does_not_charge_it_again(hub: Hub, tmp_path: Path) -> None:
    made = noisy(hub, tmp_path, rows_of(0, 100))
    before = hub.store.reads(OWNER).ledger()
    bundle = tmp_path / "bundle.json"
    bundle.write_text(bundle_text(made), encoding="utf-8")
    ingest(hub, OWNER, paths=[bundle], site="south", kind="summaries")
    assert hub.store.reads(OWNER).ledger() == before


def test_a_person_is_known_from_the_other_half_of_the_row(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Persons travel with the inputs: predictions in a file of their own are bounded by the same persons."""
    monkeypatch.setattr(service.noisy_counts, "_draw", without_noise)
    rows = rows_of(0, 120)
    whole = noisy(hub, tmp_path, rows)
    file, spec = known(hub)
    names = (("in", INPUT_COLUMNS), ("out", OUTPUT_COLUMNS))
    paths = [write_csv(tmp_path / f"{name}.csv", part(rows, columns)) for name, columns in names]
    halves = summarise(hub, OWNER, paths, file=file, spec=spec, site="south", sharing="noisy-counts")
    for section in (Section.INPUTS, Section.OUTPUTS, Section.OUTCOMES):
        assert counted(halves, section).tolist() == counted(whole, section).tolist()
    assert counted(whole, Section.OUTCOMES).sum() == 75  # 25 persons on each of three days


# -- exact counts ----------------------------------------------------------


def test_a_segment_of_few_rows_stays_at_the_site(hub: Hub, tmp_path: Path) -> None:
    file, spec = known(hub)
    rows = [row(n, channel="web") for n in range(50)] + [row(50 + n, channel="kiosk") for n in range(10)]
    path = write_csv(tmp_path / "rows.csv", rows)
    made = summarise(hub, OWNER, [path], file=file, spec=spec, site="branch", sharing="counts")
    assert {block["segment"] for block in made["blocks"]} == {None, "channel=web"}
    assert "kiosk" not in bundle_text(made)


def test_what_could_not_be_read_stays_and_only_its_number_travels(hub: Hub, tmp_path: Path) -> None:
    file, spec = known(hub)
    rows = [*rows_of(0, 20), row(20, at="secret-moment"), row(21, income="secret-income")]
    path = write_csv(tmp_path / "secret-name.csv", rows)
    made = summarise(hub, OWNER, [path], file=file, spec=spec, site="branch", sharing="counts")
    assert made["reasons"] == {"time": 1, "type:income": 1} and (made["rows"], made["kept"]) == (22, 20)
    assert "secret" not in bundle_text(made)
    assert hub.store.reads(OWNER).quarantine() == [] and hub.store.reads(OWNER).receipts() == []
