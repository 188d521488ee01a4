"""Lists of clips: what is read from which file, and what is refused, with its line."""

import pytest

from baselines.selva.training.clip_list import BadList, Entry, find_files, held_out, read_lists


def written(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_mmaudios_tab_separated_list_is_read_and_sorted_by_id(tmp_path):
    clips = read_lists([written(tmp_path / "train.tsv", "id\tlabel", "b_000010\tdog, barking", "a_000001\tbell")])
    assert clips.entries == (Entry("a_000001", "bell", None), Entry("b_000010", "dog, barking", None))
    assert (clips.left_out, clips.shared_out) == (0, False)


def test_vggsounds_list_gives_ids_with_six_digits_and_leaves_its_test_clips_out(tmp_path):
    lines = ('---g-f_I2yQ,1,"people marching",train', "0B4dYTMsgHA,130,dog barking,test")
    clips = read_lists([written(tmp_path / "vggsound.csv", *lines)])
    assert clips.entries == (Entry("---g-f_I2yQ_000001", "people marching", "train"),)
    assert (clips.left_out, clips.shared_out) == (1, False)


def test_a_split_column_decides_and_val_is_validation(tmp_path):
    clips = read_lists([written(tmp_path / "l.csv", "split,id,label", "train,a,bell", "val,b,dog", "test,c,cat")])
    assert [(entry.id, entry.split) for entry in clips.entries] == [("a", "train"), ("b", "validation")]
    assert (clips.left_out, clips.shared_out) == (1, True)


def test_all_clips_of_the_validation_list_are_held_out(tmp_path):
    train = written(tmp_path / "train.tsv", "id\tlabel", "a\tbell")
    validation = written(tmp_path / "val.tsv", "id\tlabel", "b\tdog")
    clips = read_lists([train], validation)
    assert [(entry.id, entry.split) for entry in clips.entries] == [("a", None), ("b", "validation")]
    assert clips.shared_out


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["id,label", "a,bell", "a,dog"], r"list\.csv: line 3: clip a stands in .*line 2 already"),
        (["id,label", "a,bell", "b, "], "line 3: clip b has no label"),
        (["id,label", ",bell"], "line 2: the id is empty"),
        (["id,label,caption", "a,bell,x"], "line 1: expected a header with the columns .* got 'caption'"),
        (["id,split", "a,train"], "line 1: there is no column 'label'"),
        (["id,label,id", "a,bell,b"], "line 1: a column stands there twice"),
        (["id,label,split", "a,bell,dev"], "line 2: expected a split train, validation, val or test, got 'dev'"),
        (["id,label", "a,bell,train"], "line 2: expected 2 cells .* got 3"),
        (["---g-f_I2yQ,1,bell,train", "short,1,bell,train"], "line 2: expected YouTube id"),
        (["id,label", 'a,"bell'], "line 2: unexpected end of data"),
        (["id,label"], "no clip to prepare"),
        (["id,label,split", "a,bell,test"], "no clip to prepare"),
    ],
)
def test_a_faulty_list_is_refused_with_its_line(tmp_path, lines, said):
    with pytest.raises(BadList, match=said):
        read_lists([written(tmp_path / "list.csv", *lines)])


def test_a_clip_of_two_lists_is_refused(tmp_path):
    lists = [written(tmp_path / f"{name}.tsv", "id\tlabel", "a\tbell") for name in ("train", "val")]
    with pytest.raises(BadList, match=r"val\.tsv: line 2: clip a stands in .*train\.tsv: line 2 already"):
        read_lists(lists[:1], lists[1])


def test_a_list_that_is_not_there_or_not_utf8_is_refused(tmp_path):
    with pytest.raises(BadList, match=r"none\.csv: cannot be read: No such file"):
        read_lists([tmp_path / "none.csv"])
    (tmp_path / "utf16.csv").write_text("id,label\na,bell\n", encoding="utf-16")
    with pytest.raises(BadList, match="text in UTF-16"):
        read_lists([tmp_path / "utf16.csv"])


def test_the_fingerprint_is_of_ids_labels_and_splits_not_of_the_order(tmp_path):
    first = read_lists([written(tmp_path / "1.csv", "id,label", "a,bell", "b,dog")])
    turned = read_lists([written(tmp_path / "2.csv", "id,label", "b,dog", "a,bell")])
    other = read_lists([written(tmp_path / "3.csv", "id,label", "a,bell", "b,cat")])
    split = read_lists([written(tmp_path / "4.csv", "id,label,split", "a,bell,train", "b,dog,val")])
    assert first.fingerprint == turned.fingerprint
    assert len({first.fingerprint, other.fingerprint, split.fingerprint}) == 3


def test_a_share_is_held_out_whatever_the_order_and_never_fewer_than_two():
    ids = [f"clip{n}" for n in range(200)]
    chosen = held_out(ids, 0.05)
    assert len(chosen) == 10
    assert held_out(reversed(ids), 0.05) == chosen
    assert len(held_out(ids[:20], 0.02)) == 2


def test_most_of_what_is_held_out_stays_so_when_clips_are_added():
    ids = [f"clip{n}" for n in range(400)]
    assert len(held_out(ids, 0.05) & held_out(ids[:390], 0.05)) >= 18


def test_files_are_found_by_id_in_subfolders_and_those_of_no_clip_are_passed_over(tmp_path):
    for name in ("a.mp4", "deep/b.webm", "deep/c.txt", ".d.mp4", "other.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_files(tmp_path, ["a", "b", "c", "d"]) == {"a": tmp_path / "a.mp4", "b": tmp_path / "deep" / "b.webm"}


def test_two_files_for_one_clip_are_refused_unless_they_are_one(tmp_path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "a.mkv").symlink_to(tmp_path / "a.mp4")
    assert find_files(tmp_path, ["a"])["a"].exists()
    (tmp_path / "a.webm").touch()
    with pytest.raises(BadList, match="two files for clip a"):
        find_files(tmp_path, ["a"])


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadList, match="no such folder of clips"):
        find_files(tmp_path / "none", ["a"])
