"""Encodings are said by name, and a name is one name in either Unicode form."""

import unicodedata

import pytest

from foundation.text import NotUTF8, as_stored, composed, read_text

WORDS = "clip_id,label\r\nüb,café\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_text_is_read_with_or_without_a_mark_and_keeps_its_line_ends(tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes(WORDS.encode(encoding))
    assert read_text(tmp_path / "a.csv") == WORDS


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("utf-16", r"a\.csv: text in UTF-16; save it as UTF-8"),
        ("utf-32", r"a\.csv: text in UTF-32; save it as UTF-8"),
        ("utf-16-le", r"a\.csv: line \d+ is not UTF-8|zero bytes, as text in UTF-16"),
        ("latin-1", r"a\.csv: line 2 is not UTF-8; save it as UTF-8"),
    ],
)
def test_another_encoding_is_refused_by_name(tmp_path, encoding, message):
    (tmp_path / "a.csv").write_bytes(WORDS.encode(encoding))
    with pytest.raises(NotUTF8, match=message):
        read_text(tmp_path / "a.csv")


def test_plain_letters_in_two_bytes_each_are_seen_too(tmp_path):
    (tmp_path / "a.csv").write_bytes("clip_id,label".encode("utf-16-be"))
    with pytest.raises(NotUTF8, match="zero bytes, as text in UTF-16 does; save it as UTF-8"):
        read_text(tmp_path / "a.csv")


@pytest.mark.parametrize(("stored", "asked"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_a_file_is_found_in_either_form_of_its_name(tmp_path, stored, asked):
    file = tmp_path / unicodedata.normalize(stored, "é.wav")
    file.touch()
    assert as_stored(tmp_path / unicodedata.normalize(asked, "é.wav")) == file
    assert composed(unicodedata.normalize(asked, "é")) == "é"


def test_a_file_that_is_in_neither_form_keeps_the_name_it_was_asked_by(tmp_path):
    asked = tmp_path / unicodedata.normalize("NFD", "é.wav")
    assert as_stored(asked) == asked
