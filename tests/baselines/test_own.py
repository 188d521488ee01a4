"""A class by its address, from Python: executed once, again when its file has changed, itself ever after."""

import sys

import pytest

from baselines import UnknownModel, get_model, load_model, own, register_model, registry
from baselines.registry import OwnModel
from foundation.files import file_sha256

TEXT = "class Hum:\n    sample_rate = {rate}\n    def generate(self, request): ...\n"


@pytest.fixture(autouse=True)
def process(monkeypatch, tmp_path):
    """Leave this process as it was: registry, search path and modules."""
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    monkeypatch.setattr(own, "_EXECUTED", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "humming.py"
    path.write_text(TEXT.format(rate=8_000))
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [("oracle", False), ("selva-s-16k", False), ("x.py", True), ("x:Y", True), ("C:\\x.py:Y", True)],
)
def test_a_name_is_told_from_an_address(text, expected):
    assert own.is_address(text) is expected


def test_the_class_stays_itself_while_its_file_stays_as_it_is(file):
    assert type(load_model("humming.py:Hum")) is type(load_model(f"{file}:Hum")) is get_model("humming.py:Hum").target


def test_a_file_that_has_changed_is_executed_again(file):
    assert load_model("humming.py:Hum").sample_rate == 8_000
    file.write_text(TEXT.format(rate=16_000))
    assert load_model("humming.py:Hum").sample_rate == 16_000
    assert get_model("humming.py:Hum").source_sha256 == file_sha256(file)


def test_a_decorated_class_may_be_executed_again_and_has_one_row(file):
    for licence in ("MIT", "BSD"):
        file.write_text(
            f"from baselines import register_model\n@register_model('hum', licence='{licence}')\n"
            + TEXT.format(rate=8_000)
        )
        entry = get_model("humming.py:Hum")
        assert isinstance(entry, OwnModel)
        assert (entry.name, entry.licence, entry.file) == ("hum", licence, file)
    assert list(registry._ENTRIES).count("hum") == 1
    assert get_model("hum").licence == "BSD"


def test_a_class_without_a_row_has_its_own_name_and_the_first_line_of_its_docstring(file):
    file.write_text("class Hum:\n    '''Hums.\n\n    For long.'''\n    def generate(self, request): ...\n")
    entry = get_model("humming.py:Hum")
    assert (entry.name, entry.kind, entry.summary, entry.options) == ("Hum", "model", "Hums.", {})
    assert "Hum" not in registry._ENTRIES, "asking for a class registers nothing"


def test_the_hash_of_a_module_is_that_of_the_file_that_defines_the_class(tmp_path):
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "__init__.py").write_text("from kit.inner import Hum\n")
    inner = tmp_path / "kit" / "inner.py"
    inner.write_text(TEXT.format(rate=8_000))
    entry = get_model("kit:Hum")
    assert (entry.file, entry.source_sha256) == (inner, file_sha256(inner))


def test_facts_of_a_row_hold_for_the_class_that_it_names():
    entry = get_model("baselines.controls:Silence")
    assert (entry.name, entry.kind, entry.needs_references) == ("silence", "control", True)


def test_a_file_whose_name_another_module_has_does_not_replace_it(tmp_path):
    import json

    (tmp_path / "json.py").write_text(TEXT.format(rate=8_000))
    assert load_model("json.py:Hum").sample_rate == 8_000
    assert sys.modules["json"] is json


def test_a_folder_does_not_hide_what_is_installed(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "colorsys.py").write_text("raise RuntimeError('not this one')")
    (tmp_path / "deep" / "mine.py").write_text(
        "import colorsys\n" + TEXT.format(rate="colorsys.hsv_to_rgb(0, 0, 5)[0]")
    )
    assert load_model("deep/mine.py:Hum").sample_rate == 5


def test_dataclasses_and_pickles_find_the_module(file):
    file.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Hum:\n    sample_rate: int = 5\n    def generate(self, request): ...\n"
    )
    assert load_model("humming.py:Hum", sample_rate=7).sample_rate == 7


def test_a_file_that_fails_leaves_no_module_behind(file):
    file.write_text("import absent_one")
    with pytest.raises(ValueError, match=r"humming\.py:1: ModuleNotFoundError: No module named 'absent_one'"):
        get_model("humming.py:Hum")
    assert "humming" not in sys.modules
    file.write_text(TEXT.format(rate=8_000))
    assert load_model("humming.py:Hum").sample_rate == 8_000


def test_an_error_further_in_is_shown_where_the_own_file_led_there(file):
    file.write_text("import json\n\n\nclass Hum:\n    generate = json.loads('{')\n")
    with pytest.raises(ValueError, match=r"humming\.py:5: JSONDecodeError: "):
        get_model("humming.py:Hum")


def test_a_constructor_s_value_error_and_our_own_errors_keep_their_words(file):
    from foundation.checkpoints import MissingCheckpoint

    file.write_text(
        TEXT.format(rate=8_000) + "    def __init__(self, *, kind):\n"
        "        from foundation.checkpoints import MissingCheckpoint\n"
        "        raise {'value': ValueError, 'ours': MissingCheckpoint, 'other': KeyError}[kind]('no weights')\n"
    )
    for kind, error in (("value", ValueError), ("ours", MissingCheckpoint)):
        with pytest.raises(error, match=r"^no weights$"):
            load_model("humming.py:Hum", kind=kind)
    with pytest.raises(ValueError, match=r"humming\.py:6: KeyError: 'no weights'"):
        load_model("humming.py:Hum", kind="other")


def test_a_protocol_is_not_offered_where_a_class_is_misspelt(file):
    file.write_text(f"from baselines import Generator\n{TEXT.format(rate=8_000)}")
    with pytest.raises(UnknownModel, match=r"no class 'Generater'; did you mean Hum\?"):
        get_model("humming.py:Generater")


def test_another_class_under_a_registered_name_is_refused(file):
    register_model("Hum", target="elsewhere:Hum")
    with pytest.raises(ValueError, match="'Hum' is the name of a registered model"):
        get_model("humming.py:Hum")
