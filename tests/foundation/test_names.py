"""Mistyped names, objects by address, packages whose names are imported on first use."""

import sys
import types

import pytest

from foundation.names import check_known, joined, lazy_exports, load, natural, nearest, options_of


def test_the_nearest_names_come_best_first_and_none_where_none_is_near():
    assert nearest("orcle", ["noise", "oracle", "silence"]) == ["oracle"]
    assert nearest("kd", ["kl", "kad", "fad"], most=1) == ["kad"]
    assert nearest("xyz", ["oracle"]) == []


def test_numbers_in_names_count_as_numbers():
    names = ["10", "7", "b2", "0", "b10", "", "3", "b", "a (n=10, m=2)", "a (n=9, m=2)"]
    assert sorted(names, key=natural) == ["", "0", "3", "7", "10", "a (n=9, m=2)", "a (n=10, m=2)", "b", "b2", "b10"]


def test_words_are_joined_as_a_sentence_lists_them():
    assert joined(["a"]) == "a"
    assert joined(("a", "b")) == "a or b"
    assert joined(iter("abc")) == "a, b or c"
    assert joined("abc", "and") == "a, b and c"
    assert joined([]) == ""


def test_an_object_is_found_by_module_and_name():
    assert load("foundation.names:load") is load
    assert load("pathlib:Path.home").__name__ == "home"


def test_an_option_that_is_not_known_is_refused_with_near_ones():
    check_known({"device": "cpu"}, ["device", "weights_dir"])
    with pytest.raises(TypeError, match="there is no option 'devise'; did you mean device"):
        check_known({"device": 1, "devise": 2}, ["device", "weights_dir"])
    with pytest.raises(TypeError, match=r"there is no option 'x'; there are device and weights_dir$"):
        check_known(["x"], ["device", "weights_dir"])


def test_options_are_what_is_taken_by_name_only_and_what_is_handed_on():
    def scored(run, seed=1, *, cache, workers=0, **weights):
        pass

    assert options_of(scored, {"device": str}) == ["cache", "workers", "device"]


@pytest.mark.parametrize("target", ["foundation.names", "foundation.names:", ":load", ""])
def test_an_address_of_another_form_is_refused(target):
    with pytest.raises(ValueError, match=r"expected package\.module:object"):
        load(target)


def test_what_is_not_there_is_said_by_python_itself():
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        load("nowhere:thing")
    with pytest.raises(AttributeError, match="nothing"):
        load("foundation.names:nothing")


@pytest.fixture
def package(monkeypatch):
    """A package with one name behind a module and one that is a module itself."""
    made = types.ModuleType("lazy_package")
    monkeypatch.setitem(sys.modules, "lazy_package", made)
    homes = {"Fraction": "fractions", "decimals": "decimal:"}
    made.__getattr__, made.__dir__ = lazy_exports("lazy_package", homes)
    return made


def test_names_are_imported_on_first_use(package):
    import decimal
    import fractions

    assert package.Fraction is fractions.Fraction
    assert package.decimals is decimal
    assert {"Fraction", "decimals", "__name__"} <= set(dir(package))


def test_a_name_that_a_package_lacks_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="module 'lazy_package' has no attribute 'Decimal'"):
        _ = package.Decimal
