"""What `--help` shows: plain text that leaves every word whole, however narrow the terminal.

typer's own boxes share a line among names, negated names, types and text, and cut whatever does not fit. Verbs stand
under headings. Of a verb with very many options `--help` shows those that most people need, and `--help-all` the rest.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from textwrap import fill
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from benchmark.exits import USAGE_ERROR

MOST_COLUMNS = 100  # longer lines are hard to read
LEAST_COLUMNS = 30  # the longest words have them
ROOM_FOR_TWO = 48  # columns that hold names and what they mean side by side
MOST_OPTIONS = 20  # of a verb that shows all of its own
REST = "rest"  # the panel of options that only `--help-all` shows, where a verb has more than that
HEADINGS = ("Build", "Run", "Score", "Report", "People", "Train", "Data")  # of verbs, in the order of the help
NO_HEADING = "Commands"
PROGRAM = "vgg-monoaudio"  # the command that shells complete
_COMPLETIONS = ("--install-completion", "--show-completion")
_UNBROKEN = "\N{NON-BREAKING HYPHEN}"  # in place of a hyphen, at which lines may be broken


class _WholeWords(typer.Context.formatter_class):  # type: ignore[misc, valid-type]  # typer gives its class no public name
    """Breaks lines between words alone."""

    width: int

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        super().__init__(indent_increment, width, max_width)
        columns = shutil.get_terminal_size().columns
        if width is None and columns - 2 < self.width:  # click takes 50 for the narrowest
            self.width = max(columns - 2, LEAST_COLUMNS)

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        start = f"{prefix or 'Usage: '}{prog} "
        if len(start) <= self.width:
            super().write_usage(prog, _kept(args), prefix)
        else:  # click never breaks the name of a program
            self.write(fill(start + args, self.width, subsequent_indent="  ", break_on_hyphens=False) + "\n")

    def write_text(self, text: str) -> None:
        super().write_text(_kept(text))

    def write_dl(self, rows: Sequence[tuple[str, str]], **sizes: Any) -> None:
        kept = [(_kept(first), _kept(second)) for first, second in rows]
        super().write_dl(kept, **{"col_max": self.most_of_names, **sizes})

    @property
    def most_of_names(self) -> int:
        """How wide the column of names may be; a longer name has a line of its own, in a narrow terminal every one."""
        return min(30, int(self.width) // 3) if self.width >= ROOM_FOR_TWO else 2

    def getvalue(self) -> str:
        return str(super().getvalue()).replace(_UNBROKEN, "-")


class HelpContext(typer.Context):
    """A context whose help leaves words whole."""

    formatter_class = _WholeWords


class Command(TyperCommand):
    """A command with such a help, which shows `MOST_OPTIONS` options at most where some are marked as `REST`."""

    context_class = HelpContext

    @property
    def rest(self) -> list[Any]:
        """The options that only `--help-all` shows."""
        options = [one for one in self.params if isinstance(one, TyperOption) and not one.hidden]
        if len(options) + 1 <= MOST_OPTIONS:  # with --help
            return []
        return [option for option in options if option.rich_help_panel == REST]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and options; without the rest, and how to see it, unless all are asked for."""
        rest = [] if ctx.meta.get(_ALL) else self.rest
        arguments: list[tuple[str, str]] = []
        options: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and parameter not in rest:
                (options if parameter.param_type_name == "option" else arguments).append(record)
        for heading, records in (("Arguments", arguments), ("Options", options)):
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
        if rest:
            formatter.write_paragraph()
            formatter.write_text(f"{len(rest)} more options: --help-all")


_ALL = f"{__name__}.all"


def _show_all(ctx: typer.Context, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        ctx.meta[_ALL] = True
        typer.echo(ctx.get_help())
        ctx.exit()


HelpAllOption = Annotated[
    bool, typer.Option("--help-all", is_eager=True, callback=_show_all, help="Show all options and exit.")
]


class Group(TyperGroup):
    """A group of commands with such a help, and their first paragraphs whole in its list."""

    context_class = HelpContext

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help where a group that needs a command is given none: typer would make an error of the text.

        Raises:
            ValueError: completion is asked for under a name that no shell can complete.
        """
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit(USAGE_ERROR)
        if args and args[0] in _COMPLETIONS and " " in str(ctx.info_name):
            raise ValueError(f"{args[0]}: shells complete the command {PROGRAM}; give: {PROGRAM} {' '.join(args)}")
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command of the group; its help is of the same kind."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            command.context_class = HelpContext
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the lists of commands, each under its heading."""
        under: dict[str, list[tuple[str, str]]] = {heading: [] for heading in HEADINGS}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if not command.hidden:
                heading = getattr(command, "rich_help_panel", None)
                under.setdefault(heading if isinstance(heading, str) else NO_HEADING, []).append(
                    (name, _first_paragraph(command.help))
                )
        names = [name for rows in under.values() for name, _ in rows]
        fitting = max((len(name) for name in names if len(name) <= formatter.most_of_names), default=0)
        for heading, rows in ((heading, rows) for heading, rows in under.items() if rows):
            with formatter.section(heading):  # names as long as the longest, so that all lists begin in one column
                formatter.write_dl([(name.ljust(fitting), text) for name, text in rows])


def _kept(text: str) -> str:
    return text.replace("-", _UNBROKEN)


def _first_paragraph(text: str | None) -> str:
    return " ".join((text or "").partition("\n\n")[0].split())
