"""Every command asks who may, every route asks who it is: read from the source, so that a new one cannot forget."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from service.api import Api
from service.commands import COMMANDS, LOCAL_ONLY, load

ASKED_BY_READS = {
    "report_evidence": "as report_file",
    "report_file": "reads.report answers only with reports of models on which the viewer holds report:read",
    "verify_report": "reads.report filters by the viewer, and the file is already in the caller's hands",
}
"""Commands that call no `require`, each with what stands in its place."""
ANSWERS_ANYONE = {
    "health": "says that the process answers, and nothing else",
    "ready": "says that the hub's file answers, and the hub's clock",
    "openapi": "describes the API, which is public",
}
"""Routes that ask nobody, each with what it gives away."""
SETTLES_ITSELF = {
    "take_batch": "streams the body only once the viewer is known, which `_guarded` could not wait for",
}
SETTLES_FOR_OTHERS = {
    "_events": "the same, for senders whose token stands in the address or in HTTP Basic",
}
ROUTES_ASKING = {"self._guarded", "_guarded", *(f"self.{name}" for name in SETTLES_FOR_OTHERS)}


def functions_of(path: Path) -> dict[str, ast.AST]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name: node for node in ast.walk(tree) if isinstance(node, kinds)}


def calls(node: ast.AST) -> set[str]:
    return {ast.unparse(found.func) for found in ast.walk(node) if isinstance(found, ast.Call)}


def reaches(functions: dict[str, ast.AST], name: str, wanted: str, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a function calls `wanted`, itself or through functions of the same module."""
    if name in seen or name not in functions:
        return False
    called = calls(functions[name])
    return wanted in called or any(reaches(functions, inner, wanted, seen | {name}) for inner in called)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_requires_a_permission(root: Path, name: str) -> None:
    functions = functions_of(root / "service" / "commands" / f"{COMMANDS[name]}.py")
    assert name in functions
    asks = reaches(functions, name, "require")
    assert asks != (name in ASKED_BY_READS), f"{name}: {'is exempt and asks all the same' if asks else 'asks nobody'}"


def test_the_exemptions_are_commands_and_give_reasons() -> None:
    assert set(ASKED_BY_READS) <= set(COMMANDS) and all(map(str.strip, ASKED_BY_READS.values()))
    assert set(COMMANDS) >= LOCAL_ONLY
    for name in COMMANDS:
        assert callable(load(name))


def test_every_write_of_a_command_stands_after_a_require(root: Path) -> None:
    """A module that writes and asks nobody would be a back door, whatever its functions are called."""
    doors = {"init_hub": "makes a hub where none is: there is nobody to ask yet"}
    for path in sorted((root / "service" / "commands").glob("*.py")):
        functions = functions_of(path)
        public = [name for name in functions if not name.startswith("_") and name not in doors]
        for name in public:
            writes = any(call.endswith("store.write") for call in calls(functions[name]))
            assert not writes or reaches(functions, name, "require"), f"{path.name}: {name}"


def test_every_route_asks_who_it_is(root: Path) -> None:
    functions = functions_of(root / "service" / "api.py")
    endpoints = {route.endpoint.__name__ for route in Api.__new__(Api).routes()}
    assert endpoints >= {"take_batch", "command", "listing", "metrics", "local_cli"}
    for name in sorted(endpoints):
        asks = bool(calls(functions[name]) & ROUTES_ASKING)
        exempt = name in ANSWERS_ANYONE or name in SETTLES_ITSELF
        assert asks != exempt, f"{name}: {'is exempt and asks all the same' if asks else 'asks nobody'}"
    for name in (*SETTLES_ITSELF, *SETTLES_FOR_OTHERS):
        assert "run_in_threadpool" in calls(functions[name]) and "unauthenticated" in calls(functions[name])
    assert set(ANSWERS_ANYONE) | set(SETTLES_ITSELF) <= endpoints
