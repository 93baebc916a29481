"""A collector that runs ahead of the inventory, over the command line: kept aside, told, taken in."""

from __future__ import annotations

import json
from pathlib import Path

from commandline import CommandLine

MODEL = "name: loan\nversion: '{version}'\ncolumns: {{inputs: [{{name: income, type: number, range: [0, 100]}}]}}\n"
SOURCE = "/subscriptions/s/providers/Microsoft.MachineLearningServices/workspaces/w"


def event(n: int) -> str:
    told = {"specversion": "1.0", "id": f"e{n}", "source": SOURCE, "type": "azureml.inference.model_inputs"}
    more = {"time": "2026-10-05T00:43:34Z", "data": [{"income": n}], "correlationid": f"c{n}", "modelversion": "7"}
    return json.dumps(told | more) + "\n"


def test_a_version_nobody_added_is_kept_told_and_taken_in(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    cli.ok("site", "add", "cloud")
    for version in ("1", "7"):
        (tmp_path / f"loan-{version}.yaml").write_text(MODEL.format(version=version))
    cli.ok("model", "add", str(tmp_path / "loan-1.yaml"))
    log = tmp_path / "model_inputs" / "hour.jsonl"
    log.parent.mkdir()
    log.write_text("".join(event(n) for n in range(40)))
    said = cli.run("ingest", str(log), "--site", "cloud", "--model", "loan")
    assert "Kept aside: hour.jsonl names loan:7" in said.err
    assert "1 version seen that is not in the inventory, since 5 October 2026, 40 rows." in cli.run("model", "list").err
    checked = cli.run("check", "--model", "loan", "--json")
    assert checked.code == 1 and "unknown_version" in {one["status"] for one in checked.json["problems"]}
    added = cli.ok("model", "add", str(tmp_path / "loan-7.yaml"))
    assert [receipt["kept"] for receipt in added["taken_in"]["receipts"]] == [40]
    assert cli.ok("model", "aside") == {"aside": []}
    log.write_text("".join(event(n) for n in range(55)))
    receipt = cli.ok("ingest", str(log), "--site", "cloud", "--model", "loan")["receipts"][0]
    assert (receipt["version"], receipt["rows"], receipt["kept"], receipt["duplicates"]) == ("7", 15, 15, 0)
