"""The registry: listing imports nothing, names are found or explained, options are checked."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

import baselines
from baselines import (
    CONTROLS,
    Generator,
    ModelEntry,
    Request,
    UnknownModel,
    get_model,
    list_models,
    load_model,
    option_names,
    register_model,
)
from baselines import (
    registry as names,
)
from baselines.recipes import RECIPES


class Humming:
    """A model of the smallest form."""

    sample_rate = 16_000

    def __init__(self, *, pitch: float = 100.0, loudness: float) -> None:
        self.pitch, self.loudness = pitch, loudness

    def generate(self, request):
        return np.zeros(round(request.duration * self.sample_rate), np.float32)


@pytest.fixture(autouse=True)
def registry(monkeypatch) -> dict:
    """The registry of this test alone."""
    own = dict(names._ENTRIES)
    monkeypatch.setattr(names, "_ENTRIES", own)
    return own


@pytest.fixture
def offered(monkeypatch):
    """Pretends that installed packages offer models, name to target."""

    def offer(**targets: str) -> None:
        points = [EntryPoint(name, value, names.ENTRY_POINT_GROUP) for name, value in targets.items()]
        monkeypatch.setattr(names, "entry_points", lambda *, group: points)

    return offer


# Requests


def test_a_request_takes_the_name_of_its_video_as_a_string_too():
    assert Request("mine", "my.mp4", "dog barking", "", 8.0, 0).video == Path("my.mp4")


# Listing


def test_the_controls_and_recorded_are_registered_with_their_kinds():
    kinds = {entry.name: entry.kind for entry in list_models()}
    assert {name: kinds[name] for name in CONTROLS} == dict.fromkeys(CONTROLS, "control")
    assert kinds["recorded"] == "recorded"
    assert [entry.name for entry in list_models() if entry.needs_references] == list(CONTROLS)


def test_every_model_says_what_it_is_and_every_target_is_there():
    for entry in list_models():
        module, _, name = str(entry.target).partition(":")
        assert entry.summary or entry.alias_of, entry.name
        source = Path(baselines.__file__).parent.parent / f"{module.replace('.', '/')}.py"
        if module == "baselines.programs.built_in":
            assert (RECIPES / f"{name}.toml").is_file(), entry.name
        else:
            assert f"class {name}" in source.read_text(), entry.name


def test_listing_imports_no_model():
    script = (
        "import sys, baselines; baselines.list_models(); heavy = {'torch', 'av', 'transformers', 'pandas'}; "
        "print(sorted((heavy | {'baselines.controls', 'baselines.recorded.generator'}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True,
                          cwd=Path(baselines.__file__).parents[1])  # fmt: skip
    assert done.stdout.strip() == "[]"


# Names


@pytest.mark.parametrize(("typed", "near"), [("orcale", "oracle"), ("mixtur", "mixture"), ("record", "recorded")])
def test_a_misspelt_name_is_answered_with_near_ones(typed, near):
    with pytest.raises(UnknownModel, match=rf"unknown model '{typed}'; did you mean .*{near}"):
        get_model(typed)


def test_a_strange_name_is_answered_with_all():
    with pytest.raises(
        UnknownModel, match="there are: oracle, mixture, distractor, shuffled, noise, silence, recorded"
    ):
        load_model("zzzzzz")


def test_an_alias_is_the_model_that_it_stands_for(registry):
    register_model("hum", target=f"{__name__}:Humming", options={"pitch": 50.0})
    register_model("drone", alias_of="hum")
    register_model("buzz", alias_of="drone")
    assert get_model("drone") is get_model("buzz") is get_model("hum")
    assert {entry.name: entry.alias_of for entry in list_models()}["buzz"] == "drone"
    assert get_model("selva").name == "selva-s-16k"


def test_an_alias_of_nothing_is_refused(registry):
    with pytest.raises(ValueError, match="model 'drone' is to stand for 'humm', which is not registered"):
        register_model("drone", alias_of="humm")
    assert "drone" not in registry


def test_a_second_owner_of_a_name_is_refused():
    with pytest.raises(ValueError, match=r"model 'oracle' is registered already, by 'baselines\.controls:Oracle'"):
        register_model("oracle", target="elsewhere:Oracle")
    with pytest.raises(ValueError, match="model 'oracle' is registered already"):
        register_model("oracle")(Humming)
    with pytest.raises(ValueError, match="model 'oracle' is registered already"):
        register_model("oracle", alias_of="mixture")


# Loading


def test_a_decorated_class_is_registered_and_stays_itself(registry):
    decorated = register_model("hum", summary="hums", licence="MIT")(Humming)
    assert decorated is Humming
    assert (get_model("hum").summary, get_model("hum").licence) == ("hums", "MIT")
    model = load_model("hum", loudness=0.5)
    assert isinstance(model, Humming)
    assert (model.pitch, model.loudness) == (100.0, 0.5)


def test_options_of_the_name_stand_under_the_users(registry):
    register_model("low", options={"pitch": 50.0, "loudness": 1.0})(Humming)
    assert load_model("low").pitch == 50.0
    assert load_model("low", pitch=70.0).pitch == 70.0
    assert get_model("low").options == {"pitch": 50.0, "loudness": 1.0}


def test_an_option_that_is_not_there_is_refused_with_those_that_are(registry):
    register_model("hum")(Humming)
    with pytest.raises(ValueError, match="model 'hum' has no option 'pich'; it has: pitch, loudness"):
        load_model("hum", pich=3, loudness=1)


def test_an_option_that_is_needed_is_asked_for(registry):
    register_model("hum")(Humming)
    with pytest.raises(ValueError, match="model 'hum' needs the option 'loudness'"):
        load_model("hum", pitch=3)


def test_a_class_that_takes_any_option_checks_them_itself(registry):
    class Foreign(Humming):
        def __init__(self, *args, **options) -> None:
            self.options = options

    register_model("foreign")(Foreign)
    assert load_model("foreign").options == {}
    assert load_model("foreign", anything=1).options == {"anything": 1}


def test_a_class_that_is_not_a_generator_is_refused(registry):
    class Silent:
        sample_rate = 16_000

    register_model("silent")(Silent)
    with pytest.raises(ValueError, match="is not a generator; it has no `generate`"):
        load_model("silent")


def test_option_names_are_those_of_the_class(registry):
    register_model("hum")(Humming)
    assert option_names(get_model("hum")) == ["pitch", "loudness"]
    assert option_names(get_model("recorded")) == ["folder", "pad"]


@pytest.mark.parametrize("name", CONTROLS)
def test_controls_are_generators(name):
    assert isinstance(load_model(name, references={}), Generator)


# Models of other packages


def test_a_model_of_an_installed_package_is_listed_and_loaded(offered):
    offered(foreign="baselines.controls:Silence [extra]")
    assert [entry.name for entry in list_models()][-1] == "foreign"
    assert get_model("foreign").target == "baselines.controls:Silence"
    assert type(load_model("foreign", references={})).__name__ == "Silence"
    assert [entry.name for entry in list_models()].count("foreign") == 1, "listing twice registers once"


def test_a_class_that_an_entry_point_names_says_more_of_itself_when_it_is_imported(offered, tmp_path, monkeypatch):
    (tmp_path / "humming_package.py").write_text(
        "from baselines import register_model\n"
        "@register_model('hum', licence='MIT', options={'pitch': 50})\n"
        "class Hum:\n"
        "    sample_rate = 16_000\n"
        "    def __init__(self, *, pitch): self.pitch = pitch\n"
        "    def generate(self, request): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    offered(hum="humming_package:Hum")
    assert get_model("hum").licence == ""
    assert load_model("hum").pitch == 50
    assert get_model("hum").licence == "MIT"
    assert [entry.name for entry in list_models()].count("hum") == 1
    with pytest.raises(ValueError, match="model 'hum' is registered already"):
        register_model("hum")(Humming)


def test_a_model_of_an_installed_package_is_not_imported_to_be_listed(offered):
    offered(foreign="no_such_module:Model")
    assert get_model("foreign").target == "no_such_module:Model"
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        load_model("foreign")


def test_a_package_that_takes_a_name_that_is_taken_is_named(offered):
    offered(oracle="elsewhere:Oracle")
    with pytest.raises(
        ValueError, match=r"offers a model 'oracle', a name that 'baselines\.controls:Oracle' has already"
    ):
        list_models()


def test_near_names_include_models_of_other_packages(offered):
    offered(thunderous="elsewhere:Thunder")
    with pytest.raises(UnknownModel, match="did you mean thunderous"):
        get_model("thunderus")


# Facts


def test_a_fact_that_there_is_none_of_is_answered_with_near_ones(registry):
    with pytest.raises(ValueError, match=r"model 'hum': there is no fact 'licens'; did you mean licence"):
        register_model("hum", licens="MIT")
    assert "hum" not in registry


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"kind": "weird"}, "kind: expected model, control, recorded, external, got 'weird'"),
        ({"trained_on": "VGGSound"}, r"trained_on: expected several texts, as in \('a', 'b'\), got 'VGGSound'"),
        ({"checkpoints": 3}, r"checkpoints: expected several texts, as in \('a', 'b'\), got 3"),
        ({"options": 3}, "options: expected a dictionary, got 3"),
    ],
)
def test_a_fact_of_another_type_is_refused(registry, facts, message):
    with pytest.raises(ValueError, match=rf"^model 'hum': {message}$"):
        register_model("hum", **facts)(Humming)
    assert "hum" not in registry


@pytest.mark.parametrize("name", ["", " ", Humming])
def test_a_model_is_registered_under_a_name(name):
    with pytest.raises(ValueError, match=r'^register_model: expected a name, as in @register_model\("mymodel"\), got '):
        register_model(name)


def test_facts_may_be_lists(registry):
    register_model("hum", trained_on=["VGGSound"])(Humming)
    assert registry["hum"].trained_on == ("VGGSound",)


def test_facts_are_the_fields_of_the_entry(registry):
    facts = {
        "target": "elsewhere:Hum", "kind": "external", "options": {"pitch": 1}, "checkpoints": ("panns",),
        "licence": "MIT", "trained_on": ("VGGSound",), "source": "https://example.org", "revision": "abc",
        "summary": "hums", "alias_of": "", "code_licence": "BSD", "program": "elsewhere:PROGRAM",
        "unpublished": ("generator",), "rows": ("D9: Hum",), "title": "Hum",
    }  # fmt: skip
    register_model("hum", **facts)
    assert {name: getattr(registry["hum"], name) for name in facts} == facts
    assert set(facts) == set(ModelEntry.__dataclass_fields__) - {"name", "_"}


def test_options_of_a_row_are_its_own_whatever_becomes_of_the_caller_s(registry):
    options = {"pitch": 50.0}
    register_model("hum", target=f"{__name__}:Humming", options=options)
    options["pitch"] = 70.0
    assert registry["hum"].options == {"pitch": 50.0}


def test_a_class_that_is_defined_again_replaces_itself(registry):
    for summary in ("first", "second"):  # as a cell of a notebook that is run twice

        class Cell(Humming):
            pass

        register_model("cell", summary=summary)(Cell)
    assert registry["cell"].summary == "second"
    assert registry["cell"].target is Cell


@pytest.mark.parametrize("name", ["ModelEntry", "register_model", "load_model", "get_model"])
def test_the_registry_s_old_address_leads_to_it_with_a_warning(name):
    from baselines import generator

    with pytest.warns(FutureWarning, match=rf"baselines\.generator\.{name} moved to baselines\.registry"):
        assert getattr(generator, name) is getattr(names, name)
