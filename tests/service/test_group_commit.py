"""Batches that share a commit are as if each had been written alone: own seq, own leaf, own receipt, none twice."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pyarrow as pa
import pytest
from asking import ask
from starlette.applications import Starlette
from world import (
    INPUT_COLUMNS,
    MODEL,
    OUTPUT_COLUMNS,
    OWNER,
    hub_in_memory,
    hub_on_disk,
    label,
    part,
    populate,
    row,
    rows_of,
    summaries,
    take,
    write_csv,
)

from connectors import registry
from connectors.base import File
from connectors.normalise import wanted_of
from service.api import Api
from service.arriving import Arrived, arrive
from service.commands.models import add_model
from service.commands.sites import add_site, issue_token
from service.delivery import Delivery
from service.group_writing import write_group
from service.growing import Reading
from service.wiring import Hub
from store import few_rows
from store.receipt import Kind

ALL_NEW = few_rows.all_new
SOURCE = registry.load_source("tabular")


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = populate(hub_in_memory())
    add_site(made, OWNER, name="second")
    yield made
    made.close()


def batch(hub: Hub, path: Path, *, kind: Kind = Kind.PREDICTIONS, site: str = "cloud") -> Arrived:
    model = hub.store.reads(OWNER).model_file("loan", "1")
    assert model is not None
    delivery = Delivery(site=site, timezone=None, kind=kind, model="loan", version=None)
    file = File(path=path, root=path.parent, name=path.name)
    raw = SOURCE.read(file, SOURCE.options(), wanted_of(model, kind))
    return arrive(hub, OWNER.name, model, delivery, Reading(raw), since=None)


def mixed(folder: Path, seed: int) -> list[tuple[Path, dict[str, Any]]]:
    """Batches in which halves meet, rows come again or otherwise, and labels come before, with and after rows."""
    chance = random.Random(seed)
    out: list[tuple[Path, dict[str, Any]]] = []
    for at in range(10):
        picked = chance.sample(range(30), 8)
        rows = [row(n, income=-n) if chance.random() < 0.1 else row(n) for n in picked]
        if chance.random() < 0.2:
            rows = [{**found, "repaid": n % 2} for n, found in zip(picked, rows, strict=True)]
        elif chance.random() < 0.5:
            rows = part(rows, chance.choice([INPUT_COLUMNS, OUTPUT_COLUMNS]))
        options: dict[str, Any] = {"site": chance.choice(["cloud", "cloud", "second"])}
        if chance.random() < 0.2:
            rows, options["kind"] = [label(n) for n in picked], Kind.LABELS
        out.append((write_csv(folder / f"{seed}-{at}.csv", rows), options))
    return out


def everything(hub: Hub) -> dict[str, list[Any]]:
    """Every table but the leaves' salts."""
    cursor = hub.store.cursor()
    found = cursor.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary").fetchall()
    hidden = {"audit_leaf": "seq, event, about", "audit_private": "seq", "migration": "number"}
    return {
        name: cursor.execute(f'SELECT {hidden.get(name, "*")} FROM "{name}" ORDER BY ALL').fetchall()
        for (name,) in found
    }


@pytest.mark.parametrize("seed", range(4))
def test_together_is_as_alone(hub: Hub, tmp_path: Path, seed: int) -> None:
    alone = populate(hub_in_memory())
    add_site(alone, OWNER, name="second")
    told = mixed(tmp_path, seed)
    for made in (hub, alone):
        take(made, write_csv(tmp_path / "first.csv", rows_of(100, 103)))
    answers = write_group(hub, [batch(hub, path, **options) for path, options in told])
    for path, options in told:
        write_group(alone, [batch(alone, path, **options)])
    assert not any(isinstance(one, Exception) for one in answers)
    assert everything(hub) == everything(alone)
    assert summaries(hub) == summaries(alone)
    verified = hub.store.reads(OWNER).verify_trail(data=True)
    assert verified.holds and verified.checked["batches"] == 11
    alone.close()


@pytest.mark.parametrize("columns", [[*INPUT_COLUMNS, *OUTPUT_COLUMNS], INPUT_COLUMNS, OUTPUT_COLUMNS])
def test_new_rows_are_written_as_those_that_are_settled(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: list[str]
) -> None:
    settled = populate(hub_in_memory())
    add_site(settled, OWNER, name="second")
    paths = [write_csv(tmp_path / f"{at}.csv", part(rows_of(at * 7, at * 7 + 7), columns)) for at in range(4)]
    for made in (hub, settled):
        take(made, write_csv(tmp_path / "first.csv", rows_of(100, 103)))
    asked: list[bool] = []

    def all_new(*given: Any, **options: Any) -> bool:
        asked.append(ALL_NEW(*given, **options))
        return asked[-1] and len(asked) == 1

    monkeypatch.setattr(few_rows, "all_new", all_new)
    for made in (hub, settled):
        arrived = [batch(made, path, site=["cloud", "second"][at % 2]) for at, path in enumerate(paths)]
        assert not any(isinstance(one, Exception) for one in write_group(made, arrived))
    assert asked == [len(columns) > len(INPUT_COLUMNS)] * 2
    assert everything(hub) == everything(settled)
    assert hub.store.reads(OWNER).verify_trail(data=True).holds
    settled.close()


def test_the_first_batches_of_a_model_may_come_together(hub: Hub, tmp_path: Path) -> None:
    paths = [write_csv(tmp_path / f"{at}.csv", rows_of(at * 5, at * 5 + 5)) for at in range(4)]
    answers = write_group(hub, [batch(hub, path) for path in paths])
    assert [answer["kept"] for answer in answers if isinstance(answer, dict)] == [5, 5, 5, 5]
    assert hub.store.reads(OWNER).verify_trail(data=True).holds
    alone = populate(hub_in_memory())
    take(alone, write_csv(tmp_path / "whole.csv", rows_of(0, 20)))
    assert summaries(hub) == summaries(alone)
    alone.close()


def test_the_same_bytes_in_one_group_are_one_batch(hub: Hub, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", rows_of(0, 5))
    answers = [one for one in write_group(hub, [batch(hub, path)] * 3) if isinstance(one, dict)]
    assert [one["repeated"] for one in answers] == [False, True, True] and len({one["seq"] for one in answers}) == 1
    assert len(hub.store.reads(OWNER).receipts()) == 1


def test_one_that_cannot_be_written_fails_alone(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "first.csv", rows_of(50, 55)))
    good = [batch(hub, write_csv(tmp_path / f"{at}.csv", rows_of(at * 5, at * 5 + 5))) for at in range(4)]
    assert good[1].rows is not None
    place = good[1].rows.schema.get_field_index("x0")
    broken = good[1].rows.set_column(place, "x0", pa.array(["no number"] * 5))
    before = hub.store.reads(OWNER).seq
    answers = write_group(hub, [good[0], replace(good[1], rows=broken), *good[2:]])
    assert isinstance(answers[1], pa.ArrowException)
    told = [one for one in answers if isinstance(one, dict)]
    assert [one["seq"] for one in told] == [before + 1, before + 2, before + 3]
    assert hub.store.reads(OWNER).verify_trail(data=True).holds and len(hub.store.reads(OWNER).receipts()) == 4


def test_a_batch_is_not_written_when_its_model_changed_while_it_waited(hub: Hub, tmp_path: Path) -> None:
    take(hub, write_csv(tmp_path / "first.csv", rows_of(50, 55)))
    waiting = batch(hub, write_csv(tmp_path / "a.csv", rows_of(0, 5)))
    revised = MODEL.replace("    - {name: purpose, type: category, values: [car, home]}\n", "")
    add_model(hub, OWNER, text=revised, source="loan.yaml", reason="purpose is no longer used")
    other = batch(hub, write_csv(tmp_path / "b.csv", rows_of(5, 10)))
    told, written = write_group(hub, [waiting, other])
    assert told == {} and isinstance(written, dict) and "purpose" in written["ignored"]


# -- many at once ----------------------------------------------------------


def at_once(count: int, work: Any, items: Sequence[Any]) -> list[Any]:
    """Each item in a thread of its own, all released together."""
    barrier = Barrier(count)

    def started(item: Any) -> Any:
        barrier.wait()
        return work(item)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(started, items))


def test_eight_that_send_the_same_get_one_receipt(tmp_path: Path) -> None:
    hub = populate(hub_on_disk(tmp_path / "hub"))
    token = issue_token(hub, OWNER, site="cloud")["token"]
    app = Starlette(routes=list(Api(hub, "local").routes()))
    for at in range(3):
        content = write_csv(tmp_path / "a.csv", rows_of(at * 10, at * 10 + 10)).read_bytes()

        def send(_: int, content: bytes = content) -> Any:
            headers = {"authorization": f"Bearer {token}"}
            return ask(app, "POST", "/api/v1/sites/cloud/batches?model=loan", headers=headers, content=content)

        answers = at_once(8, send, range(8))
        assert sorted(one.status_code for one in answers) == [200] * 7 + [201]
        told = [{**one.json(), "repeated": None} for one in answers]
        assert all(one == told[0] for one in told) and told[0]["kept"] == 10
    assert len(hub.store.reads(OWNER).receipts()) == 3
    assert hub.store.reads(OWNER).verify_trail(data=True).holds
    hub.close()


def test_eight_clients_of_small_batches_lose_nothing(tmp_path: Path) -> None:
    hub = populate(hub_on_disk(tmp_path / "hub"))
    batches = [write_csv(tmp_path / f"{at}.csv", rows_of(at * 10, at * 10 + 10)) for at in range(48)]

    def client(own: Sequence[Path]) -> list[dict[str, Any]]:
        return [take(hub, path) for path in own]

    told = [receipt for own in at_once(8, client, [batches[at::8] for at in range(8)]) for receipt in own]
    assert len({receipt["seq"] for receipt in told}) == 48 and all(receipt["kept"] == 10 for receipt in told)
    assert hub.store.reads(OWNER).verify_trail(data=True).holds
    moments = hub.store.cursor().execute("SELECT count(DISTINCT known_at) FROM batch").fetchall()[0][0]
    assert moments <= 48
    alone = populate(hub_in_memory())
    take(alone, write_csv(tmp_path / "whole.csv", rows_of(0, 480)))
    assert summaries(hub) == summaries(alone)
    alone.close()
    hub.close()
