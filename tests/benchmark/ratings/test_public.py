import json

import pytest

from benchmark.ratings.public import is_public, read_public

AXES = ("Production_Quality", "Production_Complexity", "Content_Enjoyment", "Content_Usefulness")


def line(path, ratings=(4.0, 6.0)):
    return json.dumps({"data_path": path, **{axis: list(ratings) for axis in AXES}})


def written(tmp_path, *lines, name="AES_PAM.jsonl"):
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_line_of_audiobox_aesthetics_becomes_one_rating_per_place_of_its_lists(tmp_path):
    path = written(tmp_path, line("/your_path/PAM/audio/audiogen_m/index_1.wav"), "", line("/x/real/index_1.wav", [0]))
    answers = read_public(path)
    assert (answers.criteria, answers.points, answers.named) == (("PQ", "PC", "CE", "CU"), (0, 10), False)
    assert answers.items[["model", "sample_id", "PQ"]].to_numpy().tolist() == [
        ["audiogen_m", "index_1", 4.0], ["audiogen_m", "index_1", 6.0], ["real", "index_1", 0.0],
    ]  # fmt: skip
    assert is_public(path)


def test_an_anonymous_name_of_audiomos_holds_system_and_sample(tmp_path):
    answers = read_public(written(tmp_path, line("audiomos2025-track2-sys0v1wm-utt0dJodp")))
    assert (answers.models, answers.items["sample_id"].iloc[0]) == (("sys0v1wm",), "utt0dJodp")


def test_means_of_audiomos_are_read_as_one_rating_each(tmp_path):
    head = f"sample_id,data_path,{','.join(AXES)}"
    path = written(tmp_path, head, "one,/your_path/audio/-7Wu_30.flac,4.1,3.5,3.0,4.3", name="dev_list.csv")
    answers = read_public(path)
    assert answers.items[["model", "sample_id", "PQ", "CU"]].to_numpy().tolist() == [["audio", "-7Wu_30", 4.1, 4.3]]
    assert is_public(path)
    path.write_text("subset,sample_id,model,rater,AQ\n")
    assert not is_public(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"AES_PAM\.jsonl, line 2: not JSON: "),
        ("[1]", "line 2: expected an object with data_path"),
        ('{"data_path": "a/b.wav"}', "line 2: none of Production_Quality"),
        ('{"data_path": "a/b.wav", "Production_Quality": 3}', "Production_Quality: expected a list of ratings, got 3"),
        ('{"data_path": "a/b.wav", "Production_Quality": [11]}', "expected a number from 0 to 10, got 11"),
        ('{"data_path": "a/b.wav", "Production_Quality": [true]}', "expected a number from 0 to 10, got True"),
        ('{"data_path": "a/b.wav", "Production_Quality": [NaN]}', "expected a number from 0 to 10, got nan"),
        ('{"data_path": 3, "Production_Quality": [1]}', "data_path: expected the path of a sound, got 3"),
        (
            '{"data_path": "a/b.wav", "Production_Quality": [1], "Content_Enjoyment": [1, 2]}',
            "lists of different length",
        ),
        (line("x/audiogen_m/index_1.wav"), "line 2: audiogen_m/index_1 stands there twice"),
    ],
)
def test_a_line_that_is_no_such_record_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_public(written(tmp_path, line("x/audiogen_m/index_1.wav"), text))


def test_an_empty_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no rating in it"):
        read_public(written(tmp_path, ""))


def test_a_separator_of_lines_within_a_name_ends_no_line(tmp_path):
    name = "in\u2028dex\u0085_1"
    record = line(f"/x/real/{name}.wav").encode().decode("unicode_escape")
    answers = read_public(written(tmp_path, record, line("/x/real/index_2.wav")))
    assert answers.items["sample_id"].unique().tolist() == [name, "index_2"]
    assert answers.items["line"].tolist() == [1, 1, 2, 2]
