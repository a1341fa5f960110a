"""Help and complaints about a command line, in the reader's language, on top of typer's parser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from agenda.cli.exits import Failure, Status

if TYPE_CHECKING:
    from agenda.texts import Texts

# typer's complaints by the name of their class, and the attribute that says what it is about
_COMPLAINTS = {
    "MissingParameter": ("cli.usage.missing", "param"),
    "BadParameter": ("cli.usage.bad", "param"),
    "NoSuchOption": ("cli.usage.no_option", "option_name"),
    "BadOptionUsage": ("cli.usage.option", "option_name"),
}
_EXTRA = re.compile(r"Got unexpected extra argument\S* \((.*)\)", re.DOTALL)
"""Typer's complaint that has no class of its own"""


class Command(TyperCommand):
    """A command whose help has translated headings; `ctx.obj` is the terminal."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        _write_usage(self, ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_parameters(self, ctx, formatter)


class Group(TyperGroup):
    """A group of commands, with the same help."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        _write_usage(self, ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _write_parameters(self, ctx, formatter)
        with formatter.section(ctx.obj.t("cli.usage.commands")):
            formatter.write_dl([(name, command.help) for name, command in self.commands.items()])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As typer, with our own sentence for a name that is none of ours."""
        if args and args[0] not in self.commands and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise Failure(Status.USAGE, "usage", ctx.obj.t("cli.usage.no_command", name=args[0]))
        return super().resolve_command(ctx, args)


def translate(command: Any, t: Texts) -> None:
    """Put sentences in the place of the msgids that commands and options were declared with."""
    command.help = t(command.help)
    if getattr(command, "epilog", None):
        command.epilog = t(command.epilog)
    for param in command.params:
        if param.name in {"install_completion", "show_completion"}:
            param.help = t(f"cli.option.{param.name}")
        elif param.help:
            param.help = t(param.help)
        if param.metavar:
            param.metavar = t(param.metavar)
    for child in getattr(command, "commands", {}).values():
        translate(child, t)


def complaint(error: typer.TyperException, t: Texts) -> Failure:
    """What is wrong with the command line, as a failure."""
    msgid, attribute = _COMPLAINTS.get(type(error).__name__, ("", ""))
    about = getattr(error, attribute, None) if msgid else None
    if extra := _EXTRA.match(error.format_message()):
        return Failure(Status.USAGE, "usage", t("cli.usage.extra", words=extra[1]))
    if about is None:
        return Failure(Status.USAGE, "usage", t("cli.usage.other", reason=error.format_message()))
    name = about if isinstance(about, str) else _name(about)
    least, most = getattr(about, "min", None), getattr(about, "max", None)
    if msgid == "cli.usage.bad" and least is not None:
        msgid = "cli.usage.at_least" if most is None else "cli.usage.range"
    return Failure(Status.USAGE, "usage", t(msgid, name=name, least=least, most=most))


def _name(param: Any) -> str:
    """What a person calls a parameter: `--server`, or an argument's name in the usage line."""
    return str(param.opts[0] if param.param_type_name == "option" else param.metavar or param.name)


def _write_usage(command: Any, ctx: Any, formatter: Any) -> None:
    t = ctx.obj.t
    pieces = [] if not command.params else [t("cli.usage.options_metavar")]
    pieces += [_argument(p) for p in command.params if p.param_type_name == "argument"]
    if isinstance(command, Group):
        pieces.append(t("cli.usage.command_metavar"))
    formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=f"{t('cli.usage.usage')}: ")


def _argument(param: Any) -> str:
    name = _name(param) + ("..." if param.nargs != 1 else "")
    return name if param.required else f"[{name}]"


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    t = ctx.obj.t
    arguments, options = [], []
    for param in command.params:
        if getattr(param, "hidden", False):
            continue
        if param.param_type_name == "argument":
            arguments.append((_name(param), param.help or ""))
        else:
            options.append((_option(param), _option_help(param, t)))
    options.append((", ".join(ctx.help_option_names), t("cli.option.help")))
    if arguments:
        with formatter.section(t("cli.usage.arguments")):
            formatter.write_dl(arguments)
    with formatter.section(t("cli.usage.options")):
        formatter.write_dl(options)


def _option(param: Any) -> str:
    names = ", ".join(sorted(param.opts, key=len))
    if param.is_flag:
        return names
    return f"{names} {param.metavar or param.name.upper()}"


def _option_help(param: Any, t: Texts) -> str:
    notes = []
    if param.envvar:
        notes.append(t("cli.usage.env", name=param.envvar))
    if param.default not in (None, False, "", [], ()) and not param.is_flag:
        notes.append(t("cli.usage.default", value=param.default))
    return f"{param.help or ''}{'  [' + '; '.join(notes) + ']' if notes else ''}"
