"""The page's addresses: who may ask, what is taken, and that nothing leads out of the folder."""

import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from benchmark.web.curation.app import LONGEST_NOTE, create_app
from benchmark.web.curation.names import LONGEST_NAME, checked_name
from vgg_monoaudio.selection.decisions import COLUMNS, append_decisions, read_decisions

YES = {
    "single_source": True, "visible": True, "label_matches": True, "label": "dog barking", "start_offset_seconds": 0.4,
    "note": "",
}  # fmt: skip


@pytest.fixture
def clip(candidates):
    return candidates.read_text().splitlines()[1].partition(",")[0]


def proof_on(page):
    return re.search(r'name="proof" content="([0-9a-f]+)"', page.text)[1]


class Reviewer:
    """A browser of one reviewer: a name, a cookie, and the proof of the page it looks at."""

    def __init__(self, app, name, address="http://127.0.0.1"):
        self.client = TestClient(app, base_url=address)
        assert self.says(name, is_me="yes").status_code == 303
        self.proof = proof_on(self.client.get("/"))

    def says(self, name, **more):
        proof = proof_on(self.client.get("/name"))
        return self.client.post("/name", data={"name": name, "proof": proof, **more}, follow_redirects=False)

    def get(self, address):
        return self.client.get(address)

    def post(self, address, body=None, **headers):
        return self.client.post(address, json=body, headers={"x-proof": self.proof, **headers})


@pytest.fixture
def app(site):
    return create_app(site, hosts=["127.0.0.1"])


@pytest.fixture
def ada(app):
    return Reviewer(app, "Ada")


def test_a_decision_is_in_the_file_under_the_reviewer_s_name_and_the_server_s_time(ada, asked, clip):
    answer = ada.post(f"/api/clips/{clip}", YES | {"note": "a\r\nb\x07 =1"})
    assert (answer.status_code, answer.json()["mine"]) == (200, "accepted")
    (made,) = read_decisions(asked.decisions)
    assert (made.clip_id, made.reviewer, made.note, made.start_offset_seconds) == (clip, "Ada", "a\nb  =1", 0.4)
    assert made.time == "2026-01-31T12:00:00.000+00:00"
    assert ada.get("/files/curation.csv").content == asked.decisions.read_bytes()


def test_undo_gives_back_what_was_said(ada, asked, clip):
    ada.post(f"/api/clips/{clip}", YES)
    undone = ada.post("/api/undo").json()
    assert undone["taken_back"]["start_offset_seconds"] == 0.4
    assert undone["line"]["mine"] == ""
    assert read_decisions(asked.decisions) == []
    assert ada.post("/api/undo").json() is None


def test_undo_leaves_decisions_on_clips_that_are_not_in_the_queue_any_more(ada, asked, opened, candidates, tmp_path):
    header, *rows = candidates.read_text().splitlines(keepends=True)
    clips = [row.partition(",")[0] for row in rows]
    for clip in (clips[3], clips[0], clips[1]):
        ada.post(f"/api/clips/{clip}", YES)
    (tmp_path / "others.csv").write_text(header + "".join(rows[2:]))
    app = create_app(opened(replace(asked, candidates=tmp_path / "others.csv", screened=None)))
    again = Reviewer(app, "Ada")
    undone = [again.post("/api/undo") for _ in range(3)]
    assert [answer.status_code for answer in undone] == [200] * 3
    assert undone[0].json()["line"]["id"] == clips[3]
    assert [answer.json() for answer in undone[1:]] == [None, None]
    assert [made.clip_id for made in read_decisions(asked.decisions)] == clips[:2]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"label": "teapot"}, "not one of", id="label"),
        pytest.param({"start_offset_seconds": 2.1}, "start_offset_seconds", id="late start"),
        pytest.param({"single_source": None}, "single_source", id="undecided"),
        pytest.param({"note": "x" * (LONGEST_NOTE + 1)}, "note", id="long note"),
        pytest.param({"reviewer": "Bob"}, "reviewer", id="in another's name"),
        pytest.param({"time": "2020-01-01"}, "time", id="at another time"),
    ],
)
def test_what_cannot_be_a_decision_is_refused_and_not_kept(ada, asked, clip, change, told):
    answer = ada.post(f"/api/clips/{clip}", YES | change)
    assert answer.status_code == 422
    assert told in answer.text
    assert not asked.decisions.exists()


def test_a_decision_without_the_proof_of_the_page_is_refused(ada, app, asked, clip):
    proofs = ["", "0" * 64, Reviewer(app, "Bob").proof]
    assert [ada.post(f"/api/clips/{clip}", YES, **{"x-proof": proof}).status_code for proof in proofs] == [403] * 3
    assert ada.post("/api/undo", **{"x-proof": ""}).status_code == 403
    assert ada.post("/api/pairs/undo", **{"x-proof": ""}).status_code == 403
    assert ada.post(f"/api/clips/{clip}", YES, origin="http://evil.example").status_code == 403
    assert not asked.decisions.exists()


def test_a_name_that_was_not_given_here_is_none(app, ada, asked, clip, site):
    forged = {site.access.cookie("reviewer"): "IkJvYiI.forged"}
    client = TestClient(app, base_url="http://127.0.0.1", cookies=forged)
    assert client.post(f"/api/clips/{clip}", json=YES, headers={"x-proof": ada.proof}).status_code == 401
    assert client.get("/api/clips").status_code == 401
    assert client.get("/", follow_redirects=False).headers["location"] == "/name"
    assert client.get("/files/curation.csv", follow_redirects=False).status_code == 303


def test_reviewers_undo_their_own_decisions_alone(ada, app, asked, clip):
    bob = Reviewer(app, "Bob")
    bob.post(f"/api/clips/{clip}", YES)
    assert ada.post("/api/undo").json() is None
    assert [made.reviewer for made in read_decisions(asked.decisions)] == ["Bob"]


@pytest.mark.parametrize("name", ["", "  ", "auto", "auto:x", "x" * (LONGEST_NAME + 1), "a\x00b", "a\u202eb"])
def test_what_is_no_name_of_a_person_is_refused(name):
    with pytest.raises(ValueError, match=r"^name: "):
        checked_name(name)


def test_a_known_name_in_another_spelling_is_refused_and_the_known_one_told(ada, app, clip):
    bob = Reviewer(app, "Bob")
    for _ in range(2):  # before Ada has decided, and when she has
        refused = bob.says("aDA", is_me="yes")
        assert (refused.status_code, "&#39;Ada&#39; is a reviewer here" in refused.text) == (422, True)
        assert 'value="aDA"' in refused.text  # what was typed stays
        ada.post(f"/api/clips/{clip}", YES)
    assert bob.says("Ada", is_me="yes").status_code == 303


def test_a_name_that_is_known_is_taken_only_by_who_says_to_be_that_person(app, ada, clip):
    bob = Reviewer(app, "Bob")
    for told in ("Ada is here already; is that you?", "Ada has decided here; is that you?"):
        asked = bob.says(" Ada ")
        assert (asked.status_code, told in asked.text, "set-cookie" in asked.headers) == (200, True, False)
        ada.post(f"/api/clips/{clip}", YES)
    assert "Bob</a>" in bob.get("/").text
    assert bob.says("Ada", is_me="yes").status_code == 303
    assert ada.says("Ada").status_code == 303  # this browser's own


def test_a_name_under_which_nobody_decided_can_be_spelled_anew_by_its_own_browser(app, clip):
    ann = Reviewer(app, "ann")
    assert ann.says("Ann").status_code == 303
    assert ann.says("ann", is_me="yes").status_code == 303
    ann.proof = proof_on(ann.get("/"))
    ann.post(f"/api/clips/{clip}", YES)
    assert ann.says("Ann").status_code == 422


def test_of_two_spellings_that_came_in_before_the_server_began_anew_the_first_decides(asked, opened, clip):
    came = [Reviewer(create_app(opened(asked)), name) for name in ("Ann", "ann")]  # two servers, one after the other
    cookies = [dict(reviewer.client.cookies) for reviewer in came]
    app, answers = create_app(opened(asked)), []
    for cookie in [*cookies, cookies[0]]:
        client = TestClient(app, base_url="http://127.0.0.1", cookies=cookie)
        proof = {"x-proof": proof_on(client.get("/"))}
        answers.append(client.post(f"/api/clips/{clip}", json=YES, headers=proof))
    assert [answer.status_code for answer in answers] == [200, 409, 200]
    assert "'Ann' is a reviewer here" in answers[1].json()["error"]
    assert {made.reviewer for made in read_decisions(asked.decisions)} == {"Ann"}


def test_a_form_of_another_page_gives_no_name(app, ada):
    for proof in ("", "0" * 64, ada.proof):
        refused = ada.client.post("/name", data={"name": "Eve", "proof": proof}, follow_redirects=False)
        assert (refused.status_code, "set-cookie" in refused.headers) == (422, False)
        assert "send your name again" in refused.text
    evil = {"origin": "http://evil.example"}
    assert ada.client.post("/name", data={"name": "Eve", "proof": ada.proof}, headers=evil).status_code == 403


def test_names_have_one_form(app):
    assert checked_name("  Zoe\u0308   B. ") == "Zoë B."
    assert "Zoë B." in Reviewer(app, "Zoe\u0308 B.").get("/").text


def test_names_notes_and_ids_are_text_on_every_page(app, site, clip):
    evil = "<script>alert(1)</script>\"'"
    for name, visible in ((evil, True), ("Bob", False)):
        Reviewer(app, name).post(f"/api/clips/{clip}", YES | {"visible": visible, "note": f"{evil}{name}"})
    pages = [Reviewer(app, "Bob").get(page).text for page in ("/", "/pairs", "/conflicts", "/agreement")]
    assert "&lt;script&gt;alert(1)" in pages[2]
    assert "&lt;script&gt;alert(1)" in pages[3]
    assert not any("<script>alert" in page for page in pages)


@pytest.mark.parametrize(
    "name",
    ["..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd", "../curation.csv", "..%5Ccuration.csv", "secret", "%00", "%ff"],
)
def test_no_name_of_a_clip_leads_out_of_the_folder(ada, asked, name):
    for address in (f"/clips/{name}", f"/clips/{name}?preview=true", f"/api/clips/{name}", f"/api/clips/{name}/peaks"):
        assert ada.get(address).status_code == 404, address


def test_clips_come_in_pieces(ada, clip, ten_clips):
    whole = (ten_clips / f"{clip}.mp4").read_bytes()
    answer = ada.client.get(f"/clips/{clip}", headers={"range": "bytes=100-199"})
    assert (answer.status_code, answer.content) == (206, whole[100:200])
    assert answer.headers["content-type"] == "video/mp4"


@pytest.mark.parametrize("query", ["", "?preview=true"])
def test_a_clip_that_was_replaced_is_not_shown_from_a_browser_s_memory(ada, clip, query):
    assert ada.client.get(f"/clips/{clip}{query}").headers["cache-control"] == "private, no-cache"


def test_the_policy_allows_nothing_inline_and_the_pages_have_nothing(ada):
    for page in ("/", "/pairs", "/conflicts", "/agreement", "/name"):
        answer = ada.get(page)
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=", answer.text), page


def test_a_server_on_this_machine_answers_to_its_own_names_alone(ada, app):
    assert TestClient(app, base_url="http://evil.example").get("/name").status_code == 421


def test_a_large_body_is_refused(ada, clip):
    assert ada.post(f"/api/clips/{clip}", YES | {"note": "x" * 70_000}).status_code == 413


# With a link


@pytest.fixture
def from_afar(asked, opened):
    site = opened(replace(asked, by_link=True))
    return site, create_app(site)


def test_from_afar_nothing_is_shown_without_the_link(from_afar, clip):
    _, app = from_afar
    client = TestClient(app)
    for page in (
        "/",
        "/name",
        "/pairs",
        "/conflicts",
        "/agreement",
        "/api/clips",
        f"/clips/{clip}",
        "/files/curation.csv",
    ):
        answer = client.get(page)
        assert answer.status_code == 403, page
        assert clip not in answer.text
    assert client.get("/?key=" + "0" * 64).status_code == 403
    assert client.post("/name", data={"name": "Eve"}).status_code == 403


def test_the_link_admits_and_leaves_no_secret_in_the_address(from_afar):
    site, app = from_afar
    client = TestClient(app, base_url="https://lab.example")
    entered = client.get(site.access.link, follow_redirects=False)
    assert entered.headers["location"] == "/"
    cookie = entered.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=lax", "Secure"))
    assert client.get("/name").status_code == 200


def test_a_default_name_is_used_where_none_was_given(asked, opened, clip):
    app = create_app(opened(replace(asked, reviewer="Ada")))
    client = TestClient(app)
    assert (
        client.post(f"/api/clips/{clip}", json=YES, headers={"x-proof": proof_on(client.get("/"))}).status_code == 200
    )
    assert read_decisions(asked.decisions)[0].reviewer == "Ada"


def test_a_full_disk_is_told_and_the_decision_is_written_when_it_is_sent_again(ada, asked, clip, monkeypatch):
    from benchmark.web.curation import rows
    from foundation.files import WriteFailed

    def full(path):
        raise WriteFailed(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(rows, "replacing", full)
        answer = ada.post(f"/api/clips/{clip}", YES)
    assert (answer.status_code, "send it again" in answer.text) == (507, True)
    assert ada.post(f"/api/clips/{clip}", YES).status_code == 200
    assert len(read_decisions(asked.decisions)) == 1


def test_a_file_that_was_left_malformed_by_hand_is_told_and_stays(ada, asked, clip):
    assert ada.post(f"/api/clips/{clip}", YES).status_code == 200
    good = asked.decisions.read_bytes()
    asked.decisions.write_bytes(good + b"half a row")
    answer = ada.post(f"/api/clips/{clip}", YES | {"visible": False})
    assert (answer.status_code, "curation.csv:3: " in answer.json()["error"]) == (409, True)
    assert asked.decisions.read_bytes() == good + b"half a row"


def test_why_a_clip_cannot_be_shown_is_told(ada, clip):
    assert ada.get(f"/api/clips/{clip}/footage").json()["missing"] == ""
    told = ada.get("/api/clips/elsewhere/footage").json()["missing"]
    assert told == "it is not in the table of clips that is served"


def test_pairs_are_decided_and_their_file_is_what_the_command_line_reads(ada, candidates, asked):
    clips = [row.partition(",")[0] for row in candidates.read_text().splitlines()[1:3]]
    for clip, label in zip(clips, ("dog barking", "sheep bleating"), strict=True):
        ada.post(f"/api/clips/{clip}", YES | {"label": label})
    body = {"target_id": clips[0], "paired_id": clips[1], "also_describes": True}
    assert [line["mine"] for line in ada.post("/api/pairs", body).json()] == ["yes"]
    written = asked.decisions.with_name("curation.pairs.csv").read_text()
    assert ",yes,Ada,,2026-01-31T12:00:02.000+00:00" in written
    assert ada.get("/files/pairs.csv").text == written
    (undone,) = ada.post("/api/pairs/undo").json()
    assert (undone["target_id"], undone["paired_id"], undone["mine"]) == (clips[0], clips[1], "")
    assert ada.post("/api/pairs", body | {"paired_id": "../x"}).status_code == 404


def test_what_was_imported_comes_out_byte_for_byte(asked, opened, tmp_path, clip):
    odd = f'{clip},yes,no,yes,dog barking,0,"Zoë ""Z""","=1+1,\nline",2026-01-31\r\n'.encode()
    asked.decisions.write_bytes(",".join(COLUMNS).encode() + b"\r\n" + odd)
    other = tmp_path / "bob.csv"
    append_decisions(other, [replace(read_decisions(asked.decisions)[0], reviewer="auto:x")])
    before = asked.decisions.read_bytes()
    ada = Reviewer(create_app(opened(replace(asked, imports=(other,)))), "Ada")
    assert ada.get("/files/curation.csv").content == before + other.read_bytes().partition(b"\n")[2]
