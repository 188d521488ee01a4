"""The whiskers of the page: where value and interval lie within the range of their column."""

import re

import pytest

from benchmark.report import write_report

DRAWN = re.compile(
    r'data-metric="(?P<metric>\w+)"[^>]*data-value="(?P<value>[^"]+)".*?'
    r"--low:(?P<low>[\d.]+)%;--at:(?P<at>[\d.]+)%;--high:(?P<high>[\d.]+)%"
)


@pytest.fixture(scope="module")
def shown(world, tmp_path_factory):
    """FAD of three runs whose intervals are not symmetric, as the page has them: value, low, at, high in percent."""
    folder = tmp_path_factory.mktemp("whiskers")
    ends = {"oracle": (2.0, (1.0, 2.5)), "tiny-foley": (5.0, (4.0, 9.0)), "grand-foley": (11.0, (10.5, 21.0))}
    runs = []
    for model, (value, ci95) in ends.items():
        run = world.write_run(folder, model)
        record = run.read_metrics()
        fad = record.metrics["fad"].model_copy(update={"value": value, "ci95": ci95})
        run.write(record.model_copy(update={"metrics": {**record.metrics, "fad": fad}}))
        runs.append(run)
    page = write_report(runs, folder / "out" / "report").html.read_text()
    cells = [found.groupdict() for found in map(DRAWN.search, page.split("<td")) if found]
    return {float(c["value"]): tuple(float(c[k]) for k in ("low", "at", "high")) for c in cells if c["metric"] == "fad"}


def test_whiskers_span_the_interval_within_the_range_of_all(shown):
    """The column reaches from 1.0 to 21.0."""
    assert shown == {2.0: (0.0, 5.0, 7.5), 5.0: (15.0, 20.0, 40.0), 11.0: (47.5, 50.0, 100.0)}
