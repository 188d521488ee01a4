"""Small tables on stdout."""

from __future__ import annotations

import os
from collections.abc import Sequence

UNLIMITED = 10_000  # characters


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under these headings, as wide as the terminal allows; in full where the reader is not a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*[Text(cell) for cell in row])  # as it is: brackets in a name are no markup
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:  # a file or `grep`: a line per row
        console.width = console.measure(table, options=console.options.update(max_width=UNLIMITED)).maximum
    console.print(table)
