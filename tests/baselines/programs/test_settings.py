"""models.toml: read, merged with options, and refused with file and key."""

from pathlib import Path

import pytest

from baselines.programs.settings import finite_number, read_settings, whole_number


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "models.toml"
    path.write_text(text)
    return path


def test_settings_of_the_file_stand_under_those_given_and_paths_count_from_the_file(tmp_path):
    path = toml(
        tmp_path, '[rewas]\ncheckout = "here"\npython = "env/bin/python"\ntime_limit_seconds = 5\nenv = {A = 1}'
    )
    settings = read_settings("rewas", models_toml=path, time_limit_seconds=9, device=None)
    assert settings.checkout == tmp_path / "here"
    assert settings.python == str(tmp_path / "env" / "bin" / "python")
    assert (settings.time_limit_seconds, settings.env, settings.device) == (9.0, {"A": "1"}, None)
    assert read_settings("vintage", models_toml=path, default_time_limit_seconds=3).time_limit_seconds == 3


def test_a_table_that_is_nearly_called_so_is_mentioned(tmp_path):
    path = toml(tmp_path, '[rewass]\ncheckout = "here"')
    assert read_settings("rewas", models_toml=path).table == f"{path}, table [rewas] (it has [rewass] instead)"
    assert read_settings("vintage", models_toml=path).table.endswith("table [vintage] (it has no such table)")
    assert read_settings("rewass", models_toml=path).table == f"{path}, table [rewass]"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[rewas]\nchekout = "x"', r"no setting 'chekout'; did you mean 'checkout'\? there are: checkout, python"),
        ("[rewas]\nseed = 3", r"table \[rewas\]: no setting 'seed'; .* is given as --option"),
        ("[rewas]\ncheckout = 3", "checkout: expected a text, got 3"),
        ("[rewas]\ntime_limit_seconds = -1", "expected seconds above 0, got -1"),
        ("[rewas]\nenv = 3", "env: expected names and texts, got 3"),
        ("rewas = 3", r"rewas is 3, expected a table \[rewas\]"),
        ("[rewas", "not TOML"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_file_and_key(tmp_path, text, reason):
    with pytest.raises(ValueError, match=reason):
        read_settings("rewas", models_toml=toml(tmp_path, text))


def test_a_file_that_was_asked_for_must_be_there(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"absent.toml: no such file; docs/models.toml.example"):
        read_settings("rewas", models_toml=tmp_path / "absent.toml")
    monkeypatch.chdir(tmp_path)
    assert read_settings("rewas").checkout is None


def test_the_documented_settings_are_settings():
    example = Path(__file__).parents[3] / "docs" / "models.toml.example"
    for name in ("rewas", "vintage", "vos-mmaudio", "external"):
        assert read_settings(name, models_toml=example).checkout is not None


@pytest.mark.parametrize("value", [True, 2.0, "3", None])
def test_a_whole_number_is_not_a_truth_a_fraction_or_a_text(value):
    assert whole_number("seed", 3) == 3
    with pytest.raises(ValueError, match="seed: expected a whole number, got "):
        whole_number("seed", value)


@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), "2.5"])
def test_a_number_is_finite_and_not_a_truth_or_a_text(value):
    assert (finite_number("s_vis", 2), finite_number("s_vis", 2.5)) == (2.0, 2.5)
    with pytest.raises(ValueError, match="s_vis: expected a number, got "):
        finite_number("s_vis", value)


def test_an_option_that_is_none_leaves_what_the_file_says(tmp_path):
    path = toml(tmp_path, '[rewas]\ndevice = "cuda:1"')
    assert read_settings("rewas", models_toml=path, device=None).device == "cuda:1"
    assert read_settings("rewas", models_toml=path, device="cpu").device == "cpu"


def test_the_file_of_the_environment_variable_is_read_and_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("VGG_MONOAUDIO_MODELS", str(toml(tmp_path, '[rewas]\ndevice = "cpu"')))
    assert read_settings("rewas").device == "cpu"
    monkeypatch.setenv("VGG_MONOAUDIO_MODELS", str(tmp_path / "absent.toml"))
    with pytest.raises(ValueError, match=r"absent\.toml: no such file"):
        read_settings("rewas")
