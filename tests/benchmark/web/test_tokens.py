"""Names that a browser may see."""

import base64
import stat

import pytest

from benchmark.web.tokens import BadToken, Tokens, read_secret

SECRET = bytes(range(32))


def test_a_token_gives_back_what_it_was_made_for():
    tokens = Tokens(SECRET)
    assert tokens.opened("item", tokens.signed("item", 17, owner="r1"), owner="r1") == 17
    assert tokens.opened("item", tokens.signed("item", "a1b2"), owner="") == "a1b2"


@pytest.mark.parametrize(
    ("kind", "owner", "secret"),
    [
        pytest.param("media", "r1", SECRET, id="another kind"),
        pytest.param("item", "r2", SECRET, id="another owner"),
        pytest.param("item", "r1", SECRET[::-1], id="another folder"),
    ],
)
def test_a_token_is_good_for_one_kind_one_owner_and_one_folder(kind, owner, secret):
    token = Tokens(SECRET).signed("item", 17, owner="r1")
    with pytest.raises(BadToken, match=f"not a token of a {kind}"):
        Tokens(secret).opened(kind, token, owner=owner)


def test_a_cookie_that_is_absent_or_none_of_ours_names_nobody():
    tokens = Tokens(SECRET)
    assert tokens.word("rater", tokens.signed("rater", "k1")) == "k1"
    assert [tokens.word("rater", token) for token in (None, "", "x", tokens.signed("admin", "k1"))] == [None] * 4


def test_kind_and_owner_cannot_run_into_each_other():
    tokens = Tokens(SECRET)
    with pytest.raises(BadToken):
        tokens.opened("item", tokens.signed("it", 17, owner="emr1"), owner="r1")


@pytest.mark.parametrize("change", [lambda token: token[:-1], lambda token: "", lambda token: "MTg" + token[3:]])
def test_a_token_that_was_changed_is_refused(change):
    tokens = Tokens(SECRET)
    with pytest.raises(BadToken):
        tokens.opened("item", change(tokens.signed("item", 17)))


def test_a_token_of_something_other_than_a_number_or_word_is_refused():
    tokens = Tokens(SECRET)
    forged = tokens._serializer("item", "").dumps({"a": 1})
    with pytest.raises(BadToken):
        tokens.opened("item", forged)


def test_a_proof_is_one_owners():
    tokens = Tokens(SECRET)
    proof = tokens.proof("rater", "r1")
    assert tokens.proves("rater", "r1", proof)
    assert not tokens.proves("rater", "r2", proof)
    assert not tokens.proves("admin", "r1", proof)
    assert not tokens.proves("rater", "r1", "")
    assert not tokens.proves("rater", "r1", "\ud800é")


def test_a_secret_is_made_once_and_nobody_else_may_read_it(tmp_path):
    secret = read_secret(tmp_path / "secret")
    assert len(secret) == 32
    assert read_secret(tmp_path / "secret") == secret
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert read_secret(tmp_path / "another") != secret


@pytest.mark.parametrize("content", [b"", b"12ab", base64.b64encode(SECRET), b"\xff" * 32])
def test_a_file_that_holds_no_secret_is_refused(tmp_path, content):
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(ValueError, match="secret: expected 32 bytes as hexadecimal digits; if it is lost, remove"):
        read_secret(tmp_path / "secret")
