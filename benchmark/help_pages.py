"""What `--help` shows: plain text that leaves every word whole, however narrow the terminal.

typer's own boxes share a line among names, negated names, types and text, and cut whatever does not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from benchmark.exits import USAGE_ERROR

MOST_COLUMNS = 100  # longer lines are hard to read
_UNBROKEN = "\N{NON-BREAKING HYPHEN}"  # in place of a hyphen, at which lines may be broken


class _WholeWords(typer.Context.formatter_class):  # type: ignore[misc, valid-type]  # typer gives its class no public name
    """Breaks lines between words alone."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, _kept(args), prefix)

    def write_text(self, text: str) -> None:
        super().write_text(_kept(text))

    def write_dl(self, rows: Sequence[tuple[str, str]], **sizes: Any) -> None:
        kept = [(_kept(first), _kept(second)) for first, second in rows]
        super().write_dl(kept, **{"col_max": min(30, self.width // 3), **sizes})

    def getvalue(self) -> str:
        return str(super().getvalue()).replace(_UNBROKEN, "-")


class HelpContext(typer.Context):
    """A context whose help leaves words whole."""

    formatter_class = _WholeWords


class Command(TyperCommand):
    """A command with such a help; for one that is in no group."""

    context_class = HelpContext


class Group(TyperGroup):
    """A group of commands with such a help, and their first paragraphs whole in its list."""

    context_class = HelpContext

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help where a group that needs a command is given none: typer would make an error of the text."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit(USAGE_ERROR)
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command of the group; its help is of the same kind."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            command.context_class = HelpContext
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_paragraph(one.help)) for name, one in commands if not one.hidden])


def _kept(text: str) -> str:
    return text.replace("-", _UNBROKEN)


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").partition("\n\n")[0].split())
