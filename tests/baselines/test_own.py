"""A class by its address, from Python: executed once, again when its file has changed, itself ever after."""

import sys

import pytest

from baselines import UnknownModel, get_model, load_model, own, register_model, registry
from baselines.registry import OwnModel
from foundation.files import file_sha256

TEXT = "class Hum:\n    sample_rate = {rate}\n    def generate(self, request): ...\n"


pytestmark = pytest.mark.usefixtures("process")


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


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


def test_a_class_that_several_rows_share_is_asked_for_by_their_names():
    message = "^baselines.mmaudio.model:MMAudio: the class of 6 registered models; name one of them: mmaudio-s-16k, mm"
    with pytest.raises(ValueError, match=message):
        get_model("baselines.mmaudio.model:MMAudio")


def test_a_sample_rate_that_cannot_be_read_is_one_line_with_its_place(file):
    file.write_text(
        "class Hum:\n    def generate(self, request): ...\n"
        "    @property\n    def sample_rate(self):\n        return {}['rate']\n"
    )
    with pytest.raises(ValueError, match=rf"^{file}:5: KeyError: 'rate'$"):
        load_model("humming.py:Hum")


def test_a_file_whose_name_another_module_has_does_not_replace_it(tmp_path):
    import json

    (tmp_path / "json.py").write_text(TEXT.format(rate=8_000))
    assert load_model("json.py:Hum").sample_rate == 8_000
    assert sys.modules["json"] is json


def test_a_module_next_to_a_file_that_has_the_name_of_an_installed_one_is_refused(tmp_path, monkeypatch):
    import colorsys

    for loaded in (True, False):
        if not loaded:
            monkeypatch.delitem(sys.modules, "colorsys")
        write(tmp_path / "deep" / "colorsys.py", "raise RuntimeError('not this one')")
        mine = write(tmp_path / "deep" / "mine.py", f"import colorsys\n{TEXT.format(rate=5)}")
        with pytest.raises(ValueError, match=rf"^{mine}: imports colorsys from {colorsys.__file__}, not the one next"):
            load_model("deep/mine.py:Hum")


def test_a_file_may_have_the_name_of_the_installed_package_that_it_wraps(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    rate = "colorsys.hsv_to_rgb(0, 0, 5)[0]"
    write(tmp_path / "deep" / "colorsys.py", f"import colorsys\n{TEXT.format(rate=rate)}")
    assert load_model("deep/colorsys.py:Hum").sample_rate == 5


def test_what_lies_next_to_a_file_comes_before_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend("")  # as `python -m` has it
    write(tmp_path / "rates.py", "import deeper\nRATE = 1")
    write(tmp_path / "deeper.py", "RATE = 1")
    write(tmp_path / "far" / "rates.py", "from deeper import RATE")
    write(tmp_path / "far" / "deeper.py", "RATE = 7")
    write(tmp_path / "far" / "mine.py", f"from rates import RATE\n{TEXT.format(rate='RATE')}")
    assert load_model("far/mine.py:Hum").sample_rate == 7


def test_what_a_method_imports_later_comes_from_next_to_its_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend("")
    write(tmp_path / "rates.py", "RATE = 1")
    write(tmp_path / "far" / "rates" / "__init__.py", "from rates.inner import RATE")
    write(tmp_path / "far" / "rates" / "inner.py", "RATE = 7")
    later = TEXT.format(rate=5).replace("...", "from rates import RATE; return RATE")
    write(tmp_path / "far" / "mine.py", later)
    assert load_model("far/mine.py:Hum").generate(None) == 7


@pytest.mark.parametrize("when", ["at once", "later"])
def test_two_files_with_different_modules_of_one_name_are_not_run_in_one_process(tmp_path, when):
    for folder, rate in (("one", 1), ("two", 2)):
        write(tmp_path / folder / "rates.py", f"RATE = {rate}")
        text = f"from rates import RATE\n{TEXT.format(rate='RATE')}"
        if when == "later":
            text = TEXT.format(rate=5).replace("...", "from rates import RATE")
        write(tmp_path / folder / "net.py", text)
    get_model("one/net.py:Hum")
    theirs = f"{tmp_path}/two/net.py: imports rates from {tmp_path}/one/rates.py, not the one next to it; rename it"
    with pytest.raises(ValueError, match=f"^{theirs}, or run each model alone$"):
        get_model("two/net.py:Hum")


def test_a_file_that_fails_does_not_keep_the_name_of_its_neighbour(tmp_path):
    for folder, first in (("one", "raise RuntimeError\n"), ("two", "")):
        write(tmp_path / folder / "rates.py", "RATE = 2")
        write(tmp_path / folder / "net.py", f"{first}from rates import RATE\n{TEXT.format(rate='RATE')}")
    with pytest.raises(ValueError, match="RuntimeError"):
        get_model("one/net.py:Hum")
    assert load_model("two/net.py:Hum").sample_rate == 2


def test_a_neighbour_does_not_take_the_place_of_a_package_of_the_suite(tmp_path, monkeypatch):
    import metrics

    monkeypatch.delitem(sys.modules, "metrics")
    monkeypatch.chdir(metrics.__path__[0] + "/..")
    write(tmp_path / "metrics.py")
    mine = write(tmp_path / "mine.py", f"import metrics\n{TEXT.format(rate=5)}")
    with pytest.raises(ValueError, match=rf"^{mine}: imports metrics from {metrics.__file__}, not the one next to it"):
        get_model(f"{mine}:Hum")


def test_a_module_whose_file_has_changed_since_it_was_imported_is_refused_until_it_is_reloaded(file):
    import importlib

    assert get_model("humming:Hum").source_sha256 == file_sha256(file)
    file.write_text(TEXT.format(rate=16_000))
    message = rf"^{file}: has changed since it was imported; restart Python, or name the file: humming\.py:Hum$"
    with pytest.raises(ValueError, match=message):
        load_model("humming:Hum")
    importlib.invalidate_caches()
    importlib.reload(sys.modules["humming"])
    assert load_model("humming:Hum").sample_rate == 16_000
    assert get_model("humming:Hum").source_sha256 == file_sha256(file)


def test_a_class_that_is_in_no_file_is_asked_for_by_a_registered_name(monkeypatch):
    module = type(sys)("typed_in")
    exec(TEXT.format(rate=5), vars(module))
    monkeypatch.setitem(sys.modules, "typed_in", module)
    for place in (None, "<stdin>"):
        monkeypatch.setattr(module, "__file__", place, raising=False)
        with pytest.raises(ValueError, match=r"^typed_in:Hum: the class is not in a file; name it with @register_mode"):
            get_model("typed_in:Hum")


def test_a_folder_that_is_named_like_a_file_is_called_a_folder(tmp_path):
    (tmp_path / "net.py").mkdir()
    with pytest.raises(UnknownModel, match=r"^net\.py: is a folder, expected a Python file; for a package: package\."):
        get_model("net.py:Hum")


def test_a_relative_import_in_a_file_is_answered_with_the_way_out(file):
    file.write_text(f"from .rates import RATE\n{TEXT.format(rate=8_000)}")
    with pytest.raises(ValueError, match="parent package; import it without the dot, or name the model as package"):
        get_model("humming.py:Hum")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("    from abc import abstractmethod\n    @abstractmethod\n    def network(self): ...", "abstract class"),
        ("    def __init__(self, size, /): ...", "missing 1 required positional argument: 'size'"),
    ],
)
def test_a_class_that_cannot_be_built_names_the_user_s_file(file, lines, message):
    text = TEXT.format(rate=8_000).replace("class Hum", "import abc\nclass Hum(abc.ABC)")
    file.write_text(f"{text}{lines}\n")
    with pytest.raises(ValueError, match=rf"^{file}: TypeError: .*{message}"):
        load_model("humming.py:Hum")


def test_a_constructor_that_leaves_the_program_is_an_error_of_its_file(file):
    file.write_text(TEXT.format(rate=8_000) + "    def __init__(self): raise SystemExit(0)\n")
    with pytest.raises(ValueError, match=r"humming\.py:4: SystemExit: 0"):
        load_model("humming.py:Hum")


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
