"""Recipes: every constant is written out, what is ours is marked, and a slip is named with its key."""

import re
import subprocess
import sys
import tomllib

import pytest

from baselines.mmaudio.transformer import VARIANTS
from baselines.selva.training.recipe import (
    DEFAULT,
    FREE,
    OPEN,
    PUBLISHED_VARIANTS,
    RECIPES,
    Recipe,
    flat,
    read_recipe,
    recipe_names,
)

ROWS = {
    "sup-0": {"encoder.sup_tokens"},
    "sup-1": {"encoder.sup_tokens"},
    "sup-3": {"encoder.sup_tokens"},
    "sup-5": set(),
    "sup-7": {"encoder.sup_tokens"},
    "s-44k": {"generator.variant"},
    "m-44k": {"generator.variant"},
    "l-44k": {"generator.variant"},
    "smoke": {
        "encoder.steps", "encoder.warmup", "generator.steps", "generator.warmup",
        "validate_every", "validation_clips", "averages.every",
    },
}  # fmt: skip


def lines(name: str) -> dict[str, str]:
    """Return the lines of a recipe's file by dotted key."""
    found, table = {}, ""
    for line in (RECIPES / f"{name}.toml").read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"\[(.+)\]", line):
            table = match[1] + "."
        elif match := re.match(r"(\w+) = ", line):
            found[table + match[1]] = line
    return found


def own(tmp_path, text: str = "", **replaced: str):
    """Return a file with the default recipe, with some text replaced."""
    content = (RECIPES / f"{DEFAULT}.toml").read_text(encoding="utf-8")
    for old, new in replaced.items():
        assert f"\n{old} = " in content
        content = re.sub(rf"(?m)^{old} = .*$", new, content, count=1)
    path = tmp_path / "own.toml"
    path.write_text(content + text, encoding="utf-8")
    return str(path)


def test_there_is_a_recipe_for_each_published_row_and_one_to_try_a_machine():
    assert recipe_names() == sorted(ROWS)
    assert [read_recipe(f"sup-{count}").encoder.sup_tokens for count in (0, 1, 3, 5, 7)] == [0, 1, 3, 5, 7]
    larger = [read_recipe(f"{size}-44k").generator.variant for size in "sml"]
    assert larger == ["small_44k", "medium_44k", "large_44k"]


def test_the_default_states_what_is_published():
    recipe = read_recipe(DEFAULT)
    encoder, generator = recipe.encoder, recipe.generator
    assert (encoder.steps, encoder.batch, encoder.learning_rate) == (50_000, 4, 1e-4)
    assert (generator.steps, generator.batch, generator.learning_rate) == (25_000, 12, 1e-5)
    for stage in (encoder, generator):
        assert (stage.warmup, stage.betas, stage.weight_decay, stage.clip) == (1000, (0.9, 0.95), 1e-6, 1.0)
        assert (stage.epsilon, stage.mixing.ratio, stage.mixing.share) == (1e-6, 0.5, 1.0)
    assert (generator.video_dropout, generator.text_dropout, recipe.precision) == (0.1, 0.1, "bf16")
    assert (recipe.averages.widths, recipe.averages.every, recipe.averages.export_width) == ((0.05, 0.1), 5000, 0.05)
    assert recipe.seed == 14159265


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_recipe_writes_out_every_key_but_its_name_and_the_other_form_of_lambda(name):
    unwritten = {"name", "encoder.mixing.alpha", "generator.mixing.alpha"}
    assert set(lines(name)) == set(flat(read_recipe(name))) - unwritten


@pytest.mark.parametrize("name", sorted(ROWS))
def test_exactly_the_open_choices_are_marked_as_ours(name):
    assert {key for key, line in lines(name).items() if line.endswith(" # ours")} == set(OPEN)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_recipe_differs_from_the_default_in_what_its_row_is_about_alone(name):
    default, other = flat(read_recipe(DEFAULT)), flat(read_recipe(name))
    assert {key for key in default if key not in FREE and default[key] != other[key]} == ROWS[name]


def test_every_open_choice_is_named_with_its_value():
    choices = read_recipe(DEFAULT).choices()
    assert list(choices) == list(OPEN)
    assert choices["encoder.loss"] == "mean squared error"
    assert choices["generator.mixing.ratio"] == 0.5


def test_a_drawn_lambda_is_stated_as_such(tmp_path):
    recipe = read_recipe(own(tmp_path, ratio="alpha = 1.0"))
    assert (recipe.encoder.mixing.ratio, recipe.encoder.mixing.alpha) == (None, 1.0)
    assert recipe.choices()["encoder.mixing.ratio"] == "one a batch from Beta(1, 1), at least 0.05"
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_other_values_of_what_is_open_are_read_and_named_as_chosen(tmp_path):
    others = {
        "captions": "text of the list", "loss": "mean absolute error", "after_warmup": "falls at 80% and 90%",
        "target": "x1", "normalised": "twice",
    }  # fmt: skip
    recipe = read_recipe(own(tmp_path, **{key: f'{key} = "{value}"' for key, value in others.items()}))
    chosen = recipe.choices()
    named = {"captions", "encoder.loss", "encoder.after_warmup", "generator.target", "encoder.mixing.normalised"}
    assert {key: chosen[key] for key in named} == {key: others[key.rpartition(".")[2]] for key in named}
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_without_a_word_on_lambda_it_is_a_half(tmp_path):
    assert read_recipe(own(tmp_path, ratio="")).encoder.mixing.ratio == 0.5


def test_the_fingerprints_of_published_recipes_stay_so_that_runs_that_were_begun_go_on():
    assert {name: read_recipe(name).fingerprint[:16] for name in recipe_names()} == {
        "l-44k": "265d861a49658308",
        "m-44k": "addec952d651e4f8",
        "s-44k": "0d96144daf8f1f96",
        "smoke": "13fb8027cd876ce3",
        "sup-0": "e5a0ce3ae88a7c4b",
        "sup-1": "08c48325dce20ed1",
        "sup-3": "d8e5c59da33cc69a",
        "sup-5": "44aff6accaae902b",
        "sup-7": "7aab4ba1cd17d960",
    }


def test_the_fingerprint_moves_with_what_the_weights_depend_on_alone(tmp_path):
    fingerprint = read_recipe(DEFAULT).fingerprint
    assert read_recipe(own(tmp_path, checkpoint_every="checkpoint_every = 7")).fingerprint == fingerprint
    assert read_recipe(own(tmp_path, seed="seed = 7")).fingerprint != fingerprint
    assert read_recipe(own(tmp_path, share="share = 0.5")).fingerprint != fingerprint


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"seed": "sede = 7"}, r"own\.toml: there is no key sede; did you mean seed\?"),
        ({"share": "shaer = 0.5"}, r"there is no key encoder\.mixing\.shaer; did you mean encoder\.mixing\.share\?"),
        ({"seed": "sup_tokens = 7"}, r"there is no key sup_tokens; did you mean encoder\.sup_tokens\?"),
        ({"seed": "zzzzz = 7"}, r"there is no key zzzzz$"),
        ({"batch": "batch = 5"}, r"encoder\.batch: expected an even number, because clips are mixed in pairs, got 5"),
        ({"batch": "batch = 0"}, r"encoder\.batch: expected 2 or more, got 0$"),
        ({"batch": 'batch = "4"'}, r"encoder\.batch: expected a whole number, got '4'$"),
        ({"batch": "batch = 4.0"}, r"encoder\.batch: expected a whole number, got 4\.0$"),
        ({"batch": ""}, r"encoder\.batch: is missing$"),
        ({"clip": "clip = true"}, r"encoder\.clip: expected a number, got true$"),
        ({"clip": "clip = nan"}, r"encoder\.clip: expected more than 0, got nan$"),
        ({"clip": "clip = 2026-11-28"}, r"encoder\.clip: expected a number, got '2026-11-28'$"),
        ({"betas": "betas = [0.9, 1.0]"}, r"encoder\.betas\.1: expected less than 1, got 1\.0$"),
        ({"betas": "betas = [0.9]"}, r"encoder\.betas\.1: is missing$"),
        ({"betas": "betas = 0.9"}, r"encoder\.betas: expected a list, got 0\.9$"),
        ({"epsilon": "epsilon = 0.0"}, r"encoder\.epsilon: expected more than 0, got 0\.0$"),
        ({"weight_decay": "weight_decay = -1e-6"}, r"encoder\.weight_decay: expected 0 or more, got -1e-06$"),
        ({"side": 'side = "top"'}, r"encoder\.mixing\.side: expected 'left' or 'random', got 'top'$"),
        ({"target": 'target = "x2"'}, r"generator\.target: expected 'velocity' or 'x1', got 'x2'$"),
        (
            {"warmup": "warmup = 5000", "after_warmup": 'after_warmup = "falls at 80% and 90%"'},
            r"encoder: after_warmup: .* would fall at step 50000 of 50000; expected a warmup below .*, got 5000",
        ),
        ({"ratio": "ratio = 0.5\nalpha = 1.0"}, r"encoder\.mixing: expected ratio, .* or alpha"),
        ({"variant": 'variant = "tiny"'}, r"generator\.variant: expected one of small_16k, .*got 'tiny'"),
        ({"widths": "widths = [0.05]"}, r"averages\.widths: expected 2 or more values, got 1$"),
        ({"widths": "widths = [0.05, 0.05]"}, r"averages: widths: expected different ones, got \[0\.05, 0\.05\]"),
        ({"export_width": "export_width = 0.3"}, r"averages\.export_width: expected less than 0\.28, got 0\.3$"),
    ],
)
def test_a_slip_is_named_with_file_key_and_value(tmp_path, replaced, message):
    with pytest.raises(ValueError, match=rf"^recipe .*{message}"):
        read_recipe(own(tmp_path, **replaced))


def test_a_value_in_place_of_a_table_is_named(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("encoder = 5\n")
    with pytest.raises(ValueError, match=r"own\.toml: encoder: expected a table, \[encoder\], got 5"):
        read_recipe(str(path))


def test_a_table_in_place_of_a_value_is_named(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("[seed]\nvalue = 5\n")
    with pytest.raises(ValueError, match=r"own\.toml: there is no key seed\.value"):
        read_recipe(str(path))


def test_a_recipe_that_is_not_there_or_not_toml_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"one of l-44k, .*got 'sup5'; did you mean sup-5\?"):
        read_recipe("sup5")
    with pytest.raises(ValueError, match=r"no such file: .*nowhere\.toml"):
        read_recipe(str(tmp_path / "nowhere.toml"))
    for content in (b"seed = \n", b"\xff\xfe"):
        (tmp_path / "odd.toml").write_bytes(content)
        with pytest.raises(ValueError, match=r"odd\.toml: not a TOML file"):
            read_recipe(str(tmp_path / "odd.toml"))


def test_the_variants_are_those_of_the_generator():
    assert tuple(VARIANTS) == PUBLISHED_VARIANTS


def test_reading_a_recipe_imports_no_torch():
    code = "import sys; from baselines.selva.training.recipe import read_recipe; read_recipe('sup-5')"
    subprocess.run([sys.executable, "-c", code + "; sys.exit('torch' in sys.modules)"], check=True)


def test_recipes_are_toml_with_a_name_of_their_own_only_where_it_is_theirs():
    for name in recipe_names():
        content = tomllib.loads((RECIPES / f"{name}.toml").read_text(encoding="utf-8"))
        assert "name" not in content
        assert read_recipe(name).name == name
