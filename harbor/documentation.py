"""Reference pages, made from the program itself, so that they cannot be wrong."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import msgspec
from msgspec import Meta

from harbor.core import errors
from harbor.core.errors import HarborError
from harbor.core.settings import PREFIX, Settings
from harbor.doors import operations

NOTE = "<!-- Made by `harbor docs` from the program; change the program instead. -->\n"


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    return {
        "operations.md": operations_page(),
        "settings.md": settings_page(),
        "errors.md": errors_page(),
    }


def operations_page() -> str:
    lines = ["# Operations", "", NOTE]
    lines += ["What is served, who may call it, and what the audit log says of it.", ""]
    lines += ["| method | path | who may | audit log | what it does |", "|---|---|---|---|---|"]
    for op in sorted(operations(), key=lambda op: (op.path, op.method)):
        audit = f"{op.audit.operation} {op.audit.resource_type}" if op.audit else ""
        summary = (inspect.getdoc(op.handler) or "").partition("\n")[0]
        lines.append(f"| {op.method} | `{op.path}` | {op.allow} | {audit} | {summary} |")
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    lines = ["# Settings", "", NOTE]
    lines += [
        "Each is a variable, and a key of the settings file (`--config`, TOML or YAML). "
        "`harbor serve --help` names those that are options too. "
        "Options win over variables, variables over the file.",
        "",
        "| key | variable | default | meaning |",
        "|---|---|---|---|",
    ]
    defaults = msgspec.to_builtins(Settings())
    for name, hint in get_type_hints(Settings, include_extras=True).items():
        meaning = next(m.description or "" for m in hint.__metadata__ if isinstance(m, Meta))
        default = f"`{defaults[name]}`" if defaults[name] != "" else ""
        lines.append(f"| `{name}` | `{PREFIX}{name.upper()}` | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    lines = ["# Errors", "", NOTE]
    lines += [
        'Every failure answers `{"errors": [{"code": …, "message": …}]}`.',
        "",
        "| status | code | meaning |",
        "|---|---|---|",
    ]
    found = sorted(error_classes(), key=lambda error: (error.status, error.code))
    for error in found:
        meaning = (error.__dict__.get("__doc__") or "").strip().partition("\n")[0]
        lines.append(f"| {error.status} | `{error.code}` | {meaning} |")
    return "\n".join(lines) + "\n"


def error_classes() -> Iterator[type[HarborError]]:
    for item in vars(errors).values():
        if isinstance(item, type) and issubclass(item, HarborError) and item is not HarborError:
            yield item


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)


def outdated(folder: Path) -> list[str]:
    """The names of pages that are not what the program would write now."""
    return [
        name
        for name, text in pages().items()
        if not (folder / name).is_file() or (folder / name).read_text() != text
    ]
