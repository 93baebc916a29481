"""Each error of the tree ends in the exit code of the contract."""

from __future__ import annotations

import pytest

from service.exits import ExitCode, exit_code_of
from store import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.BadInput("x"), 2),
        (errors.UnknownName("x"), 2),
        (errors.HubTooNew("x"), 2),
        (errors.Refused("x"), 2),
        (errors.BudgetExceeded("x"), 2),
        (errors.NotPermitted("x"), 3),
        (errors.HubLocked("x"), 4),
        (errors.HubUnreachable("x"), 4),
        (errors.Retryable("x"), 2),
        (errors.Final("x"), 2),
        (ValueError("x"), 5),
    ],
)
def test_codes(error: Exception, code: int) -> None:
    assert exit_code_of(error) == code


def test_codes_are_the_contracts() -> None:
    assert [(code.name, int(code)) for code in ExitCode] == [
        ("DONE", 0),
        ("NOT_WELL", 1),
        ("USAGE", 2),
        ("NOT_PERMITTED", 3),
        ("HUB_UNAVAILABLE", 4),
        ("INTERNAL", 5),
    ]
