"""`python -m benchmark.report`: tables, figures and a page from finished runs."""

import typer

from benchmark.exits import run
from benchmark.report.commands import report

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command(name="python -m benchmark.report")(report)

if __name__ == "__main__":
    run(app)
