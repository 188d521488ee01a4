"""`--executor` and what goes with it."""

import pytest

from benchmark.cli.driving import DriverOptions, Drivers, drivers_of


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--readers", "2"], "--readers 2: only with --executor ray"),
        (["--executor", "local", "--readers", "0"], "--readers 0: only with --executor ray"),
        (["--executor", "local", "--ray-address", "head:6379"], "--ray-address: only with --executor ray"),
        (["--drivers", "2"], "--drivers 2: say where, with --executor local or --executor ray"),
    ],
)
@pytest.mark.parametrize("verb", [["generate", "mixture"], ["evaluate", "results/runs/bench/inter/mixture"]])
def test_options_of_another_executor_are_refused(command, verb, words, message):
    left = command(*verb, *words)
    assert (left.status, left.message) == (2, message)


@pytest.mark.parametrize(("readers", "given"), [(None, None), (0, 0), (12, 12)])
def test_what_is_said_of_drivers_and_readers_reaches_the_cluster(monkeypatch, readers, given):
    told = {}
    monkeypatch.setattr("benchmark.executors.ray.drive_on_ray", lambda order, **how: told.update(how) or order)
    drivers = drivers_of(DriverOptions(executor="ray", drivers=3, readers=readers, ray_address="head:6379"))
    assert drivers == Drivers("ray", 3, given, "head:6379")
    assert drivers.drive("an order", None) == "an order"
    assert told == {"drivers": 3, "readers": given, "address": "head:6379", "progress": None}
