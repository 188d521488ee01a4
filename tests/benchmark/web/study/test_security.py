"""What a stranger, another rater or a curious one gets: nothing that is not theirs, and no word of whose a sound is."""

import logging
import re

import pytest
from fastapi.testclient import TestClient
from support.small_studies import CLIPS, MODELS, Person

from benchmark.web.security import LARGEST_BODY
from benchmark.web.serving import _bound
from benchmark.web.study.app import Serving, study_app

# What would give away whose a sound is, or what a scene is called; prompts are shown, so labels alone are not secret.
TELLING = (*MODELS, *(clip for clip, _, _ in CLIPS), "inter/", "Animal", "Music", "oracle-noisy")
LOCAL = {"base_url": "http://127.0.0.1:8321", "client": ("127.0.0.1", 5000)}


class Listener:
    """Keeps everything that is answered to a browser: status line, headers and body."""

    def __init__(self, browser):
        self.heard, send = [], browser.send

        def sent(request, **how):
            answer = send(request, **how)
            if not answer.headers.get("content-type", "").startswith(("video", "audio")):
                self.heard.append(f"{answer.status_code} {dict(answer.headers)} {answer.text}")
            return answer

        browser.send = sent


@pytest.mark.parametrize("form", ["rating", "preference"])
def test_no_answer_names_a_model_or_a_sample(serve, form):
    asked = [{"id": "a", "question": "?"}]
    served = serve(form=form, samples=6, headphone_check="warn", headphone_tries=1, questionnaire=asked, tutorial=True)
    rater = served.rater("?PROLIFIC_PID=p1&STUDY_ID=s&SESSION_ID=t")
    listener = Listener(rater.browser)
    rater.at = rater.browser.get("/").headers["location"]
    rater.see()
    rater.go("/api/consent", agrees=True).see()
    rater.go("/api/checks/device", width=1, height=1, canPlay=True).see()
    rater.browser.get("/api/checks/headphones")
    rater.go("/api/checks/headphones", answers=[1] * 6).see()
    rater.browser.get("/api/tutorial")
    rater.go("/api/tutorial").see()
    for item in rater.rate(points=2 if form == "rating" else "tie"):
        for medium in item["media"]:
            rater.browser.get(medium["url"])
        listener.heard.append(rater.answer(item, 1).text)
    rater.see()
    rater.go("/api/questionnaire", answers={}).see()
    rater.go("/api/withdraw")
    for path in ("/api/nothing", "/media/none.mp4", "/sound/none.wav", "/resume/none", "/study.json", "/admin"):
        rater.browser.get(path)
    assert len(listener.heard) > 30
    for told in listener.heard:
        assert not [word for word in TELLING if word in told], told


def test_a_token_tells_no_more_than_a_number_or_an_opaque_name(serve):
    import base64

    rater = serve().rater().begin()
    item = rater.item()
    media = item["media"][0]["url"].removeprefix("/media/").removesuffix(".mp4")
    inside = [base64.urlsafe_b64decode(token.split(".")[0] + "==") for token in (item["token"], media)]
    assert re.fullmatch(rb"\d+", inside[0])
    assert re.fullmatch(rb'"[0-9a-f]{24}"', inside[1])


def test_items_and_media_of_another_rater_are_not_found(serve):
    served = serve()
    one, other = served.rater().begin(), served.rater().begin()
    item = one.item()
    one.watch(item)
    assert other.answer(item).status_code == 404
    assert other.post("/api/played", token=item["token"], media=0).status_code == 404
    assert other.post("/api/skip", token=item["token"], reason="x", key="12345678").status_code == 404
    assert other.browser.get(item["media"][0]["url"]).status_code == 404
    assert one.answer(item, 5).status_code == 200
    assert served.browser().get(item["media"][0]["url"]).status_code == 401


def test_a_token_is_good_for_its_own_kind_alone(serve):
    rater = serve().rater().begin()
    item = rater.item()
    media = item["media"][0]["url"].removeprefix("/media/").removesuffix(".mp4")
    assert rater.browser.get(f"/sound/{media}.wav").status_code == 404
    assert rater.browser.get(f"/media/{item['token']}.mp4").status_code == 404
    assert rater.browser.get(f"/media/{media[:-2]}xx.mp4").status_code == 404
    assert rater.post("/api/answer", token=media, answers={}, plays=[], key="12345678").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "../study.json",
        "..%2fstudy.json",
        "%2e%2e/secret",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "..\\secret",
        "a%00b",
        "....//x",
    ],
)
def test_no_path_leaves_the_folder_of_media(serve, path):
    rater = serve().rater().begin()
    for address in (f"/media/{path}", f"/media/{path}.mp4", f"/sound/{path}.wav", f"/static/study/{path}"):
        answer = rater.browser.get(address)
        assert answer.status_code == 404, address
        assert "root:" not in answer.text


def test_a_clip_that_became_a_link_leading_out_is_not_sent(serve, tmp_path):
    served = serve()
    rater = served.rater().begin()
    url = rater.item()["media"][0]["url"]
    assert rater.browser.get(url).status_code == 200
    for path in served.study.folder.media.iterdir():
        path.unlink()
        path.symlink_to("/etc/hostname")
    assert rater.browser.get(url).status_code == 404


def test_a_clip_is_sent_piece_by_piece_as_asked(serve):
    served = serve()
    rater = served.rater().begin()
    url = rater.item()["media"][0]["url"]
    whole = rater.browser.get(url)
    part = rater.browser.get(url, headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.headers["content-range"]) == (206, f"bytes 100-299/{len(whole.content)}")
    assert part.content == whole.content[100:300]
    assert rater.browser.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416


def test_a_request_without_the_proof_of_the_page_is_refused(serve):
    served = serve()
    rater, other = served.rater().begin(), served.rater().begin()
    item = rater.item()
    content = {"token": item["token"], "media": 0}
    for headers in ({}, {"X-Proof": ""}, {"X-Proof": other.proof}, {"X-Proof": "ä".encode()}):
        assert rater.browser.post("/api/played", json=content, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_request_that_another_site_sends_is_refused(serve, headers):
    rater = serve().rater()
    headers = {"X-Proof": rater.proof, **headers}
    assert rater.browser.post("/api/consent", json={"agrees": True}, headers=headers).status_code == 403


def test_every_answer_forbids_inline_script_and_other_hosts(serve):
    rater = serve().rater()
    for path in (rater.at, "/api/item", "/media/none.mp4", "/admin"):
        policy = rater.browser.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy


def test_a_body_that_is_too_large_is_refused(serve):
    rater = serve().rater()
    assert rater.post("/api/consent", agrees=True, filler="x" * LARGEST_BODY).status_code == 413


@pytest.mark.parametrize("path", ["/admin", "/api/consent"])
def test_a_body_that_is_too_large_and_does_not_say_so_is_refused_alike(serve, path):
    rater = Person(serve().browser(**LOCAL), None)
    pieces = (b"x" * 1024 for _ in range(LARGEST_BODY // 1024 + 1))
    refused = rater.browser.post(path, content=pieces, headers={"Content-Type": "application/json"})
    assert refused.status_code == 413
    assert "content-security-policy" in refused.headers


def test_a_rater_who_asks_too_often_is_told_to_wait_and_nobody_else(serve):
    served = serve()
    rater, other = served.rater(), served.rater()
    answers = [rater.browser.get("/api/item") for _ in range(80)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 20
    assert refused[0].headers["retry-after"] == "1"
    assert other.browser.get("/api/item").status_code == 409
    served.clock.forward(1)
    assert rater.browser.get("/api/item").status_code == 409


def test_arrivals_from_one_address_are_limited(serve):
    browser = serve().browser()
    codes = []
    for _ in range(130):
        browser.cookies.clear()
        codes.append(browser.get("/").status_code)
    assert codes[:120] == [303] * 120
    assert set(codes[120:]) == {429}


def test_who_has_many_addresses_of_one_line_arrives_and_guesses_no_more_often(serve):
    served = serve()
    served.serving = Serving(admin_anywhere=True)
    browsers = [served.browser(client=(f"2001:db8::{k:x}", 1)) for k in range(130)]
    assert [browser.get("/").status_code for browser in browsers].count(303) == 120
    assert [enter(browser, "guess").status_code for browser in browsers[:12]].count(429) == 2
    assert served.browser(client=("2001:db8:0:1::", 1)).get("/").status_code == 303


def test_a_clock_that_is_set_back_bars_nobody(serve):
    served = serve()
    rater = Person(TestClient(study_app(served.study), follow_redirects=False), served.clock).begin()
    rater.rate(2)
    served.clock.forward(-3600)
    assert {rater.browser.get("/api/item").status_code for _ in range(20)} == {200}


def test_a_forged_cookie_is_nobody(serve):
    served = serve()
    rater = served.rater().begin()
    name = f"rater-{served.study.mark}"
    value = rater.browser.cookies[name]
    rater.browser.cookies.clear()
    rater.browser.cookies.set(name, value[:-3] + ("AAA" if value[-3:] != "AAA" else "BBB"))
    assert rater.browser.get("/api/item").status_code == 401
    assert rater.browser.get("/rate").headers["location"] == "/"


def test_the_cookie_is_not_for_scripts_nor_for_other_sites_nor_for_plain_http_where_there_is_tls(serve):
    served = serve()
    plain = served.browser().get("/").headers["set-cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=lax" in plain
    assert "Secure" not in plain
    assert "Secure" in served.browser("https://study.example.org").get("/").headers["set-cookie"]


def test_behind_a_proxy_that_does_not_tell_of_tls_cookies_are_for_tls_and_other_names_are_not_answered(serve):
    served = serve()
    served.serving = Serving.on("127.0.0.1", "https://study.example.org/", admin_anywhere=True)
    proxied = served.browser("http://study.example.org")
    assert "Secure" in proxied.get("/").headers["set-cookie"]
    assert "Secure" in enter(proxied, served.study.folder.admin.read_text()).headers["set-cookie"]
    assert "Secure" not in served.browser("http://127.0.0.1:8321").get("/").headers["set-cookie"]
    assert served.browser("http://evil.example").get("/").status_code == 421


@pytest.mark.parametrize(
    ("host", "url", "hosts"),
    [
        ("127.0.0.1", "", {"127.0.0.1", "::1", "localhost"}),
        ("127.0.0.2", "", {"127.0.0.1", "127.0.0.2", "::1", "localhost"}),
        ("0.0.0.0", "", set()),
        ("0.0.0.0", "https://Study.lab.org:8443", {"study.lab.org", "127.0.0.1", "::1", "localhost"}),
    ],
)
def test_a_study_is_asked_by_its_own_names(host, url, hosts):
    assert set(Serving.on(host, url).hosts) == hosts


@pytest.mark.parametrize(
    "url",
    [
        "study.lab.org", "ftp://lab.org", "https://", "https://lab.org/study", "https://[", "https://lab.org:abc",
        "https://lab.org?x=1", "https://lab.org#x", "https://me:secret@lab.org",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match="--url: expected https://NAME without a path, got"):
        Serving.on("127.0.0.1", url)


@pytest.mark.parametrize("path", ["/", "/admin", "/api/item"])
@pytest.mark.parametrize("host", ["[", "[::1", "a]b["])
def test_a_host_that_is_none_is_refused(serve, path, host):
    answer = serve().browser(**LOCAL).get(path, headers={"Host": host})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_an_origin_that_is_none_is_another_site(serve):
    rater = serve().rater()
    headers = {"X-Proof": rater.proof, "Origin": "http://["}
    assert rater.browser.post("/api/consent", json={"agrees": True}, headers=headers).status_code == 403


def test_texts_that_the_study_gives_are_escaped(serve):
    served = serve(title="<script>alert(1)</script>", consent="<img src=x>")
    assert "<script>alert" not in served.rater().see()


def enter(browser, secret):
    return browser.post("/admin", data={"secret": secret})


def test_the_admin_page_needs_its_secret(serve):
    served = serve()
    browser = served.browser(**LOCAL)
    assert "answers to" not in browser.get("/admin").text
    refused = enter(browser, "0" * 64)
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers
    secret = served.study.folder.admin.read_text()
    entered = enter(browser, secret)
    assert (entered.status_code, entered.headers["location"]) == (303, "/admin")
    page = browser.get("/admin").text
    assert "answers to 12 items" in page
    assert secret not in page
    assert not [word for word in TELLING if word in page]


def test_the_study_s_own_secret_does_not_open_the_admin_page(serve):
    served = serve()
    assert enter(served.browser(**LOCAL), served.study.folder.secret.read_text()).status_code == 403


def test_a_rater_s_cookie_does_not_open_the_admin_page(serve):
    served = serve()
    rater = served.rater().begin()
    browser = served.browser(**LOCAL)
    browser.cookies.set(f"admin-{served.study.mark}", next(iter(rater.browser.cookies.values())))
    assert "answers to" not in browser.get("/admin").text


@pytest.mark.parametrize(
    "where", [{"client": ("192.0.2.1", 1), "base_url": "http://127.0.0.1"}, {"client": ("127.0.0.1", 1)}]
)
def test_the_admin_page_answers_this_machine_alone_unless_told_otherwise(serve, where):
    served = serve()
    assert served.browser(**where).get("/admin").status_code == 404
    assert enter(served.browser(**where), served.study.folder.admin.read_text()).status_code == 404
    served.serving = Serving(admin_anywhere=True)
    assert served.browser(**where).get("/admin").status_code == 200


def test_the_secret_cannot_be_guessed_at_will(serve):
    browser = serve().browser(**LOCAL)
    codes = [enter(browser, "guess").status_code for _ in range(12)]
    assert codes == [403] * 10 + [429] * 2


def test_who_guesses_the_secret_shuts_nobody_else_out(serve):
    served = serve()
    served.serving = Serving(admin_anywhere=True)
    guessing, other = (served.browser(client=(address, 1)) for address in ("192.0.2.1", "192.0.2.2"))
    codes = [enter(guessing, "guess").status_code for _ in range(12)]
    assert codes[-1] == 429
    assert enter(other, served.study.folder.admin.read_text()).status_code == 303


def test_this_machine_is_known_by_its_address_of_either_family(serve):
    for address in ("::1", "::ffff:127.0.0.1"):
        assert serve().browser("http://127.0.0.1:8321", (address, 1)).get("/admin").status_code == 200
    assert serve().browser("http://127.0.0.1:8321", ("::ffff:192.0.2.1", 1)).get("/admin").status_code == 404


def test_no_secret_is_in_the_log(serve, caplog):
    caplog.set_level(logging.DEBUG)
    served = serve()
    rater = served.rater("?PROLIFIC_PID=p5a5a5a5a&STUDY_ID=s&SESSION_ID=t").begin()
    rater.rate(2)
    enter(served.browser(**LOCAL), served.study.folder.admin.read_text())
    own = [one for one in caplog.records if not one.name.startswith(("httpx", "httpcore"))]  # of the test's browser
    told = "\n".join(one.getMessage() for one in own)
    cookie = next(iter(rater.browser.cookies.values()))
    for secret in (
        "p5a5a5a5a",
        rater.proof,
        cookie,
        served.study.folder.secret.read_text(),
        served.study.folder.admin.read_text(),
    ):
        assert secret not in told


def test_only_who_owns_the_study_reads_answers_and_secrets(serve):
    served = serve()
    served.browser()
    for path in (served.study.folder.answers, served.study.folder.secret, served.study.folder.admin):
        assert path.stat().st_mode & 0o077 == 0, path


def test_small_answers_are_sent_at_once():
    import socket

    with _bound("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP  # what asyncio asks for before it sets TCP_NODELAY
