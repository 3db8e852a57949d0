"""The reference of the command line, read off the commands themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import typer.main

from sim.documents.page import code, joined, table


def commands() -> Mapping[str, Any]:
    """The commands of the command line by name."""
    from sim.cli import app

    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def page() -> str:
    """All commands on one page."""
    return joined(
        "# Command line",
        "Exit codes: 0 success; 2 the input is wrong, a line a fault; 130 interrupted, with the finished "
        "runs written; 1 anything else. `--help` after any command says the same as this page.",
        *(_command(name, command) for name, command in commands().items()),
    )


def _command(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not getattr(p, "hidden", False)]
    usage = " ".join(["cardbreak", name, *(_usage(argument) for argument in arguments)])
    return joined(
        f"## cardbreak {name}",
        str(command.help or ""),
        f"```text\n{usage} [options]\n```",
        table(("argument", "values", "meaning"), [(code(_label(a)), a.help or "") for a in arguments])
        if arguments
        else "",
        table(("option", "values", "default", "meaning"), [_option(option) for option in options]),
    )


def _label(argument: Any) -> str:
    return str(argument.metavar or argument.name.rstrip("_").upper())


def _usage(argument: Any) -> str:
    shown = _label(argument) + ("..." if argument.nargs == -1 else "")
    return shown if argument.required else f"[{shown}]"


def _option(option: Any) -> tuple[str, str, str, str]:
    default = "" if option.is_flag or not option.show_default else str(option.default or "")
    return ", ".join(map(code, option.opts)), _values(option), default, str(option.help or "")


def _values(option: Any) -> str:
    """What an option or argument takes, in words; nothing for a flag."""
    if option.metavar or getattr(option, "is_flag", False):
        return str(option.metavar or "")
    kind = option.type_descriptor.annotation
    if choices := get_args(kind):
        return " or ".join(map(str, choices))
    ends = [f" {word} {end:,}" for word, end in (("from", option.min), ("to", option.max)) if end is not None]
    return {int: "whole number", float: "number"}.get(kind, "text") + "".join(ends)
