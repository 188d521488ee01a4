"""Usual causes of a difference, each found where it is and not where it is not."""

from types import SimpleNamespace

import pytest
from support import world
from support.printed import write_printed

from benchmark.reproducing import causes, judge, plan_of
from benchmark.reproducing.judging import Made, made_rows
from foundation.checkpoints import CHECKPOINTS

CLAP, PANNS = CHECKPOINTS["clap"].sha256, "a" * 64


def scoring(backbones, profile="paper", unverified=False, **more):
    return SimpleNamespace(backbones=backbones, profile=profile, unverified_weights=unverified, **more)


@pytest.mark.parametrize(
    ("backbones", "found", "detail"),
    [
        ({"clap": f"v2-{CLAP}"}, "no difference", "clap: the published file"),
        ({"clap": f"v2-{'b' * 64}"}, "differs", f"clap: SHA-256 bbbbbbbbbbbb…, published is {CLAP[:12]}…"),
        ({"signal": "v1"}, "not checked", "profile paper has no network clap here"),
    ],
)
def test_another_clap_is_known_by_its_hash(backbones, found, detail):
    finding = causes.clap_file(scoring(backbones))
    assert (finding.found, finding.detail) == (found, detail)


def test_a_network_that_is_published_with_an_md5_alone_was_held_against_that_when_it_was_opened():
    (fine,) = causes.other_networks(scoring({"panns": f"v1-{PANNS}", "clap": "v2-x", "signal": "v1"}))
    assert (fine.cause, fine.found) == ("other file of panns", "no difference")
    (unknown,) = causes.other_networks(scoring({"panns": f"v1-{PANNS}"}, unverified=True))
    assert (unknown.found, "--allow-unverified" in unknown.detail) == ("not checked", True)


def made(tmp_path, printed="1.0", metric="kl", row="row", **settings):
    """A row of one run of the made-up world."""
    run = world.write_run(tmp_path / "runs", "tiny-foley", "inter", world.Settings(**settings))
    plan = plan_of("T", write_printed(tmp_path / "t.csv", [(row, "inter", "tiny-foley", {metric: printed})]))
    return plan, made_rows(plan, {("tiny-foley", "inter"): run})


def changed(rows, **model):
    """The same rows, with another record of the model."""
    return [
        Made(o.row, o.run, o.record.model_copy(update={"model": o.record.model.model_copy(update=model)})) for o in rows
    ]


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ({}, "not checked"),
        ({"clap": CLAP}, "no difference"),
        ({"clap": "b" * 64}, "differs"),
        ({"clap": CLAP, "mine": "c" * 64}, "not checked"),
    ],
)
def test_the_weights_of_models_are_held_against_the_published_ones(tmp_path, weights, found):
    _, rows = made(tmp_path)
    assert causes.models_files(changed(rows, weights_sha256=weights)).found == found


@pytest.mark.parametrize(("untrained", "found"), [(True, "differs"), (False, "no difference")])
def test_random_weights_are_named(tmp_path, untrained, found):
    _, rows = made(tmp_path, untrained=untrained)
    finding = causes.random_weights(rows)
    assert (finding.found, "row" in finding.detail) == (found, True)


@pytest.mark.parametrize(
    ("times", "found"), [(1, "no difference"), (100, "differs"), (0.01, "differs"), (10, "no difference")]
)
def test_a_printed_ib_in_another_unit_is_recognized(tmp_path, times, found):
    value = made(tmp_path, metric="imagebind", without=())[1][0].record.metrics["imagebind"].value
    plan, rows = made(tmp_path, f"{1.1 * times * value:.4f}", "imagebind", without=())
    assert causes.unit_of_imagebind(judge(plan, rows)).found == found


def test_the_unit_of_ib_is_not_checked_where_ib_is_not_printed_or_not_measured(tmp_path):
    plan, rows = made(tmp_path)
    assert causes.unit_of_imagebind(judge(plan, rows)).detail == "IB is not printed here"
    plan, rows = made(tmp_path, "0.3", "imagebind")
    assert causes.unit_of_imagebind(judge(plan, rows)).detail == "no row has a value of IB"


def test_a_list_that_is_short_names_what_is_not_scored(tmp_path):
    _, rows = made(tmp_path, failed=(1,))
    (finding,) = causes.list_of_clips(rows)
    assert finding.found == "differs"
    assert rows[0].record.failures[0].sample in finding.detail


def test_a_list_of_another_size_than_the_printed_one_differs_and_a_whole_one_is_left_open(tmp_path):
    _, rows = made(tmp_path)
    assert causes.list_of_clips(rows)[0].found == "left open"
    paper = [Made(plan_of("D3").rows[0], one.run, one.record) for one in rows]
    (finding,) = causes.list_of_clips(paper)
    assert finding.found == "differs"
    assert f"{rows[0].record.counts.expected} samples here, 560 in print" in finding.detail


@pytest.mark.parametrize(("seconds", "found"), [(8.0, "no difference"), (5.0, "differs")])
def test_clips_of_another_length_differ(seconds, found):
    assert causes.clip_length({"inter": 8.0, "intra": seconds}).found == found


@pytest.mark.parametrize(("chosen", "other"), [("target", "composed"), ("composed", "target")])
def test_the_reference_video_is_left_open_and_the_other_way_named(chosen, other):
    finding = causes.reference_video(scoring({}, reference_video=chosen))
    assert (finding.found, finding.detail) == ("left open", f"{chosen}; the other way: --reference-video {other}")


@pytest.mark.parametrize(
    ("row", "recorded", "files", "found"),
    [
        ("SELVA-S-16k, inter", 16_000, [16_000], "no difference"),
        ("SELVA-S-44k, inter", 44_100, [44_100], "no difference"),
        ("MMAudio-S-16kHz, inter", 44_100, [44_100], "differs"),
        ("ours, inter", 16_000, [16_000, 48_000], "differs"),
        ("ours, inter", None, [16_000, 48_000], "no difference"),
        ("Ours-44.1kHz, inter", 44_100, [44_100], "no difference"),
        ("Base 100k steps, inter", 16_000, [16_000], "no difference"),
    ],
)
def test_answers_at_another_rate_than_the_record_or_the_rows_name_says_differ(row, recorded, files, found):
    assert causes.sample_rate({row: (recorded, files)}).found == found


def test_long_lists_are_cut():
    assert causes.some(list("abcde")) == "a, b, c and 2 more"
