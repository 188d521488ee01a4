import pytest

from baselines import list_models
from benchmark.report.display_names import display_name


@pytest.mark.parametrize(
    ("shown", "called"),
    [
        ("selva-s-16k", "SELVA-S-16k"),
        ("selva", "SELVA-S-16k"),
        ("selva-l-44k@seed2", "SELVA-L-44k@seed2"),
        ("mmaudio-s-16k (null_clip=true)", "MMAudio-S-16k (null_clip=true)"),
        ("oracle", "Oracle"),
        ("selva-s-16k-mine", "selva-s-16k-mine"),
        ("(odd)", "(odd)"),
        ("", ""),
    ],
)
def test_a_registered_name_becomes_its_title_and_what_follows_stays(shown, called):
    assert display_name(shown) == called


def test_every_model_of_the_suite_s_tables_has_a_title_of_its_own():
    entries = [entry for entry in list_models() if entry.place.startswith("baselines.") and not entry.alias_of]
    titles = [entry.title for entry in entries if entry.rows or entry.kind == "control"]
    assert all(titles)
    assert len(set(titles)) == len(titles)
