"""Object stores for tests: one in memory, and a stand-in for S3 on this machine's loopback."""

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from foundation.remote import places

SETTINGS = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",  # else credentials that lack are looked for outside this machine
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_numbers = itertools.count()


def forget_connections() -> None:
    """Let the next address be opened with the settings of then."""
    import s3fs

    places._opened.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The endpoint of the stand-in."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3_settings(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Settings under which `s3://` is the stand-in; gives its endpoint."""
    endpoint = request.getfixturevalue("s3_server")
    for name, value in {**SETTINGS, "AWS_ENDPOINT_URL_S3": endpoint}.items():
        monkeypatch.setenv(name, value)
    forget_connections()
    yield endpoint
    forget_connections()


@pytest.fixture
def new_bucket(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Makes an empty bucket, in memory or on the stand-in, and gives its address."""

    def made(kind: str) -> str:
        name = f"bucket-{os.getpid()}-{next(_numbers)}"
        if kind == "s3":
            import s3fs

            request.getfixturevalue("s3_settings")
            s3fs.S3FileSystem().mkdir(name)
        return f"{kind}://{name}"

    return made


@pytest.fixture(params=["memory", "s3"])
def bucket(request: pytest.FixtureRequest, new_bucket: Callable[[str], str]) -> str:
    """The address of an empty bucket, of each kind."""
    return new_bucket(request.param)
