"""Files of av-benchmark and kadtk: what is written can be read again, and nothing else is let in."""

import numpy as np
import pytest
import torch

from metrics import frechet_audio_distance
from metrics.interop import (
    KadtkScore,
    UnreadableFeatures,
    append_kadtk_score,
    read_av_benchmark,
    read_kadtk_scores,
    stack,
    write_av_benchmark,
)

SHAPES = {
    "panns_embedding": (2048,),
    "panns_logits": (527,),
    "clap_text": (512,),
    "clap_audio": (512,),
    "imagebind_video": (1024,),
    "imagebind_audio": (1024,),
    "synchformer_video": (24, 8, 768),
    "synchformer_audio": (24, 6, 768),
    "vggish_embedding": (8, 128),
    "passt_embedding": (768,),
    "passt_logits": (527,),
}
NAMES = ("dog_left__rain", "bus_right__cello")


def features(*wanted, names=NAMES):
    rng = np.random.default_rng(0)
    return {f: {name: rng.normal(size=SHAPES[f]).astype(np.float32) for name in names} for f in wanted}


def test_what_is_written_is_read_again(tmp_path):
    given = features(*SHAPES)
    files = write_av_benchmark(tmp_path / "cache", given)
    assert {file.name for file in files} == {path.name for path in (tmp_path / "cache").iterdir()}
    for feature, samples in given.items():
        found = read_av_benchmark(tmp_path / "cache", feature)
        assert list(found) == sorted(samples)
        for name in samples:
            np.testing.assert_array_equal(found[name], samples[name])


def test_files_have_the_layout_that_av_benchmark_unrolls(tmp_path):
    given = features("panns_embedding", "panns_logits", "clap_audio")
    given["panns_embedding"] = {name: rows.astype(np.float64) for name, rows in given["panns_embedding"].items()}
    write_av_benchmark(tmp_path, given)
    panns = torch.load(tmp_path / "pann_features.pth", weights_only=True)
    assert set(panns[NAMES[0]]) == {"2048", "logits"}
    assert panns[NAMES[0]]["2048"].dtype == torch.float32
    assert torch.load(tmp_path / "clap_laion_audio.pth", weights_only=True)[NAMES[1]].shape == (512,)


def test_views_of_a_large_array_are_saved_without_it(tmp_path):
    large = np.zeros((5000, 512))
    (file,) = write_av_benchmark(tmp_path, {"clap_text": {"a": large[7]}})
    assert file.stat().st_size < 10_000
    assert read_av_benchmark(tmp_path, "clap_text")["a"].dtype == np.float32


def test_features_of_the_other_tool_serve_as_reference(tmp_path):
    rows = torch.rand(6, 2048)
    entries = {f"clip{i}": {"2048": rows[i], "logits": torch.zeros(527), "extra": torch.zeros(1)} for i in range(6)}
    torch.save(entries, tmp_path / "pann_features.pth")
    names = [f"clip{i}" for i in (3, 0, 5)]
    reference = stack(read_av_benchmark(tmp_path, "panns_embedding"), names)
    np.testing.assert_array_equal(reference, rows[[3, 0, 5]].numpy())
    assert frechet_audio_distance(reference, reference) < 1e-9


def test_samples_without_features_are_named():
    with pytest.raises(ValueError, match=r"no features for 4 of 5 samples: b, c, d, \.\.\."):
        stack({"a": np.zeros(2, np.float32)}, ["a", "b", "c", "d", "e"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "pann_features.pth: no such file"),
        ([1, 2], "expected a dictionary from sample name to features"),
        ({"a": torch.zeros(2048)}, 'sample "a" has no entry "2048"'),
        ({"a": {"2048": torch.zeros(1, 2048)}}, r'sample "a": expected shape \(2048,\), got \(1, 2048\)'),
    ],
)
def test_file_of_another_layout_is_refused(tmp_path, content, message):
    if content is not None:
        torch.save(content, tmp_path / "pann_features.pth")
    with pytest.raises(UnreadableFeatures, match=message):
        read_av_benchmark(tmp_path, "panns_embedding")


class Trap:
    """Unpickling this would run code."""

    def __reduce__(self):
        return (pytest.fail, ("code from a feature file was run",))


@pytest.mark.parametrize("damage", ["code", "cut", "empty"])
def test_file_that_is_damaged_or_holds_code_is_not_opened(tmp_path, damage):
    path = tmp_path / "clap_laion_text.pth"
    torch.save({"a": Trap() if damage == "code" else torch.zeros(512)}, path)
    if damage != "code":
        path.write_bytes(path.read_bytes()[: {"cut": 700, "empty": 0}[damage]])
    with pytest.raises(UnreadableFeatures, match=r"clap_laion_text.pth: cannot be opened as tensors alone"):
        read_av_benchmark(tmp_path, "clap_text")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (features("panns_logits"), "panns_embedding and panns_logits share a file, so write both"),
        ({"clap_text": {"a": np.zeros(3, np.float32)}}, r'clap_text: sample "a": expected shape \(512,\), got \(3,\)'),
        ({"clap_text": {"a": np.full(512, np.nan, np.float32)}}, 'clap_text: sample "a" is not finite'),
        ({"clap": {}}, 'no feature is called "clap"; there are panns_embedding'),
    ],
)
def test_features_that_do_not_fit_are_refused_and_nothing_is_written(tmp_path, given, message):
    with pytest.raises(ValueError, match=message):
        write_av_benchmark(tmp_path / "cache", given)
    assert not (tmp_path / "cache").exists()


def test_names_that_av_benchmark_would_cut_bring_a_warning(tmp_path):
    with pytest.warns(UserWarning, match=r"cuts and thus loses 1 names, such as 'aaaaaaaaaaaaaaaaaaaa'"):
        write_av_benchmark(tmp_path, features("clap_text", names=("a" * 20, "b" * 19)))


def test_kadtk_scores_are_appended_below_one_heading(tmp_path):
    path = tmp_path / "scores" / "kad.csv"
    first = KadtkScore("panns-cnn14-16k", "ref", "gen, second try", 0.6762, 1700000000.25)
    second = KadtkScore("panns-cnn14-16k", "ref", "oracle", -1.5e-7, 1700000001.0)
    append_kadtk_score(path, first)
    append_kadtk_score(path, second)
    assert read_kadtk_scores(path) == [first, second]
    assert path.read_text().splitlines()[0] == "model,baseline,eval,score,time"
    assert path.read_text().splitlines()[2] == "panns-cnn14-16k,ref,oracle,-1.5e-07,1700000001.0"


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "expected the heading model,baseline,eval,score,time"),
     ("model,baseline,eval,score,time\na,b,c,0.1,2\na,b,c,low,2\n", "line 3 does not fit the heading: a,b,c,low,2"),
     ("model,baseline,eval,score,time\na,b\n", "line 2 does not fit the heading: a,b")],
)  # fmt: skip
def test_damaged_score_file_is_refused(tmp_path, text, message):
    (tmp_path / "kad.csv").write_text(text)
    with pytest.raises(UnreadableFeatures, match=message):
        read_kadtk_scores(tmp_path / "kad.csv")


HEADING = "model,baseline,eval,score,time"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{HEADING}\na,b,c,0.5,2\n\n", id="blank line at the end"),
        pytest.param(f"\ufeff{HEADING}\na,b,c,0.5,2\n", id="byte order mark"),
        pytest.param(f"{HEADING}\r\na,b,c,0.5,2", id="no end of line"),
    ],
)
def test_score_files_that_other_programs_saved_again_are_read_and_appended_to(tmp_path, text):
    path = tmp_path / "kad.csv"
    path.write_bytes(text.encode())
    first, second = KadtkScore("a", "b", "c", 0.5, 2.0), KadtkScore("a", "b", "d", 0.25, 3.0)
    assert read_kadtk_scores(path) == [first]
    append_kadtk_score(path, second)
    assert read_kadtk_scores(path) == [first, second]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"kad\.csv: no such file; give the score file \(CSV\) that `kadtk --csv` writes"),
        ("folder", r"kad\.csv: a folder; give the score file"),
        (f"{HEADING}\né,b,c,1,2\n".encode("latin-1"), r"kad\.csv: not a table: 'utf-8' codec"),
    ],
)
def test_what_is_not_a_score_file_is_refused_by_name(tmp_path, content, message):
    path = tmp_path / "kad.csv"
    if content == "folder":
        path.mkdir()
    elif content:
        path.write_bytes(content)
    with pytest.raises(UnreadableFeatures, match=message):
        read_kadtk_scores(path)


def test_the_line_of_a_message_is_that_of_the_file_where_blank_lines_are_skipped(tmp_path):
    (tmp_path / "kad.csv").write_text(f"{HEADING}\n\na,b,c,low,2\n")
    with pytest.raises(UnreadableFeatures, match="line 3 does not fit the heading"):
        read_kadtk_scores(tmp_path / "kad.csv")


def test_nothing_is_appended_to_another_table(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("run,value\na,1\n")
    with pytest.raises(UnreadableFeatures, match=rf"results\.csv: expected the heading {HEADING}"):
        append_kadtk_score(path, KadtkScore("a", "b", "c", 0.5, 2.0))
    assert path.read_text() == "run,value\na,1\n"


def test_an_empty_file_becomes_a_score_file(tmp_path):
    (tmp_path / "kad.csv").touch()
    append_kadtk_score(tmp_path / "kad.csv", KadtkScore("a", "b", "c", 0.5, 2.0))
    assert len(read_kadtk_scores(tmp_path / "kad.csv")) == 1


def test_names_count_in_one_unicode_form_and_two_forms_of_one_are_refused(tmp_path):
    composed, apart = "caf\u00e9", "cafe\u0301"
    write_av_benchmark(tmp_path, features("clap_audio", names=[apart]))
    assert list(read_av_benchmark(tmp_path, "clap_audio")) == [composed]
    write_av_benchmark(tmp_path, features("clap_audio", names=[apart, composed]))
    with pytest.raises(
        UnreadableFeatures, match=f'clap_laion_audio.pth: two samples "{composed}", in the Unicode forms'
    ):
        read_av_benchmark(tmp_path, "clap_audio")
