"""Fixtures of the crash tests: commands in processes of their own, and how each ends when nobody disturbs it."""

import pytest
from support.commands import Commands
from support.journeys import Whole, journeys


@pytest.fixture(scope="session")
def commands(environment):
    server = Commands(environment)
    yield server
    server.close()


@pytest.fixture(scope="session")
def all_journeys(tiny, commands, tmp_path_factory):
    folder = tmp_path_factory.mktemp("before")
    listed = folder / "list.csv"
    tiny.sources.iloc[:3].assign(start_seconds=2.0).to_csv(listed, index=False)
    return journeys(tiny.clips, listed, tiny.path, commands, folder)


@pytest.fixture(scope="session")
def undisturbed(all_journeys, commands, tmp_path_factory):
    """From a command's name to how it ends when nobody disturbs it."""
    known = {}

    def whole(name):
        if name not in known:
            journey = all_journeys[name]
            folder = journey.set_out(tmp_path_factory.mktemp("undisturbed") / "folder")
            ended = journey.run(commands, folder)
            assert (ended.status, ended.err) == (0, ""), ended
            known[name] = Whole(journey, journey.outcome(folder), ended.steps)
        return known[name]

    return whole
