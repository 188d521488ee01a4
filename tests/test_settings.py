"""What holds for all tests: skips that are refused where all that tests need could be installed."""

import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest
from support import skips

TESTS = """
import pytest

@pytest.mark.skipif(True, reason="{reason}")
def test_that_is_skipped():
    pass

def test_that_skips():
    pytest.skip("{reason}")
"""


@pytest.fixture
def outcome(pytester_folder, monkeypatch):
    """How a file with two skips for a reason ends, and one that skips as a whole: passed, failed, said."""

    def run(reason: str, refused: str) -> tuple[int, str]:
        (pytester_folder / "test_two.py").write_text(TESTS.format(reason=reason))
        (pytester_folder / "test_whole.py").write_text(
            f'import pytest\npytest.skip("{reason}", allow_module_level=True)\n'
        )
        monkeypatch.setenv(skips.VARIABLE, refused)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rs",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            ".",
            "--continue-on-collection-errors",
        ]
        done = subprocess.run([*command, "."], cwd=pytester_folder, capture_output=True, text=True)
        return done.returncode, done.stdout

    return run


@pytest.fixture
def pytester_folder(tmp_path) -> Path:
    """A folder whose tests run under the hooks of this one's `conftest.py`."""
    support = Path(skips.__file__).parents[1]
    (tmp_path / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(support)!r})\n" + (support / "conftest.py").read_text()
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def test_a_skip_for_want_of_a_package_fails_where_skips_are_refused(outcome):
    status, said = outcome("no pdflatex (Debian: texlive-latex-base)", "1")
    assert status != 0
    assert said.count("VGG_MONOAUDIO_NO_SKIPS is set: no pdflatex (Debian: texlive-latex-base)") == 3


def test_the_same_skip_is_named_elsewhere(outcome):
    status, said = outcome("no pdflatex (Debian: texlive-latex-base)", "")
    assert status in (0, 5), said
    assert said.count("no pdflatex") == 3
    assert "3 skipped" in said


def test_a_skip_for_want_of_real_clips_is_accepted_everywhere(outcome):
    status, said = outcome("no real clips at /somewhere", "1")
    assert status in (0, 5), said
    assert "3 skipped" in said


def test_property_tests_draw_the_same_examples_everywhere():
    profile = hypothesis.settings.get_profile(hypothesis.settings.get_current_profile_name())
    assert (profile.deadline, profile.derandomize, profile.database) == (None, True, None)
