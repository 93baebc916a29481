"""The console in a real Chromium: the demo's story as two people live it, from the wrong password to version 4.

The tests follow each other on one hub. Each ends by asking the browser whether anything was said on its console, and
whether it spoke to anyone but this server.
"""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from demo_console import PASSWORD, Console
from people import WAIT

from service.commands.retraining import OWN_REQUEST
from service.demo.build import WHY
from service.demo.data import PLANTED_NAME

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def alert_id(console: Console, **wanted: object) -> str:
    found = json.loads(console.cli("alerts", "list", "--json").stdout)["alerts"]
    return str(next(a["id"] for a in found if all(a[key] == value for key, value in wanted.items())))


# -- signing in -----------------------------------------------------------------------------------------------------


def test_a_wrong_password_opens_nothing_and_the_right_one_leads_where_it_was_meant(
    console: Console, enter: Any
) -> None:
    anna = enter("anna", signed_in=False)
    path, _ = console.stop(2)
    anna.page.goto(console.address + path)
    assert anna.page.url.startswith(f"{console.address}/login?next=")
    anna.sign_in("anna", "not-this-one")
    assert "The name or the password is wrong." in anna.page.inner_text("[role=alert]")
    assert all("403" in text for text in anna.said), "the browser's own note that the answer was a refusal"
    anna.said.clear()
    anna.sign_in("anna")
    anna.page.wait_for_selector("h1")
    assert anna.page.url == console.address + path


# -- the six screens ------------------------------------------------------------------------------------------------


def test_home_has_nothing_green_about_the_silent_site(console: Console, enter: Any) -> None:
    anna = enter("anna")
    path, sentence = console.stop(1)
    anna.opens(path)
    told = anna.sees(sentence, "edge-kiosk sent nothing when due. Figures on this page leave it out since")
    kiosk = told[told.rindex("edge-kiosk") :].split("branch-north")[0]
    assert "■ silent" in kiosk and "✓" not in kiosk
    assert told.count("✓ fresh") == 3


def test_the_fairness_alert_with_cannot_say_beside_it(console: Console, enter: Any) -> None:
    anna = enter("anna")
    path, sentence = console.stop(2)
    anna.opens(path)
    windows, ratio = (re.search(pattern, sentence) for pattern in (r"outside in \d+ of \d+ windows", r"0\.7\d of men"))
    assert windows and ratio
    anna.sees(windows[0], "Cannot say at edge-kiosk.", "not a determination of discrimination")
    anna.finds(r"edge-kiosk ◆ watch 0\.7\d+ \(0\.\d+ to [01]\.\d+, n 48\) against at least 0\.80")
    north = anna.finds(r"branch-north ▲ outside limits (0\.7\d+) \(0\.\d+ to 0\.\d+, n 1,200\) against at least 0\.80")
    assert f"{float(north[1]):.2f} of men" == ratio[0]


def test_one_site_or_all_and_what_a_peer_would_have_flagged(console: Console, enter: Any) -> None:
    anna = enter("anna")
    path, sentence = console.stop(3)
    anna.opens(path)
    told = anna.sees("income moved at branch-north alone, since 2026-10-03", "these rules cannot say.")
    assert "loan_purpose moved at every site that can tell: branch-north, branch-south and cloud-eu" in told
    flagged = re.findall(r"flag (\d of 7 columns \([a-z_, ]+\))", sentence)
    assert len(flagged) == 2 and all(f"they flag {one}" in told for one in flagged)


def test_rows_stayed_and_the_planted_name_is_nowhere(console: Console, enter: Any) -> None:
    anna = enter("anna")
    path, sentence = console.stop(4)
    anna.opens(path)
    size = re.search(r"[\d,]+ bytes", sentence)
    assert size
    anna.sees("72,000 rows were counted there, and none left it.", f"3 files, {size[0]}", "it shares counts only")
    anna.writes("Search the hub's file", PLANTED_NAME)
    anna.presses("Search")
    anna.sees(f"“{PLANTED_NAME}” does not occur in the hub's file.")
    anna.writes("Search the hub's file", "loan-approval")
    anna.presses("Search")
    anna.sees("“loan-approval” occurs")


def test_the_request_waits_for_another_person(console: Console, enter: Any) -> None:
    anna = enter("anna")
    anna.opens(console.stop(5)[0])
    anna.sees("Asked for by anna", "for branch-north", "waits for approval", WHY)


def test_the_pdf_that_is_taken_away_is_ours_and_untouched(console: Console, enter: Any, tmp_path: Path) -> None:
    anna = enter("anna")
    anna.opens(console.stop(6)[0])
    anna.sees("1 report: 1 draft.", Path(console.tour["report"]).stem)
    anna.presses("Get PDF")
    with anna.page.expect_download() as coming:
        anna.presses("Download PDF")
    taken = tmp_path / "taken.pdf"
    coming.value.save_as(taken)
    assert taken.read_bytes() == Path(console.tour["report"]).read_bytes()
    verified = console.cli("report", "verify", taken)
    assert verified.returncode == 0, verified.stdout + verified.stderr


# -- what people do -------------------------------------------------------------------------------------------------


def test_triage_is_recorded_and_asks_for_reasons(console: Console, enter: Any) -> None:
    anna = enter("anna")
    anna.opens(f"/alert?id={alert_id(console, site='cloud-eu', measure='roc_auc')}")
    anna.sees("for review")
    anna.presses("Acknowledge")
    anna.sees("· acknowledged")
    anna.presses("Snooze", within="[data-testid=stMain]")
    popover = "[data-testid=stPopoverBody]"
    anna.presses("Snooze", within=popover)
    anna.page.wait_for_selector(f"{popover} [data-testid=stAlert], [data-testid=stAlert]")
    anna.sees("reason")
    anna.writes("Reason", "The team looks at it next week.", within=popover)
    anna.presses("Snooze", within=popover)
    anna.sees("· snoozed", "Snoozed until", "The team looks at it next week.")
    anna.page.keyboard.press("Escape")
    anna.presses("Resolve", within="[data-testid=stMain]")
    anna.writes("Reason", "Outcomes were joined wrongly.", within=popover)
    anna.presses("Resolve", within=popover)
    anna.sees("· resolved", "Outcomes were joined wrongly.")
    anna.opens("/alerts?state=Resolved")
    anna.sees("1 resolved", "ROC AUC")


def test_asking_is_filled_in_refused_to_oneself_and_approved_by_another(console: Console, enter: Any) -> None:
    from playwright.sync_api import expect

    anna = enter("anna")
    anna.opens(console.stop(2)[0])
    anna.presses("Request retraining")
    dialog = "[role=dialog]"
    reason = anna.page.locator(dialog).get_by_role("textbox", name="Reason")
    expect(reason).to_have_value(re.compile(r"^Selection rate of sex=F is 0\.7.* at branch-north"), timeout=WAIT)
    anna.sees("python train.py")
    anna.presses("Request retraining", within=dialog)
    anna.sees("Asked for by anna", "waits for approval")
    anna.presses("Approve")
    anna.sees(OWN_REQUEST)
    request = anna.page.url.removeprefix(console.address)
    assert re.fullmatch(r"/retraining\?id=request_\w+", request) and request != console.stop(5)[0]

    ben = enter("ben")
    ben.opens("/")
    ben.sees("asked for by anna: approve or reject.")
    ben.opens(request)
    ben.presses("Approve")
    ben.sees("a new version came back", "Open loan-approval 4", "gate passed", "Before", "After", "sex=F")
    ben.finds(r"Its price: approvals -\d\.\d points overall\.")
    ben.finds(r"ROC AUC 0\.81\d \([^)]* n 9,600\) 0\.79\d \([^)]* n 9,600\) -0\.0\d\d")
    ben.opens("/model?id=loan-approval&version=4")
    ben.sees("Small-business loans, version 4", "Nothing was received for this version yet.")
    ben.opens("/model?id=loan-approval")
    ben.sees("Small-business loans, version 3", "Version 4")


# -- who may see what -----------------------------------------------------------------------------------------------


def test_other_roles_see_their_own_and_the_command_line_talks_to_the_server(
    console: Console, enter: Any, tmp_path: Path
) -> None:
    sites = console.cli("site", "list", "--json")
    assert [row["site"] for row in json.loads(sites.stdout)["sites"]] == sorted(
        ["branch-north", "branch-south", "cloud-eu", "edge-kiosk"]
    )
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    grants = (("olga", "--role", "site-operator", "--site", "branch-north"), ("rita", "--role", "regulator"))
    with ThreadPoolExecutor() as at_once:
        added = at_once.map(lambda grant: console.cli("user", "add", *grant, "--password-file", password), grants)
    assert [one.returncode for one in added] == [0, 0]
    olga = enter("olga")
    told = olga.sees("1 of 1 site is fresh.", "branch-north")
    assert not any(text in told for text in ("cloud-eu", "edge-kiosk", "Models", "Alerts", "Retraining"))
    olga.opens("/site?id=cloud-eu")
    olga.sees("Not found, or you may not read it.")
    rita = enter("rita")
    told = rita.sees("1 report: 1 draft.")
    assert not any(text in told for text in ("Home", "Build a report", "edge-kiosk"))


def test_signing_out_closes_every_page(console: Console, enter: Any) -> None:
    ben = enter("ben")
    ben.page.get_by_text("Sign out").click()
    ben.page.wait_for_selector("#password")
    ben.page.goto(f"{console.address}/alerts")
    assert ben.page.url.startswith(f"{console.address}/login?next=")
