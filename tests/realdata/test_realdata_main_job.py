"""The main job on data nobody here wrote: iris logs, a census, four hospitals, wind turbines, a power market."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from commandline import CommandLine
from fairlearn.metrics import demographic_parity_ratio, equalized_odds_difference

pytestmark = pytest.mark.realdata


# -- Azure ML's own logs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tree", "drifts"), [("no_drift", False), ("with_drift", True)])
def test_iris(real_data: Path, root: Path, tmp_path: Path, tree: str, drifts: bool) -> None:
    logs = real_data / "logs/azureml_mdc/e2e/resources"
    line = CommandLine(tmp_path)
    line.ok("site", "add", "cloud")
    line.ok("model", "add", root / "examples/iris.yaml")
    baseline = logs / "mltable_iris_baseline/iris_baseline.csv"
    line.take(baseline, "--site", "cloud", "--model", "iris", "--kind", "reference")
    receipts = line.ok("ingest", logs / f"uri_folder_iris_model_inputs_{tree}", "--site", "cloud", "--model", "iris")
    first, second = receipts["receipts"]
    assert second["repeated"] is True and second["batch"] == first["batch"], "two of the files are the same bytes"
    assert first["kept"] > 0 and first["format"] == "azureml"
    line.ok("monitor", "--model", "iris")
    found = line.results("iris", monitor="drift", site="cloud")
    outside = [row for row in found if row["status"] == "outside"]
    assert len(found) == 4 and (bool(outside) is drifts), outside
    pdf = tmp_path / "iris.pdf"
    line.ok("report", "build", "--pack", "general", "--model", "iris", "--from", "2023-01-01", "--to", "2023-04-01",
            "-o", pdf)  # fmt: skip
    assert line.run("report", "verify", pdf, "--recompute").code == 0


# -- the census -------------------------------------------------------------------------------------------------------

ADULT = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital", "occupation", "relationship", "race", "sex",
    "gain", "loss", "hours", "country", "income",
]  # fmt: skip


def people(path: Path) -> list[dict[str, Any]]:
    """Its rows as dicts; no header, a first line that is none, and a full stop after each label."""
    out: list[dict[str, Any]] = []
    for text in path.read_text().splitlines():
        values = [value.strip() for value in text.split(",")]
        if len(values) != len(ADULT) or not values[0].isdigit():
            continue
        row: dict[str, Any] = dict(zip(ADULT, values, strict=True))
        row["income"] = int(row["income"].rstrip(".") == ">50K")
        row["offer"] = int((int(row["education_num"]) >= 11 and int(row["age"]) >= 30) or int(row["gain"]) > 5000)
        row["id"], row["t"] = f"a{len(out)}", f"2026-01-{5 + len(out) % 7:02d}T{len(out) % 24:02d}:00:00Z"
        out.append(row)
    return out


def test_census(real_data: Path, tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.ok("site", "add", "s")
    rows = people(real_data / "fairness/adult.test")
    half = len(rows) // 2
    measures = [{"measure": "selection_rate_ratio", "of": of, "at_least": 0.8} for of in ("sex", "race", "race & sex")]
    inputs = ["age", "education_num", "hours", "workclass", "education", "country"]
    watch = {"window": "7d", "fairness": measures, "performance": [{"measure": "accuracy", "at_least": 0.7}]}
    columns = ["id", "t", "offer", *ADULT]
    reference = line.csv("reference.csv", rows[:half], columns)
    whole, labels = line.csv("whole.csv", rows[half:], columns), line.csv("labels.csv", rows[half:], ("id", "income"))
    bare = line.csv("bare.csv", rows[half:], columns[:-1])
    for name in ("whole", "apart"):
        line.model(name, inputs, id="id", time="t", prediction={"column": "offer", "good": 1}, outcome="income",
                   groups={"sex": {}, "race": {}}, watch=watch)  # fmt: skip
        line.take(reference, "--site", "s", "--model", name, "--kind", "reference")
    line.take(whole, "--site", "s", "--model", "whole")
    line.take(labels, "--site", "s", "--model", "apart", "--kind", "labels")
    line.take(bare, "--site", "s", "--model", "apart")
    line.ok("monitor")
    listed = []
    for name in ("whole", "apart"):
        found = [row for row in line.results(name) if row["monitor"] != "silence"]
        keys = ("monitor", "measure", "about", "value", "interval", "status", "n")
        listed.append([[row[key] for key in keys] for row in found])
    assert listed[0] == listed[1]
    values = {(row["measure"], row["about"]): row for row in line.results("whole", monitor="fairness")}
    now = rows[half:]
    truth, offers = [row["income"] for row in now], [row["offer"] for row in now]
    for about in ("sex", "race", "sex & race"):
        groups = ["/".join(row[name] for name in about.split(" & ")) for row in now]
        expected = demographic_parity_ratio(truth, offers, sensitive_features=groups)
        ratio = values["selection_rate_ratio", about]
        assert ratio["value"] == pytest.approx(expected, abs=1e-12) and ratio["limit"]["value"] == 0.8
    by_sex = equalized_odds_difference(truth, offers, sensitive_features=[row["sex"] for row in now])
    assert values["equalized_odds_difference", "sex"]["value"] == pytest.approx(by_sex, abs=1e-12)
    assert values["selection_rate_ratio", "sex"]["status"] == "outside"


# -- four hospitals ---------------------------------------------------------------------------------------------------

HEART = [
    "age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca", "thal",
    "num",
]  # fmt: skip
HOSPITALS = ("cleveland", "hungarian", "switzerland", "va")


def patients(path: Path, site: str) -> list[dict[str, Any]]:
    out = []
    for i, text in enumerate(path.read_text().splitlines()):
        row: dict[str, Any] = dict(zip(HEART, ("" if v == "?" else v for v in text.split(",")), strict=True))
        row |= {"id": f"{site}-{i}", "t": f"2026-03-{2 + i % 7:02d}T08:00:00Z", "ill": int(float(row["num"]) > 0)}
        row |= {"told": int(float(row["cp"] or 0) == 4), "chol": row["chol"] if float(row["chol"] or 0) else ""}
        out.append(row)
    return out


def test_four_hospitals(real_data: Path, tmp_path: Path) -> None:
    rows = {s: patients(real_data / f"medical/heart_processed.{s}.data", s) for s in HOSPITALS}
    columns = ("id", "t", "told", "ill", *HEART[:-1])
    told: list[dict[tuple[str, ...], tuple[float | None, str]]] = []
    for shared in ("rows", "counts"):
        line = CommandLine(_folder(tmp_path / shared))
        for site in HOSPITALS:
            line.ok("site", "add", site, "--kind", "hospital", "--sharing", shared if site == "switzerland" else "rows")
        inputs = [{"name": name, "type": "number"} for name in ("age", "trestbps", "chol", "thalach")]
        inputs += [{"name": name, "type": "category"} for name in ("sex", "exang")]
        line.model("heart", inputs, id="id", time="t", prediction="told", outcome="ill", groups=["sex"],
                   watch={"window": {"every": "7d", "at_least": 50}, "quality": {"missing": 0.05}})  # fmt: skip
        reference = line.csv("reference.csv", rows["cleveland"][::2], columns)
        line.take(reference, "--site", "cleveland", "--model", "heart", "--kind", "reference")
        for site in HOSPITALS:
            path = line.csv(f"{site}.csv", rows[site][1::2] if site == "cleveland" else rows[site], columns)
            if site == "switzerland" and shared == "counts":
                line.refused(3, "ingest", path, "--site", site, "--model", "heart")
                bundle = tmp_path / "bundle"
                line.ok("summarise", path, "--model", "heart", "--site", site, "-o", bundle)
                line.take(bundle, "--site", site, "--kind", "summaries")
            else:
                line.take(path, "--site", site, "--model", "heart")
        line.ok("monitor")
        found = [row for row in line.results("heart") if row["monitor"] != "silence"]
        told.append({(r["site"], r["monitor"], r["measure"], r["about"]): (r["value"], r["status"]) for r in found})
    verdicts = {
        r["about"]: r["details"]["verdict_in_words"] for r in found if r["site"] == "*" and r["monitor"] == "drift"
    }
    assert set(verdicts) == {"age", "trestbps", "chol", "thalach", "sex", "exang"}
    assert told[0] == told[1], "counts say what rows say"
    said = told[0]
    assert {key[0] for key in said} == {*HOSPITALS, "*"}
    missing = {site: said[site, "quality", "missing_rate", "chol"] for site in HOSPITALS}
    assert missing["switzerland"] == (1.0, "outside") and missing["cleveland"] == (0.0, "within")
    exang = {site: said[site, "drift", "psi", "exang"][1] for site in HOSPITALS}
    assert exang["va"] == "outside" and exang["cleveland"] != "outside", "what moved is told where it moved"
    assert verdicts["exang"] == "Local: va moved from the reference, 3 of 4 sites did not."
    assert verdicts["sex"].startswith("Local: switzerland, va moved"), "all but men were left out there"


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


# -- numbers over time ------------------------------------------------------------------------------------------------


def test_wind_turbines(real_data: Path, tmp_path: Path) -> None:
    """No prediction, a fifth of the slots empty: hours and days, and nothing that is no number."""
    line = CommandLine(tmp_path)
    inputs = [{"name": name, "type": "number"} for name in ("ActivePowerMean", "WindSpeedMean", "PitchAngleMean")]
    rows = pq.read_table(real_data / "wind/homer_wind_farm_july2023.parquet")
    names = sorted(set(rows.column("TurbineName").to_pylist()))
    for name, every in (("hourly", "1h"), ("daily", "1d")):
        line.model(name, inputs, time="TimeStamp_StartFormat", watch={"window": {"every": every, "at_least": 50}})
    for turbine in names:
        site = turbine.lower().replace("_", "-")
        line.ok("site", "add", site, "--contact-window", "6h")
        own = rows.filter([value == turbine for value in rows.column("TurbineName").to_pylist()])
        for part, table in (("reference", own.slice(0, 1500)), ("predictions", own.slice(1500))):
            path = tmp_path / f"{site}-{part}.parquet"
            pq.write_table(table, path)
            for model in ("hourly", "daily"):
                if part == "predictions" or turbine == names[0]:
                    receipt = line.take(path, "--site", site, "--model", model, "--kind", part)
                    assert receipt["kept"] == table.num_rows and "TurbineName" in receipt["ignored"]
    line.ok("monitor")
    for model, hours in (("hourly", 1), ("daily", 24)):
        found = line.results(model)  # the driver refuses NaN and infinities in JSON
        assert {row["monitor"] for row in found} == {"drift", "quality", "silence"}
        missing = [row for row in found if row["measure"] == "missing_rate"]
        assert any(row["status"] == "outside" for row in missing), "empty slots are seen"
        assert {row["status"] for row in found if row["monitor"] == "silence"} == {"stale"}
        shortest = min(_length(row) for row in found if row["monitor"] == "quality")
        assert shortest >= timedelta(hours=hours)


def _length(row: dict[str, Any]) -> timedelta:
    start, end = (datetime.fromisoformat(row["window"][key]) for key in ("from", "to"))
    return end - start


def test_electricity_market(real_data: Path, tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.ok("site", "add", "nsw")
    with (real_data / "drift/elec2_nsw.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    start = datetime(1996, 5, 7)
    for i, row in enumerate(rows):
        row |= {"id": str(i), "t": f"{(start + timedelta(minutes=30 * i)).isoformat()}Z"}
        row["said"] = "UP" if float(row["nswprice"]) > 0.06 else "DOWN"
    columns = ["id", "t", "said", *(name for name in rows[0] if name not in ("id", "t", "said"))]
    reference, current = line.csv("r.csv", rows[:9000], columns), line.csv("c.csv", rows[9000:], columns)
    inputs = ["nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"]
    shape = {"id": "id", "time": "t", "prediction": {"column": "said", "good": "UP"}, "outcome": "class"}
    line.model("weekly", inputs, **shape, watch={"window": {"every": "7d", "at_least": 200}})
    line.take(reference, "--site", "nsw", "--model", "weekly", "--kind", "reference")
    assert line.take(current, "--site", "nsw", "--model", "weekly")["kept"] == len(rows) - 9000
    line.ok("monitor")
    found = line.results("weekly", monitor="drift")
    weeks = sorted({row["window"]["from"] for row in found})
    assert len(weeks) > 100 and all(datetime.fromisoformat(week).weekday() == 0 for week in weeks)
    moved = {row["about"] for row in found if row["status"] == "outside"}
    assert {"vicprice", "transfer"} <= moved, "Victoria joined the market half way through"
    again = line.ok("monitor")
    assert again["results"] == 0, "what was judged is not judged again, nor a silence that did not grow"


# -- peers' own expected values ---------------------------------------------------------------------------------------

OURS = {
    "demographic_parity_difference": "selection_rate_difference",
    "demographic_parity_ratio": "selection_rate_ratio",
    "equalized_odds_difference": "equalized_odds_difference",
    "disparate_impact": "selection_rate_ratio",
    "statistical_parity_difference": "selection_rate_difference",
}


def test_peers_expect_the_same(real_data: Path, tmp_path: Path) -> None:
    """Each case's rows, fifty times over: a rate is told of ten people and more."""
    cases = json.loads((real_data / "fairness/peer_expected_values.json").read_text())["cases"]
    line = CommandLine(tmp_path)
    line.ok("site", "add", "s")
    looked_at = 0
    for number, case in enumerate(cases):
        measure = OURS.get(case["metric"])
        groups = case.get("sensitive")
        if measure is None or not groups or not case.get("y_true"):
            continue
        rows = [
            {"id": f"{k}-{i}", "t": "2026-01-05", "y": predicted, "z": actual, "g": group, "x": 1}
            for k in range(50)
            for i, (predicted, actual, group) in enumerate(zip(case["y_pred"], case["y_true"], groups, strict=True))
        ]
        name = f"case-{number}"
        line.model(name, [{"name": "x", "range": [0, 2]}], id="id", time="t", outcome="z",
                   prediction={"column": "y", "good": 1}, groups={"g": {"values": sorted(set(map(str, groups)))}},
                   watch={"window": "1d"})  # fmt: skip
        line.take(line.csv(f"{name}.csv", rows, ("id", "t", "y", "z", "g", "x")), "--site", "s", "--model", name)
        line.ok("monitor", "--model", name)
        found = [row for row in line.results(name, measure=measure) if row["about"] == "g"]
        assert len(found) == 1
        ours, theirs = found[0]["value"], case["expected"]
        if measure == "selection_rate_ratio" and theirs > 1:
            theirs = 1 / theirs  # ours is lowest over highest, whoever is named first
        if ours is None:
            assert found[0]["status"] == "not_computable", case
        else:
            assert ours == pytest.approx(abs(theirs), abs=max(case["tolerance"], 1e-9)), case["metric"]
        looked_at += 1
    assert looked_at >= 3
