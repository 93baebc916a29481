"""Summary bundles: what a hub takes from a site that counts, and everything that it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from world import FIRST, OWNER, hub_in_memory, populate, rows_of, summaries, take, write_csv

from service.bundles import bundle_text
from service.commands.ingest import ingest
from service.summarising import summarise
from service.wiring import Hub
from store.errors import BadInput, BailiwickError, BudgetExceeded, NotPermitted, Refused, UnknownName

SITES = (("cloud", "rows"), ("branch", "counts"), ("south", "noisy-counts"))
Change = Callable[[dict[str, Any]], object]


def made_hub(folder: Path) -> Hub:
    """A hub whose model has bins, as its own first rows froze them."""
    made = populate(hub_in_memory(), sites=SITES)
    take(made, write_csv(folder / "first.csv", rows_of(0, 40)))
    return made


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = made_hub(tmp_path)
    yield made
    made.close()


@dataclass(frozen=True)
class Refusing:
    """A hub that is only ever asked for what it refuses, and bundles to spoil."""

    hub: Hub
    exact: str
    noisy: str


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refusing]:
    folder = tmp_path_factory.mktemp("sites")
    made = made_hub(folder)
    noisy = bundle(made, folder, sharing="noisy-counts", site="south")
    yield Refusing(made, bundle_text(bundle(made, folder)), bundle_text(noisy))
    made.close()


def bundle(
    hub: Hub, folder: Path, *, sharing: str = "counts", site: str = "branch", rows: range = range(40, 120)
) -> dict[str, Any]:
    """What a site sends, made by a site with a ledger and a clock of its own."""
    reads = hub.store.reads(OWNER)
    file, spec = reads.model_file("loan", "1"), reads.spec("loan", "1")
    assert file is not None and spec is not None
    at_site = populate(hub_in_memory(), sites=SITES)
    path = write_csv(folder / f"{site}-{rows.start}.csv", rows_of(rows.start, rows.stop))
    made = summarise(at_site, OWNER, [path], file=file, spec=spec, site=site, sharing=sharing)
    at_site.close()
    return made


def send(hub: Hub, folder: Path, made: dict[str, Any] | str, *, site: str = "branch") -> dict[str, Any]:
    path = folder / "bundle.json"
    path.write_text(made if isinstance(made, str) else bundle_text(made), encoding="utf-8")
    receipt: dict[str, Any] = ingest(hub, OWNER, paths=[path], site=site, kind="summaries")["receipts"][0]
    return receipt


def unchanged(hub: Hub, work: Callable[[], object], error: type[BailiwickError], match: str) -> BailiwickError:
    """The refusal; nothing was recorded with it."""
    before = hub.store.reads(OWNER)
    with pytest.raises(error, match=match) as caught:
        work()
    after = hub.store.reads(OWNER)
    assert after.seq == before.seq and after.receipts() == before.receipts() and after.ledger() == before.ledger()
    return caught.value


def test_a_bundle_is_taken_once(hub: Hub, tmp_path: Path) -> None:
    made = bundle(hub, tmp_path)
    first = send(hub, tmp_path, made)
    assert (first["kind"], first["rows"], first["kept"], first["repeated"]) == ("summaries", 80, 80, False)
    assert first["first_event"] == FIRST.replace(day=6).isoformat() + "Z"
    again = send(hub, tmp_path, made)
    assert again["repeated"] is True and again["seq"] == first["seq"]
    assert summaries(hub, site="branch") and hub.store.reads(OWNER).verify_trail(data=True).holds


def test_files_that_were_counted_before_are_refused(hub: Hub, tmp_path: Path) -> None:
    made = bundle(hub, tmp_path)
    send(hub, tmp_path, made)
    made["reasons"] = {"an": 0}  # other bytes, the same files
    refused = unchanged(hub, lambda: send(hub, tmp_path, made), Refused, "an earlier bundle of branch has counted")
    assert refused.details["files"] == [made["sources"][0]["name"]]
    assert send(hub, tmp_path, bundle(hub, tmp_path, rows=range(120, 160)))["repeated"] is False


def test_a_bundle_of_another_site_or_other_bins_or_an_unknown_version(refusing: Refusing, tmp_path: Path) -> None:
    made = json.loads(refusing.exact)
    unchanged(
        refusing.hub,
        lambda: send(refusing.hub, tmp_path, {**made, "site": "elsewhere"}),
        BadInput,
        "made for site elsewhere, not branch",
    )
    unchanged(
        refusing.hub, lambda: send(refusing.hub, tmp_path, {**made, "spec_hash": "0" * 64}), BadInput, "other bins"
    )
    unchanged(refusing.hub, lambda: send(refusing.hub, tmp_path, {**made, "version": "9"}), UnknownName, "loan:9")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"x"',
        "{}",
        '{"schema": "bailiwick/results/1"}',
        "[" * 100_000,
        '{"schema": "bailiwick/summaries/1"}',
        "\udcff",
    ],
)
def test_damaged_json_is_bad_input(refusing: Refusing, tmp_path: Path, text: str) -> None:
    def work() -> object:
        (tmp_path / "bundle.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        return ingest(refusing.hub, OWNER, paths=[tmp_path / "bundle.json"], site="branch", kind="summaries")

    assert unchanged(refusing.hub, work, BadInput, "bundle").details["file"].endswith("bundle.json")


def first_block(**fields: Any) -> Change:
    return lambda made: made["blocks"][0].update(fields)


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made.pop("blocks"),
        lambda made: made.update(blocks=None),
        lambda made: made.update(blocks=[3]),
        lambda made: made.update(rows="many"),
        lambda made: made.update(rows=made["rows"] + 1),
        lambda made: made.update(sources=[{}]),
        lambda made: made.update(reasons=[1]),
        lambda made: made.update(model=7),
        lambda made: made.update(releases=None),
        first_block(section="secrets"),
        first_block(grain="year"),
        first_block(block="yesterday"),
        first_block(counts=[1, 2]),
        first_block(counts=None),
        first_block(release="release_unknown"),
        lambda made: made["blocks"][0]["counts"].__setitem__(0, -1),
        lambda made: made["blocks"][0]["counts"].__setitem__(0, 1.5),
        lambda made: made["blocks"][0]["counts"].__setitem__(0, True),
        lambda made: made["blocks"][0]["counts"].__setitem__(0, 2**70),
        first_block(segment=5),
    ],
)
def test_a_bundle_that_was_damaged_is_bad_input_and_leaves_nothing(
    refusing: Refusing, tmp_path: Path, change: Change
) -> None:
    made = json.loads(refusing.exact)
    change(made)
    unchanged(refusing.hub, lambda: send(refusing.hub, tmp_path, made), BadInput, ".")
    assert summaries(refusing.hub, site="branch") == {}


# -- noise -----------------------------------------------------------------------------------


def test_a_site_that_adds_noise_cannot_send_exact_counts(refusing: Refusing, tmp_path: Path) -> None:
    exact = bundle(refusing.hub, tmp_path, site="south")
    unchanged(
        refusing.hub, lambda: send(refusing.hub, tmp_path, exact, site="south"), NotPermitted, "noisy counts only"
    )


def test_noisy_counts_are_charged_and_carry_their_variance(hub: Hub, tmp_path: Path) -> None:
    made = bundle(hub, tmp_path, sharing="noisy-counts", site="south")
    send(hub, tmp_path, made, site="south")
    reads = hub.store.reads(OWNER)
    entries = reads.ledger("customers")
    assert [entry["id"] for entry in entries] == [release["id"] for release in made["releases"]]
    assert {entry["state"] for entry in entries} == {"received"}
    spec = reads.spec("loan", "1")
    assert spec is not None
    scale = made["releases"][0]["scale"]
    for section in ("inputs", "outputs", "outcomes"):
        found = [b for b in reads.summary_blocks("loan", "1", spec, section, None) if b.site == "south"]  # type: ignore[arg-type]  # a StrEnum's text
        assert found and found[0].variance[0] == pytest.approx(scale**2)


def test_exact_blocks_cannot_hide_beside_noisy_ones(refusing: Refusing, tmp_path: Path) -> None:
    """One release would else open the door for any exact count of a site that may share none."""
    made = json.loads(refusing.noisy)
    made["blocks"].append({**made["blocks"][0], "release": None, "counts": [0] * len(made["blocks"][0]["counts"])})
    unchanged(refusing.hub, lambda: send(refusing.hub, tmp_path, made, site="south"), NotPermitted, "exact")


@pytest.mark.parametrize("claim", ["0.0001", "0", "1/1000"])
def test_a_loss_that_is_understated_is_refused(refusing: Refusing, tmp_path: Path, claim: str) -> None:
    made = json.loads(refusing.noisy)
    made["releases"][0]["rho"] = claim
    refused = unchanged(
        refusing.hub, lambda: send(refusing.hub, tmp_path, made, site="south"), BadInput, "claims a loss of"
    )
    assert refused.details["computed"] > float(Fraction(claim))


def test_a_claimed_sensitivity_is_not_believed(refusing: Refusing, tmp_path: Path) -> None:
    """A smaller sensitivity would make the same noise look dearer than it is, and its loss cheaper."""
    made = json.loads(refusing.noisy)
    for release in made["releases"]:
        release |= {"squared_l2": "1/1000000", "rho": "0.000001"}
    unchanged(refusing.hub, lambda: send(refusing.hub, tmp_path, made, site="south"), BadInput, ".")


def test_a_claimed_scale_is_not_believed(refusing: Refusing, tmp_path: Path) -> None:
    made = json.loads(refusing.noisy)
    made["releases"][0]["scale"] = made["releases"][0]["scale"] / 100
    unchanged(refusing.hub, lambda: send(refusing.hub, tmp_path, made, site="south"), BadInput, "scale")


@pytest.mark.parametrize("field", ["site", "model", "people", "block_from", "version"])
def test_a_release_speaks_of_its_own_bundle(refusing: Refusing, tmp_path: Path, field: str) -> None:
    """Charged to other people, another block or another site, it would be spent where nobody looks."""
    made = json.loads(refusing.noisy)
    made["releases"][0][field] = "2020-01-06T00:00:00Z" if field == "block_from" else "other"
    unchanged(refusing.hub, lambda: send(refusing.hub, tmp_path, made, site="south"), BadInput, "release")


def again_under_other_ids(made: dict[str, Any], turn: int) -> dict[str, Any]:
    for at, release in enumerate(made["releases"]):
        old, release["id"] = release["id"], f"release_{turn}{at}"
        for block in made["blocks"]:
            block["release"] = release["id"] if block["release"] == old else block["release"]
    return made


def test_a_second_release_of_the_same_days_runs_into_the_cap(hub: Hub, tmp_path: Path) -> None:
    """The default loss of a block is a fifth of the cap of five blocks: the sixth draw of one week is too many."""
    for turn in range(6):
        days = range(40 + turn, 120 + turn)
        made = bundle(hub, tmp_path, sharing="noisy-counts", site="south", rows=days)
        made = again_under_other_ids(made, turn)
        if turn < 5:
            assert send(hub, tmp_path, made, site="south")["repeated"] is False
        else:
            unchanged(hub, lambda made=made: send(hub, tmp_path, made, site="south"), BudgetExceeded, "customers")  # type: ignore[misc]


def test_the_same_release_cannot_be_sent_with_another_draw(hub: Hub, tmp_path: Path) -> None:
    made = bundle(hub, tmp_path, sharing="noisy-counts", site="south")
    send(hub, tmp_path, made, site="south")
    other = bundle(hub, tmp_path, sharing="noisy-counts", site="south", rows=range(41, 121))
    for at, release in enumerate(other["releases"]):
        release["id"] = made["releases"][at]["id"]
    for block in other["blocks"]:
        block["release"] = made["releases"][0]["id"]
    unchanged(hub, lambda: send(hub, tmp_path, other, site="south"), Refused, "taken in before")


@pytest.mark.parametrize(
    "change",
    [
        lambda made: made["blocks"].append(made["blocks"][0]),
        lambda made: made["blocks"][0].update(segment="channel=web"),
        lambda made: made["blocks"][0].update(block="2026-09-28T00:00:00Z"),
        lambda made: made["blocks"][0].update(grain="day"),
        lambda made: made["blocks"][0]["counts"].__setitem__(-5, 7),  # a moment of income
        lambda made: made["blocks"].append({**made["blocks"][0], "section": "labelled", "counts": [0] * 123}),
    ],
)
def test_what_no_release_covers_does_not_come_in_under_one(refusing: Refusing, tmp_path: Path, change: Change) -> None:
    made = json.loads(refusing.noisy)
    change(made)
    unchanged(refusing.hub, lambda: send(refusing.hub, tmp_path, made, site="south"), BadInput, ".")
