"""Draws the tables in docs/ from the declarations in the code: `python docs/tables.py`, or `--check` to compare alone.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; what stands outside is written by hand and kept.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, fields
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from connectors import registry

DOCS = Path(__file__).resolve().parent
_BLOCK = re.compile(r"(<!-- table: (?P<name>[a-z.\- ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _cell(text: object) -> str:
    return re.sub(r"\s+", " ", str(text)).strip().replace("|", "\\|")


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = list(head)
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(map(_cell, row)) + " |" for row in rows)])


# -- the command line -------------------------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, Any]]:
    """(`site add`, its command) for every command that can be run, groups opened."""
    import typer

    from service.cli.app import root_app

    def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        if not hasattr(command, "list_commands"):
            yield " ".join(path), command
            return
        if path and command.invoke_without_command:
            yield " ".join(path), command
        context = typer.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield from walk(found, (*path, name))

    yield from walk(typer.main.get_command(root_app), ())


def _command_table() -> str:
    return "\n\n".join(f"### `bailiwick {path}`\n\n{_told(command)}" for path, command in commands())


def _told(command: Any) -> str:
    parts = [_flowing(command.help or "")]
    rows = [
        (f"`{_spelled(parameter)}`", _default(parameter), getattr(parameter, "help", None) or "")
        for parameter in command.params
        if parameter.name != "help" and not getattr(parameter, "hidden", False)
    ]
    if rows:
        parts.append(_table(("", "default", "what it is"), rows))
    if command.epilog:
        example = inspect.cleandoc(command.epilog).removeprefix("Example:").strip()
        parts.append(f"```console\n$ {example}\n```")
    return "\n\n".join(parts)


def _flowing(text: str) -> str:
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(re.sub(r"\s+", " ", paragraph).strip() for paragraph in paragraphs)


def _spelled(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name).upper()
    return " / ".join([*parameter.opts, *parameter.secondary_opts])


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    if value is None or callable(value) or value is False or value in ("", (), []) or "UNSET" in repr(value).upper():
        return ""
    if value is True:
        return f"`{parameter.opts[0]}`"
    return f"`{getattr(value, 'value', value)}`"


def _common_table() -> str:
    from service.cli.context import COMMON_OPTIONS

    return _table(("option", "what it does"), [(f"`{name}`", text) for name, text in COMMON_OPTIONS])


# -- declarations -----------------------------------------------------------------------------------------------


def _permission_table() -> str:
    from store.access import ROLES, Permission

    roles = [role for role in ROLES if role != "site-token"]
    rows = [
        (f"`{permission}`", *("✓" if permission in ROLES[role] else "" for role in roles)) for permission in Permission
    ]
    return _table(("permission", *roles), rows)


def _setting_table() -> str:
    from service.settings import SETTINGS

    rows = [
        (
            f"`{setting.key}`",
            setting.kind,
            f"`{setting.default}`" if setting.default else "",
            f"`{setting.variable}`",
            setting.help,
        )
        for setting in SETTINGS
    ]
    return _table(("setting", "kind", "default", "environment", "what it does"), rows)


def _budget_table() -> str:
    from service.settings import BUDGET_KEYS

    return _table(("key", "what it does"), [(f"`{key}`", text) for key, text in BUDGET_KEYS.items()])


def _pull_table() -> str:
    from service.connections import PULL_KEYS

    return _table(("key", "what it does"), [(f"`{key}`", text) for key, text in PULL_KEYS.items()])


def _connector_table(name: str) -> str:
    options = registry.load(name).options
    told = _field_docstrings(options)
    rows = [
        (
            f"`{field.name}`",
            _option_default(field.default),
            told.get(field.name, ""),
        )
        for field in fields(options)
    ]
    return _table(("option", "default", "what it does"), rows) if rows else "It has no options."


def _store_table(scheme: str) -> str:
    from connectors.object_store import OPTIONS

    told = _field_docstrings(OPTIONS[scheme])
    rows = [
        (f"`{each.name}`", _option_default(each.default or None), told[each.name]) for each in fields(OPTIONS[scheme])
    ]
    return _table(("key", "default", "what it does"), rows)


def _source_table() -> str:
    """One row for each format; those that only hold the tabular reader to one of its own are left out."""
    kinds = [name.removeprefix("source.") for name in registry.names("source")]
    found = [registry.load_source(kind) for kind in kinds]
    own = sorted((source for source in found if "reads" in vars(type(source))), key=lambda of: of.kind != "tabular")
    rows = [(of.reads, f"[`{of.kind}`](docs/connectors/{of.kind}.md)", of.gives) for of in own]
    bundle = (
        "a bundle that `bailiwick summarise` wrote at a site",
        "`--kind summaries`",
        "counts, exact or with noise",
    )
    return _table(("from", "with", "gives"), [*rows, bundle])


def _option_default(value: object) -> str:
    if value is MISSING or value is None:
        return ""
    if value == sys.executable:
        return "the one that runs Bailiwick"
    if isinstance(value, timedelta):
        return f"`{int(value.total_seconds())}s`"
    return " ".join(f"`{item}`" for item in value) if isinstance(value, tuple) else f"`{value}`"


def _field_docstrings(options: type) -> dict[str, str]:
    """The docstring under each field, which only the source holds."""
    found = ast.parse(inspect.cleandoc(inspect.getsource(options))).body[0]
    assert isinstance(found, ast.ClassDef)
    told = {}
    for field, below in zip(found.body, found.body[1:], strict=False):
        named = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            told[field.target.id] = str(below.value.value)  # type: ignore[union-attr]  # `named` has checked it
    return told


TABLES: dict[str, Callable[[], str]] = {
    "stores.az": lambda: _store_table("az"),
    "stores.s3": lambda: _store_table("s3"),
    "stores.gs": lambda: _store_table("gs"),
    "commands": _command_table,
    "common options": _common_table,
    "permissions": _permission_table,
    "settings": _setting_table,
    "budgets": _budget_table,
    "pull": _pull_table,
    "sources": _source_table,
    **{name: partial(_connector_table, name) for name in registry.names()},
}


def redrawn(page: str) -> str:
    """The page with each of its tables as the code has it now."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{TABLES[block['name']]()}\n\n{block[3]}", page)


def main(check: bool) -> int:
    stale = []
    for path in (*sorted(DOCS.rglob("*.md")), DOCS.parent / "README.md"):
        before = path.read_text(encoding="utf-8")
        after = redrawn(before)
        if after != before:
            stale.append(path.relative_to(DOCS.parent).as_posix())
            if not check:
                path.write_text(after, encoding="utf-8")
    if stale:
        print(f"{'stale' if check else 'redrawn'}: {', '.join(stale)}", file=sys.stderr)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
