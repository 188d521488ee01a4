"""Every problem of a file of settings is named at once, by key and value."""

import pytest

from benchmark.ratings.reading import RESERVED
from benchmark.web.study.settings import UnusableSettings, read_settings
from benchmark.web.study.texts import default_texts, filled, wordings

LEAST = """
name = "trial"
title = "A trial"
runs = ["results/runs/demo/inter/oracle"]
items_per_rater = 12
consent = "c"
contact = "x"
data_kept = "d"
"""


@pytest.fixture
def settings(tmp_path):
    def read(text="", least=LEAST):
        path = tmp_path / "study.toml"
        path.write_text(least + text)
        return read_settings(path), path

    return read


def problems(settings, text, least=LEAST):
    with pytest.raises(UnusableSettings) as refused:
        settings(text, least)
    return [problem.reason for problem in refused.value.problems]


def criterion(name):
    return f'[criteria.{name}]\nname = "n"\nquestion = "q"\nwords = ["1", "2", "3", "4", "5"]\n'


def test_what_is_not_given_has_a_default(settings):
    found, _ = settings()
    assert (found.form, found.raters_per_item, found.headphone_check) == ("rating", 5, "warn")


def test_every_problem_is_named_with_its_key_and_value(settings):
    told = problems(settings, 'raters_per_itme = 3\nform = "ratings"\nattention = -1\nsamples = 0\nloudness = 3\n')
    assert [line.partition(":")[0] for line in told] == ["form", "samples", "attention", "loudness", "raters_per_itme"]
    assert "'ratings'" in told[0]
    assert "-1" in told[2]
    assert "no such key, got 3" in told[4]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("samples = true\n", "samples: expected a whole number or a list, got true"),
        ('headphone_check = "no"\n', "headphone_check: expected 'warn' or true or false, got 'no'"),
        ("runs = [3]\n", "runs.0: expected a path, got 3"),
        ('title = ""\n', "title: expected a text that is not empty, got ''"),
        ('subsets = ["inter", "inter"]\n', "subsets: 'inter' is there more than once"),
    ],
)
def test_what_was_expected_is_said_in_our_words_with_what_is_there(settings, text, told):
    key = text.partition(" ")[0]
    least = "".join(line for line in LEAST.splitlines(keepends=True) if not line.startswith(f"{key} "))
    assert told in problems(settings, text, least)


def test_what_is_missing_is_named(settings):
    told = problems(settings, "", 'name = "x"\n')
    assert {line.partition(":")[0] for line in told} == {
        "title", "runs", "consent", "contact", "data_kept", "items_per_rater, minutes_per_rater",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("minutes_per_rater = 9\n", "expected one of the two"),
        (
            "repeats = 9\n",
            "repeats: 9 of the 12 items of a rater; a repeat comes 5 items after the first answer, so "
            "expected at least 14 items",
        ),
        ("samples = []\n", "samples: "),
        ("samples = true\n", "samples: "),
        ('samples = "3"\n', "samples: "),
        ('samples = ["a", "b", "a"]\n', "'a' is there more than once"),
        ('subsets = ["inter", "inter"]\n', "subsets: 'inter' is there more than once"),
        ("raters_per_item = true\n", "raters_per_item: "),
        ('claim_minutes = "20"\n', "claim_minutes: "),
        ("claim_minutes = true\n", "claim_minutes: "),
        ("seed = true\n", "seed: "),
        ('tutorial = "no"\n', "tutorial: "),
        ("tutorial = 0\n", "tutorial: "),
        ('headphone_check = "yes"\n', "headphone_check: "),
        ("headphone_check = 1\n", "headphone_check: "),
        ('completion_url = "https://"\n', "completion_url: expected the name of a host after https://"),
        ('completion_url = "https://["\n', "completion_url: "),
        ('completion_url = "https://x.org/a b"\n', "completion_url: expected an address"),
        (
            '[criteria.AQ]\nname = "n"\nquestion = "q"\nwords = ["1", "2", "3", "4", "4"]\n',
            "criteria.AQ.words: '4' is there more than once",
        ),
        (criterion("q") + criterion("Q"), "criteria: q and Q differ in capitals alone"),
        (criterion("model"), "criteria.model: a column that the export or the analysis has already"),
        ('completion_url = "http://x"\n', "expected an address that begins with https://"),
        ('[criteria.AQ]\nname = "n"\nquestion = "q"\nwords = ["1", "2", "3", "4"]\n', "criteria.AQ.words"),
        ('[criteria."1x"]\nname = "n"\nquestion = "q"\nwords = ["1", "2", "3", "4", "5"]\n', "got '1x'"),
        ('[[questionnaire]]\nid = "a"\nquestion = "q"\nkind = "choice"\n', "questionnaire.0"),
        ('[[questionnaire]]\nid = "a"\nquestion = "q"\n[[questionnaire]]\nid = "a"\nquestion = "q"\n', "same id"),
        ('samples = ["a", 3]\n', "samples"),
        ("seed = 1.5\n", "seed"),
    ],
)
def test_what_does_not_fit_is_refused(settings, text, told):
    assert told in " ".join(problems(settings, text))


def test_contradictions_are_named_all_at_once_each_by_its_key(settings):
    told = problems(settings, "minutes_per_rater = 9\nrepeats = 9\n" + criterion("model"))
    assert [line.partition(":")[0] for line in told] == [
        "items_per_rater, minutes_per_rater", "repeats", "criteria.model",
    ]  # fmt: skip


def test_contradictions_are_named_beside_keys_that_are_wrong_by_themselves(settings):
    told = problems(settings, "minutes_per_rater = 9\nrepeats = 9\nsample = 2\n" + criterion("model"))
    assert [line.partition(":")[0] for line in told] == [
        "sample", "items_per_rater, minutes_per_rater", "repeats", "criteria.model",
    ]  # fmt: skip
    told = problems(settings, "repeats = 9\n", LEAST.replace('"trial"', "3"))
    assert [line.partition(":")[0] for line in told] == ["name", "repeats"]


def test_no_contradiction_is_made_up_of_a_key_that_is_wrong_by_itself(settings):
    told = problems(settings, 'minutes_per_rater = "9"\nrepeats = -1\n', LEAST.replace("12", "3"))
    assert [line.partition(":")[0] for line in told] == ["minutes_per_rater", "repeats"]
    assert [line.partition(":")[0] for line in problems(settings, "", LEAST.replace("12", "true"))] == [
        "items_per_rater"
    ]


def test_a_name_that_no_folder_can_have_is_refused(settings):
    (told,) = problems(settings, "", LEAST.replace('"trial"', f'"{"é" * 150}"'))
    assert told.startswith("name: expected at most 200 bytes")


def test_whole_numbers_do_for_minutes(settings):
    assert settings("claim_minutes = 30\n")[0].claim_minutes == 30


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "study.toml").write_text(LEAST, encoding="utf-8-sig")
    assert read_settings(tmp_path / "study.toml").name == "trial"


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", b"name = 1\nname = 2"])
def test_a_file_that_is_no_toml_is_refused(tmp_path, content):
    (tmp_path / "study.toml").write_bytes(content)
    with pytest.raises(UnusableSettings) as refused:
        read_settings(tmp_path / "study.toml")
    assert "not a file of TOML" in refused.value.problems[0].reason


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnusableSettings, match=r"absent\.toml"):
        read_settings(tmp_path / "absent.toml")


def worded(settings, text):
    return wordings(*settings(text))


def test_a_study_words_any_sentence_otherwise(settings):
    texts, criteria = worded(settings, '[texts.consent]\ntitle = "Hello"\n')
    assert texts["consent"]["title"] == "Hello"
    assert texts["consent"]["begin"] == default_texts()["consent"]["begin"]
    assert list(criteria) == ["AQ", "TA", "VA"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[texts.consnet]\ntitle = "x"\n', "texts.consnet: no such page"),
        ('[texts.consent]\ntilte = "x"\n', "texts.consent.tilte: no such key"),
        ('[texts.consent]\ntime = "{minuets} min"\n', "{minuets} is not filled in there; expected {minutes}"),
    ],
)
def test_a_sentence_that_no_page_has_is_refused(settings, text, told):
    with pytest.raises(UnusableSettings) as refused:
        worded(settings, text)
    assert told in refused.value.problems[0].reason


def test_a_language_of_its_own_needs_every_sentence_and_its_criteria(settings):
    with pytest.raises(UnusableSettings) as refused:
        worded(settings, 'language = "de"\n[texts.consent]\ntitle = "Hallo"\n')
    missing, *pages, criteria = [problem.reason for problem in refused.value.problems]
    count = sum(map(len, default_texts().values())) - 1
    assert f"texts: sentences are missing in 'de', the {count} that follow; " in missing
    told = {page.partition(": ")[0]: page.partition(": ")[2].split(", ") for page in pages}
    assert told == {f"texts.{page}": [key for key in sentences if (page, key) != ("consent", "title")]
                    for page, sentences in default_texts().items()}  # fmt: skip
    assert criteria.startswith("criteria: ")


def test_another_language_is_whole_when_every_sentence_is_given(settings):
    lines = ['language = "xx"\n[criteria.Q]\nname = "n"\nquestion = "q"\nwords = ["1", "2", "3", "4", "5"]\n']
    for page, sentences in default_texts().items():
        lines.append(f"[texts.{page}]\n" + "".join(f'{key} = "{key}"\n' for key in sentences))
    texts, criteria = worded(settings, "".join(lines))
    assert texts["rate"]["next"] == "next"
    assert list(criteria) == ["Q"]


def test_only_words_in_braces_are_filled_in():
    assert filled("{number} of {of}, {other} {number.x}", number=3, of=4) == "3 of 4, {other} {number.x}"


@pytest.mark.parametrize("name", [*RESERVED, RESERVED[0].upper()])
def test_a_criterion_whose_name_the_analysis_takes_is_refused_before_anybody_is_asked(settings, name):
    (told,) = problems(settings, criterion(name))
    assert told.startswith(f"criteria.{name}: a column that the export or the analysis has already")
