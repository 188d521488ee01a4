"""`python -m benchmark.report`: tables, figures and a page from finished runs."""

import typer

from benchmark.exits import run
from benchmark.help_pages import Command
from benchmark.report.commands import report

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
app.command(name="python -m benchmark.report", cls=Command)(report)

if __name__ == "__main__":
    run(app)
