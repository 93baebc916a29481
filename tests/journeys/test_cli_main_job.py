"""The main job by the command line, on rows that the tests make: exit codes, documents and shapes of the contract."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from commandline import CommandLine

MONDAY = datetime(2026, 1, 5, 0, 30)
COLUMNS = ("id", "t", "y", "p", "x", "c", "sex", "race", "z")
RESULT = {
    "id", "model", "version", "site", "segment", "monitor", "measure", "about", "window", "value", "interval", "n",
    "limit", "status", "significant", "severity", "method", "noise", "seq", "known_at",
}  # fmt: skip
RECEIPT = {
    "batch", "site", "model", "version", "format", "kind", "rows", "kept", "quarantined", "duplicates", "ignored",
    "seq", "sha256", "first_event", "last_event", "reasons", "repeated",
}  # fmt: skip
WATCH = {
    "window": {"every": "7d", "at_least": 50, "up_to": "30d"},
    "fairness": [{"measure": "selection_rate_ratio", "of": "sex", "at_least": 0.8}],
    "performance": [{"measure": "roc_auc", "at_least": 0.6}],
}
SHAPE: dict[str, Any] = {
    "id": "id", "time": "t", "prediction": {"column": "y", "good": 1}, "score": "p", "outcome": "z",
    "groups": {"sex": {}, "race": {}}, "watch": WATCH,
}  # fmt: skip
INPUTS = [{"name": "x", "type": "number"}, {"name": "c", "type": "category"}]


def rows(start: int, stop: int, *, shift: float = 0.0, seed: int = 1, **fixed: Any) -> list[dict[str, Any]]:
    """Four weeks from Monday 5 January 2026. Of women 40 % get the good prediction, of men 70 %."""
    chance = random.Random(seed * 1_000_003 + start)
    out = []
    for i in range(start, stop):
        sex = chance.choice("FM")
        good = int(chance.random() < (0.4 if sex == "F" else 0.7))
        out.append(
            {
                "id": f"r{i}", "t": f"{(MONDAY + timedelta(days=i % 28, hours=i % 24)).isoformat()}Z", "y": good,
                "p": round(min(0.99, max(0.01, chance.gauss(0.3 + 0.4 * good, 0.15))), 4),
                "x": round(chance.gauss(shift, 1), 5), "c": chance.choice("ab"), "sex": sex,
                "race": chance.choice("AB"), "z": int(chance.random() < 0.2 + 0.6 * good),
            }
            | fixed
        )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The main job done once: site, model, reference, predictions with labels, monitor."""
    line = CommandLine(tmp_path_factory.mktemp("job"))
    line.ok("site", "add", "cloud.eu-1", "--title", "Cloud")
    line.model("loan", INPUTS, **SHAPE)
    reference = line.csv("reference.csv", rows(0, 2000), COLUMNS)
    assert line.take(reference, "--site", "cloud.eu-1", "--model", "loan", "--kind", "reference")["kept"] == 2000
    current = line.csv("current.csv", rows(10_000, 13_000, shift=0.6), COLUMNS)
    assert line.take(current, "--site", "cloud.eu-1", "--model", "loan")["kept"] == 3000
    line.ok("monitor", "--model", "loan")
    return line


def test_results_have_the_shape_of_the_contract_and_see_what_is_there(job: CommandLine) -> None:
    found = job.results("loan")
    assert all(set(row) >= RESULT for row in found)
    assert all(set(row["window"]) == {"from", "to"} and set(row["n"]) == {"reference", "current"} for row in found)
    drift = [row for row in found if row["monitor"] == "drift"]
    assert {row["about"] for row in drift if row["status"] == "outside"} == {"x"}
    assert {row["n"]["reference"] for row in drift} == {2000}, "a reference counts whole, whatever its times"
    ratio = [row for row in found if row["measure"] == "selection_rate_ratio" and row["about"] == "sex"]
    assert ratio and all(row["status"] == "outside" for row in ratio)
    assert "sex & race" in {row["about"] for row in found} and "sex=F & race=B" in {row["about"] for row in found}
    assert [row["status"] for row in found if row["measure"] == "roc_auc"] == ["within"] * 4
    keys = [tuple(str(row[k]) for k in ("window", "site", "segment", "monitor", "about", "measure")) for row in found]
    assert len(set(keys)) == len(keys), "one current result per key"


def test_one_window_is_asked_for_by_any_time_in_it(job: CommandLine) -> None:
    for at in ("2026-01-13", "2026-01-13T04:05:06Z", "2026-01-13T06:05:06+02:00"):
        found = job.ok("results", "--model", "loan:1", "--monitor", "drift", "--window", at)["results"]
        assert {row["window"]["from"] for row in found} == {"2026-01-12T00:00:00Z"}, at
    job.refused(2, "results", "--model", "loan", "--window", "tomorrow")
    for words in (("results",), ("check",), ("monitor",), ("model", "show"), ("model", "explain")):
        model = ("laon",) if words[0] == "model" else ("--model", "laon")
        assert "loan" in job.refused(2, *words, *model)["advice"], words
    assert "cloud" in job.refused(2, "results", "--site", "cloud.eu")["advice"]


def test_the_same_batch_gives_the_same_receipt(job: CommandLine) -> None:
    again = job.take(job.folder / "current.csv", "--site", "cloud.eu-1", "--model", "loan")
    assert set(again) >= RECEIPT and again["repeated"] is True and again["kept"] == 3000
    assert again["first_event"] == "2026-01-05T00:30:00Z"


@pytest.mark.parametrize(
    "words",
    [
        ("site", "list"), ("site", "show", "cloud.eu-1"), ("model", "list"), ("model", "show", "loan"),
        ("model", "explain", "loan"), ("model", "export", "loan"), ("quarantine", "list"), ("alerts", "list"),
        ("alerts", "list", "--cases"), ("report", "list"), ("retrain", "list"), ("audit", "list"),
        ("audit", "verify", "--data"), ("audit", "checkpoint"), ("config", "show"), ("doctor",), ("privacy", "show"),
        ("monitor", "--dry-run"), ("results", "--history"), ("user", "list"),
    ],
)  # fmt: skip
def test_every_command_prints_one_document(job: CommandLine, words: tuple[str, ...]) -> None:
    assert isinstance(job.ok(*words), dict)
    assert job.run(*words).code == 0


def test_what_is_wrong_is_said_with_the_code_of_the_contract(job: CommandLine) -> None:
    good = job.csv("one.csv", rows(20_000, 20_001), COLUMNS)
    assert "did you mean" in str(job.refused(2, "ingest", good, "--site", "cloud.eu", "--model", "loan")).lower()
    assert "did you mean" in str(job.refused(2, "ingest", good, "--site", "cloud.eu-1", "--model", "lone")).lower()
    job.refused(2, "ingest", good, "--site", "cloud.eu-1", "--model", "loan:9")
    job.refused(2, "ingest", job.folder / "none.csv", "--site", "cloud.eu-1", "--model", "loan")
    job.refused(2, "ingest", good, "--site", "cloud.eu-1", "--model", "loan", "--kind", "predictons")
    job.refused(2, "ingest", good, "--site", "cloud.eu-1", "--model", "loan", "--format", "xls")
    wrong = job.refused(2, "ingest", job.write("w.csv", "a,b\n1,2\n"), "--site", "cloud.eu-1", "--model", "loan")
    assert "a, b" in wrong["message"] and "x" in wrong["advice"]
    typo = job.write("typo.yaml", "name: m\nversion: 1\ncolumns:\n  inputs: [a]\n  prediktion: b\n")
    error = job.refused(2, "model", "add", typo)
    assert "typo.yaml line 5" in error["message"] and "prediction" in error["advice"]
    for words in (("site", "add", "Ünsinn"), ("site", "show", "x"), ("alerts", "show", "alert_x"), ("rubbish",), ()):
        job.refused(2, *words)
    job.refused(2, "alerts", "list", "--as", "nobody")


def test_what_cannot_be_written_or_reached_is_said_before_any_work(job: CommandLine) -> None:
    nowhere = job.folder / "nowhere" / "file"
    span = ("--pack", "general", "--model", "loan", "--from", "2026-01-05", "--to", "2026-02-02")
    for words in (
        ("report", "build", *span), ("model", "export", "loan"), ("audit", "checkpoint"), ("audit", "export"),
        ("summarise", job.folder / "current.csv", "--model", "loan", "--site", "cloud.eu-1"),
        ("evidently", "--model", "loan", "--window", "2026-01-13"),
    ):  # fmt: skip
        assert "no such folder" in job.refused(2, *words, "-o", nowhere)["message"], words
    job.refused(2, "report", "build", *span, "-o", job.folder)
    error = job.refused(2, "ingest", "ftp://host/logs", "--site", "cloud.eu-1", "--model", "loan")
    assert "no store of ftp://" in error["message"] and "az://" in error["advice"]
    job.refused(2, "monitor", "--from", "2026-02-01", "--to", "2026-01-01")
    assert job.ok("report", "list")["reports"] == []


def test_a_column_that_is_never_there_keeps_nobody_from_being_measured(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.ok("site", "add", "s")
    line.model("m", [*INPUTS, "never", "empty"], **SHAPE)
    line.take(line.csv("r.csv", rows(0, 500), COLUMNS), "--site", "s", "--model", "m", "--kind", "reference")
    line.take(line.csv("c.csv", rows(5000, 6000, empty=""), (*COLUMNS, "empty")), "--site", "s", "--model", "m")
    line.ok("monitor")
    found = {(row["monitor"], row["about"]): row["status"] for row in line.results("m", measure="missing_rate")}
    assert found["quality", "never"] == found["quality", "empty"] == "outside" and found["quality", "x"] == "within"


def test_a_batch_keeps_what_can_be_read(job: CommandLine) -> None:
    lines = [json.dumps(row) for row in rows(21_000, 21_010)]
    lines[3] = '{"id": no json'
    lines[5] = json.dumps(rows(0, 1, x="many")[0])
    receipt = job.take(job.write("some.jsonl", "\n".join(lines)), "--site", "cloud.eu-1", "--model", "loan")
    assert receipt["kept"] == 8 and receipt["reasons"] == {"json": 1, "type:x": 1}
    held = [row for row in job.ok("quarantine", "list")["quarantine"] if row["batch"] == receipt["batch"]]
    assert {(row["line"], row["reason"]) for row in held} == {(4, "json"), (6, "type:x")}
    assert "no json" in str(job.ok("quarantine", "show", next(row["id"] for row in held if row["line"] == 4)))
    cut = job.write("cut.parquet", b"PAR1" + bytes(90))
    receipt = job.take(cut, "--site", "cloud.eu-1", "--model", "loan")
    assert (receipt["rows"], receipt["quarantined"], receipt["reasons"]) == (1, 1, {"file": 1})


def test_people_and_what_they_may_do(job: CommandLine) -> None:
    secret = job.write("secret", "a long enough password\n")
    for name, role in (("anna", "data"), ("ben", "admin"), ("rita", "auditor")):
        job.ok("user", "add", name, "--role", role, "--password-file", secret)
    assert job.run("access", "explain", "ben", "site:write", "--json").code == 0
    no = job.run("access", "explain", "rita", "ingest:write", "--json")
    assert no.code == 1 and no.json
    job.refused(3, "site", "add", "mine", "--as", "rita")
    job.refused(3, "ingest", job.folder / "current.csv", "--site", "cloud.eu-1", "--model", "loan", "--as", "rita")
    alerts = job.ok("alerts", "list")["alerts"]
    first, second = alerts[0]["id"], alerts[1]["id"]
    job.refused(3, "alerts", "ack", first, "--as", "rita")
    job.ok("alerts", "ack", first, "--as", "anna")
    job.ok("alerts", "assign", first, "ben", "--as", "anna")
    assert job.ok("alerts", "show", first)["owner"] == "ben"
    job.refused(2, "alerts", "snooze", first, "--until", "2027-01-01", "--as", "anna")
    job.refused(2, "alerts", "snooze", first, "--until", "2020-01-01", "--reason", "late", "--as", "anna")
    job.ok("alerts", "snooze", first, "--until", "2027-01-01", "--reason", "known", "--as", "anna")
    job.refused(2, "alerts", "resolve", second)
    job.ok("alerts", "resolve", second, "--reason", "mended", "--as", "anna")
    assert [row["triage"] for row in job.ok("alerts", "list")["alerts"] if row["id"] == first] == ["snoozed"]


def test_check_fails_where_something_is_not_well(job: CommandLine) -> None:
    said = job.run("check", "--model", "loan", "--json")
    assert said.code == 1 and said.json["well"] is False and said.json["problems"]
    empty = job.run("check", "--model", "loan:1")
    assert empty.code == 1 and empty.out


def test_reports_are_built_and_a_changed_byte_is_seen(job: CommandLine) -> None:
    span = ("--pack", "general", "--model", "loan", "--from", "2026-01-05", "--to", "2026-02-02")
    for kind in ("pdf", "html", "json"):
        path = job.folder / f"report.{kind}"
        assert job.ok("report", "build", *span, "-o", path)["state"] == "DRAFT"
        assert job.run("report", "verify", path, "--recompute", "--json").code == 0
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        changed = job.write(f"changed.{kind}", bytes(data))
        said = job.run("report", "verify", changed, "--json")
        assert said.code == 1 and said.json
    assert job.run("report", "verify", job.write("foreign.pdf", b"%PDF-1.4\n%%EOF\n"), "--json").code == 1
    job.refused(2, "report", "build", *span, "-o", job.folder / "i.pdf", "--issue")
    job.refused(2, "report", "build", *span[:-2], "--to", "2025-01-01", "-o", job.folder / "i.pdf")
    job.refused(2, "report", "build", "--pack", "genral", *span[2:], "-o", job.folder / "i.pdf")
    nothing = ("--pack", "general", "--model", "loan", "--from", "2020-01-01", "--to", "2020-02-01")
    assert job.ok("report", "build", *nothing, "-o", job.folder / "nothing.pdf")["state"] == "DRAFT"


def test_a_limit_moves_only_with_a_reason(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.model("loan", INPUTS, **SHAPE)
    line.model("loan", INPUTS, **SHAPE)  # the same file again says nothing new
    moved = {**WATCH, "fairness": [{"measure": "selection_rate_ratio", "of": "sex", "at_least": 0.7}]}
    document = json.loads((tmp_path / "loan.json").read_text()) | {"watch": moved}
    path = line.write("moved.json", json.dumps(document))
    error = line.refused(2, "model", "add", path)
    assert "reason" in error["message"] + error["advice"]
    line.ok("model", "add", path, "--reason", "agreed on 3 March")
    line.ok("model", "add", line.write("v2.json", json.dumps(document | {"version": "2"})))
    assert {row["version"] for row in line.ok("model", "list")["models"]} == {"1", "2"}


def test_retraining_needs_another_person(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.ok("site", "add", "s")
    line.model("m", INPUTS, **SHAPE, retrain={"executor": "local", "command": "true", "approvals": 1})
    secret = line.write("secret", "a long enough password\n")
    line.ok("user", "add", "anna", "--role", "admin", "--password-file", secret)
    request = line.ok("retrain", "request", "--model", "m", "--site", "s", "--why", "moved", "--as", "anna")["id"]
    error = line.refused(3, "retrain", "approve", request, "--as", "anna")
    assert error["message"] == "You asked for this; another person must approve."
    own = line.ok("retrain", "request", "--model", "m", "--site", "s", "--why", "moved again")["id"]
    line.refused(3, "retrain", "approve", own)
    line.ok("retrain", "reject", own, "--reason", "not now", "--as", "anna")
    assert {row["state"] for row in line.ok("retrain", "list")["requests"]} >= {"rejected"}


def test_rows_stay_where_they_are_and_counts_say_the_same(job: CommandLine, tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.ok("site", "add", "lab")
    line.ok("site", "add", "cloud.eu-1", "--sharing", "counts")
    line.model("loan", INPUTS, **SHAPE)
    line.take(job.folder / "reference.csv", "--site", "lab", "--model", "loan", "--kind", "reference")
    rows_path = job.folder / "current.csv"
    line.refused(3, "ingest", rows_path, "--site", "cloud.eu-1", "--model", "loan")
    export = line.write("export.json", json.dumps(line.ok("model", "export", "loan")))
    for number, model in enumerate(("loan", export)):
        bundle = tmp_path / f"bundle-{number}"
        line.ok("summarise", rows_path, "--model", model, "--site", "cloud.eu-1", "-o", bundle)
    receipt = line.take(tmp_path / "bundle-0", "--site", "cloud.eu-1", "--kind", "summaries")
    assert receipt["kept"] == 3000
    line.ok("monitor")

    def told(of: CommandLine) -> dict[Any, Any]:
        keys = ("window", "monitor", "measure", "about")
        found = of.ok("results", "--model", "loan", "--site", "cloud.eu-1", "--window", "2026-01-13")["results"]
        return {
            tuple(str(row[key]) for key in keys): (row["value"], row["interval"], row["status"])
            for row in found
            if row["monitor"] != "silence"
        }

    assert told(line) and told(line) == told(job)


def test_noise_is_refused_beyond_the_budget(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    settings = line.hub / "bailiwick.toml"
    people = '\n[people.customers]\nepsilon = "3"\ndelta = "1e-6"\nper = "30d"\nblock = "7d"\n'
    settings.write_text(settings.read_text() + people)
    line.ok("site", "add", "n", "--sharing", "noisy-counts")
    line.ok("site", "add", "lab")
    privacy = {"people": "customers", "unit": "user-day", "contributions": 1}
    line.model("m", INPUTS, **{**SHAPE, "person": "who"}, privacy=privacy)
    many = [{**row, "who": row["id"]} for row in rows(0, 2000)]
    reference = line.csv("r.csv", many, (*COLUMNS, "who"))
    line.take(reference, "--site", "lab", "--model", "m", "--kind", "reference")
    codes = []
    for i in range(12):
        path = line.csv(f"{i}.csv", [{**row, "id": f"{i}-{row['id']}"} for row in many], (*COLUMNS, "who"))
        said = line.run("summarise", path, "--model", "m", "--site", "n", "-o", tmp_path / f"b{i}", "--json")
        codes.append(said.code)
        if said.code:
            break
    assert codes[0] == 0 and codes[-1] == 2, (codes, said.out)
    assert any(ch.isdigit() for ch in said.json["error"]["message"]) and not (tmp_path / f"b{i}").exists()
    line.ok("ingest", tmp_path / "b0", "--site", "n", "--kind", "summaries")
    line.ok("monitor")
    noisy = [row for row in line.results("m", site="n") if row["monitor"] in ("drift", "fairness")]
    assert noisy and all(row["noise"] for row in noisy if row["value"] is not None)
    assert line.ok("privacy", "show")["ledger"]


def test_labels_before_predictions_and_restated(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.ok("site", "add", "s")
    line.model("a", INPUTS, **SHAPE)
    line.model("b", INPUTS, **SHAPE)
    made, bare = rows(0, 1500), tuple(column for column in COLUMNS if column != "z")
    whole = line.csv("whole.csv", made, COLUMNS)
    parts = line.csv("parts.csv", made, bare)
    wrong = line.csv("wrong.csv", [{**row, "z": 1 - row["z"]} for row in made], ("id", "z"))
    right = line.csv("right.csv", made, ("id", "z"))
    line.take(whole, "--site", "s", "--model", "a")
    assert line.take(wrong, "--site", "s", "--model", "b", "--kind", "labels")["kept"] == 1500
    line.take(parts, "--site", "s", "--model", "b")
    line.ok("monitor")
    assert line.take(right, "--site", "s", "--model", "b", "--kind", "labels")["kept"] == 1500
    assert line.take(right, "--site", "s", "--model", "b", "--kind", "labels")["repeated"] is True
    line.ok("monitor")

    def told(model: str) -> dict[Any, Any]:
        return {
            (str(row["window"]), row["monitor"], row["measure"], row["about"]): (row["value"], row["status"])
            for row in line.results(model)
            if row["monitor"] in ("performance", "fairness", "label_drift")
        }

    assert told("a") == told("b") and any(key[2] == "roc_auc" and value[0] for key, value in told("a").items())


def test_backup_and_restore(job: CommandLine, tmp_path: Path) -> None:
    copy = tmp_path / "copy.zip"
    job.ok("backup", copy)
    job.refused(2, "backup", copy)
    there = tmp_path / "there"
    job.ok("restore", copy, "--hub", there)
    job.refused(2, "restore", copy, "--hub", there)
    assert job.ok("audit", "verify", "--data", "--hub", there)["holds"] is True
    before, after = (job.ok("results", "--model", "loan", "--hub", hub)["results"] for hub in (job.hub, there))
    assert before == after


def test_everything_also_through_a_running_server(job: CommandLine, tmp_path: Path) -> None:
    token = job.ok("site", "token", "cloud.eu-1")["token"]
    # Where accounts exist, being on this machine is not enough.
    secret = job.write("secret", "a long enough password\n")
    job.ok("user", "add", "carl", "--role", "auditor", "--password-file", secret)
    port = 18_500 + time.monotonic_ns() % 1000
    log = tmp_path / "serve.log"
    with log.open("w") as stream:
        words = ("-m", "service.cli", "serve", "--port", str(port), "--hub", str(job.hub))
        server = subprocess.Popen(
            [sys.executable, *words], cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL, stderr=stream
        )
    try:
        until = time.monotonic() + 60
        while not (job.hub / "run" / "server.json").exists() or not _ready(port):
            assert server.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        assert job.ok("site", "list")["sites"]
        new = job.csv("served.csv", rows(30_000, 30_050), COLUMNS)
        assert job.take(new, "--site", "cloud.eu-1", "--model", "loan")["kept"] == 50
        job.refused(2, "ingest", new, "--site", "nowhere", "--model", "loan")
        assert job.run("check", "--json").code == 1
        job.ok("monitor")
        assert job.ok("report", "build", "--pack", "general", "--model", "loan", "--from", "2026-01-05", "--to",
                      "2026-02-02", "-o", tmp_path / "served.pdf")["state"] == "DRAFT"  # fmt: skip
        assert job.run("report", "verify", tmp_path / "served.pdf", "--json").code == 0
        base = f"http://127.0.0.1:{port}/api/v1"
        bearer = {"Authorization": f"Bearer {token}"}
        body = job.csv("posted.csv", rows(31_000, 31_020), COLUMNS).read_bytes()
        where = f"{base}/sites/cloud.eu-1/batches?model=loan&kind=predictions&format=csv"
        first = httpx.post(where, content=body, headers=bearer)
        again = httpx.post(where, content=body, headers=bearer)
        assert (first.status_code, again.status_code) == (201, 200), (first.text, again.text)
        assert first.json()["batch"] == again.json()["batch"] and again.json()["repeated"] is True
        assert httpx.post(where, content=body).status_code == 401
        assert httpx.post(where.replace("cloud.eu-1", "other"), content=body, headers=bearer).status_code in (403, 404)
        assert httpx.get(f"{base}/openapi.json").status_code == 200
        assert httpx.get(f"{base}/results", headers=bearer).status_code in (200, 403)
    finally:
        server.terminate()
        server.wait(20)
    assert not (job.hub / "run" / "server.json").exists()
    assert job.ok("audit", "verify", "--data")["holds"] is True


def _ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_another_process_that_holds_the_hub_is_named(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    code = (
        "import sys, time; from pathlib import Path; from service.wiring import open_hub\n"
        "hub = open_hub(Path(sys.argv[1]), environ={}); print('open', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(line.hub)], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "open\n"
        error = line.refused(4, "site", "list")
        assert str(holder.pid) in error["message"] + error["advice"]
    finally:
        holder.terminate()
        holder.communicate(timeout=20)
    line.ok("site", "list")
