import pytest

from vgg_monoaudio.selection.annotations import (
    CLIP_COLUMNS,
    PROBLEM_COLUMNS,
    TRIM_COLUMNS,
    BadAnnotations,
    describe_problems,
    read_trims,
    read_vggsound,
)
from vgg_monoaudio.selection.unav100 import read_unav100


def test_both_public_forms_of_vggsound_s_list_give_the_same_table(tmp_path):
    long, short = tmp_path / "long.csv", tmp_path / "short.csv"
    long.write_text('--0PQM4-hqg,30,"bird chirping, tweeting",test\n3qesirWAGt4,20,dog barking,test\n')
    short.write_text('--0PQM4-hqg_000030.mp4,"bird chirping, tweeting"\n3qesirWAGt4_000020.mp4,dog barking\n')
    table = read_vggsound(long)
    assert table.rows.equals(read_vggsound(short).rows)
    assert table.rows.iloc[0].to_list() == ["--0PQM4-hqg_000030", "--0PQM4-hqg", 30, "bird chirping, tweeting", "test"]
    assert table.problems.empty
    assert table.rows.dtypes.astype(str).to_dict() == CLIP_COLUMNS


def test_a_byte_order_mark_and_letters_beyond_ascii_are_read(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes("3qesirWAGt4,20,chien qui aboie à tue-tête,test\n".encode("utf-8-sig"))
    table = read_vggsound(path)
    assert table.problems.empty
    assert table.rows["label"].to_list() == ["chien qui aboie à tue-tête"]


def test_the_split_of_the_long_form_is_read_and_that_of_the_short_form_given(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("3qesirWAGt4,20,dog barking,train\n")
    assert read_vggsound(path).rows["split"].to_list() == ["train"]
    path.write_text("3qesirWAGt4_000020.mp4,dog barking\n")
    assert read_vggsound(path, split="train").rows["split"].to_list() == ["train"]


def test_every_malformed_row_is_reported_with_its_line_and_the_rest_is_read(tmp_path):
    path = tmp_path / "vggsound.csv"
    path.write_text(
        "youtube_id,start,label,split\n"  # 1: a header, which the public file lacks
        "3qesirWAGt4,20,dog barking,test\n"
        "3qesirWAGt4,20,dog howling,test\n"  # 3: the same clip again
        "short,20,dog barking,test\n"
        "6jiO0tPLK7U,x,dog barking,test\n"
        "6jiO0tPLK7U,20,,test\n"
        "6jiO0tPLK7U,20,dog barking,dev\n"
        "6jiO0tPLK7U_000020.mp4,dog barking\n"  # 8: the other form
        '6jiO0tPLK7U,20,"dog barking,test\n'  # 9: a quote that never ends
        "\n"
        "6jiO0tPLK7U,20,dog barking,test\n"
    )
    table = read_vggsound(path)
    assert table.rows["clip_id"].to_list() == ["3qesirWAGt4_000020", "6jiO0tPLK7U_000020"]
    assert table.problems["line"].to_list() == [1, 3, 4, 5, 6, 7, 8, 9, 10]
    assert list(table.problems.columns) == list(PROBLEM_COLUMNS)
    lines = describe_problems(table.problems)
    assert lines[1] == ("vggsound.csv:3: clip 3qesirWAGt4_000020 is listed before: '3qesirWAGt4,20,dog howling,test'")
    assert "expected 4 fields, as in the rows before, found 2" in lines[6]


def test_the_real_test_list_of_vggsound_is_read_whole(real_annotations):
    table = read_vggsound(real_annotations / "vggsound_test.csv")
    assert table.problems.empty
    assert len(table.rows) == 15_446
    assert table.rows["label"].nunique() == 309
    assert table.rows["clip_id"].is_unique


def test_trim_offsets_are_read_and_malformed_ones_reported(tmp_path):
    path = tmp_path / "download_video.csv"
    path.write_text(
        "3qesirWAGt4,12,72.5\n3qesirWAGt4,0,10\n6jiO0tPLK7U,5,5\n6jiO0tPLK7U,a,9\n6jiO0tPLK7U,nan,9\n6jiO0tPLK7U,1\n"
    )
    trims = read_trims(path)
    assert trims.rows.to_numpy().tolist() == [["3qesirWAGt4", 12.0, 72.5]]
    assert trims.rows.dtypes.astype(str).to_dict() == TRIM_COLUMNS
    assert trims.problems["line"].to_list() == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("read", [read_vggsound, read_trims, read_unav100])
def test_a_list_in_another_encoding_is_refused_by_name(tmp_path, read):
    path = tmp_path / "list.csv"
    path.write_bytes("3qesirWAGt4,20,aboie à tue-tête,test\n".encode("latin-1"))
    with pytest.raises(BadAnnotations, match=r"list\.csv: line 1 is not UTF-8; save it as UTF-8"):
        read(path)
