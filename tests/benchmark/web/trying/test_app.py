"""The page to try a model: films come in, questions are answered, and every refusal is a sentence."""

import io

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from benchmark.web import security
from benchmark.web.trying import app as app_module
from benchmark.web.trying import films as films_module
from benchmark.web.trying import line as line_module
from benchmark.web.trying.app import create_app
from foundation import media


@pytest.fixture
def heard(tmp_path):
    """Returns the sound that an answer's wav holds."""

    def read(visitor, answer):
        sent = visitor.client.get(answer["files"]["sound"])
        assert sent.headers["content-type"].startswith("audio/")
        return soundfile.read(io.BytesIO(sent.content))

    return read


def test_two_prompts_about_a_film_of_ones_own_give_two_sounds_each_with_its_film_and_picture(
    open_site, comes, clip, heard, tmp_path
):
    visitor = comes(open_site("reading"))
    film = visitor.send(clip).json()
    assert (film["name"], film["seconds"], film["prompts"]) == ("my clip.mp4", 2.0, [])
    first, second = visitor.answers(film, "dog barking", " train horn ", models=["reading"])
    assert [one["prompts"] for one in (first, second)] == [["dog barking"], ["train horn"]]
    assert [one["fault"] for one in (first, second)] == ["", ""]
    (one, rate), (other, _) = heard(visitor, first), heard(visitor, second)
    assert (rate, one.size) == (16_000, 32_000)
    assert np.abs(one - other).max() > 0.01
    with_sound = tmp_path / "answer.mp4"
    with_sound.write_bytes(visitor.client.get(first["files"]["film"]).content)
    assert media.probe(with_sound).video.frames == 50
    assert np.corrcoef(media.read_audio(with_sound, sample_rate=16_000)[4000:28_000], one[4000:28_000])[0, 1] > 0.99
    assert visitor.client.get(first["files"]["spectrogram"]).headers["content-type"] == "image/jpeg"


def test_seed_and_negative_prompt_reach_the_model(open_site, comes, clip, heard):
    visitor = comes(open_site("reading"))
    film = visitor.send(clip).json()
    plain, louder, another = (
        heard(visitor, visitor.answers(film, "bell", models=["reading"], **more)[0])[0]
        for more in ({}, {"seed": 4}, {"negative_prompt": "wind"})
    )
    assert np.abs(louder).max() == pytest.approx(5 * np.abs(plain).max(), rel=0.01)
    assert np.abs(plain - another).max() > 0.01


def test_a_scene_suggests_its_labels_and_a_control_answers_it_once_whatever_the_prompts(open_site, comes, tiny, heard):
    visitor = comes(open_site("reading", "oracle", "distractor"))
    sample = next(iter(tiny.benchmark))
    film = visitor.scene(sample.sample_id)
    assert film["prompts"] == [sample.label, sample.paired_label]
    answers = visitor.answers(film, *film["prompts"], models=["reading", "oracle", "distractor"])
    assert [(one["model"], one["prompts"]) for one in answers] == [
        ("reading", [sample.label]), ("reading", [sample.paired_label]), ("oracle", []), ("distractor", []),
    ]  # fmt: skip
    assert [one["fault"] for one in answers] == [""] * 4
    truth = media.read_audio(sample.target_audio, sample_rate=16_000, seconds=film["seconds"])
    np.testing.assert_allclose(heard(visitor, answers[2])[0], truth, atol=1e-4)
    assert np.abs(heard(visitor, answers[3])[0] - truth).max() > 0.05


def test_a_control_says_why_it_has_no_answer_to_a_film_of_ones_own(open_site, comes, clip):
    visitor = comes(open_site("oracle", "reading"))
    control, model = visitor.answers(visitor.send(clip).json(), "bell", models=["oracle", "reading"])
    assert control["fault"].startswith("A control answers from the sounds that a scene is made of, and nobody knows")
    assert (control["files"], model["fault"]) == ({}, "")


def test_what_goes_wrong_with_one_answer_is_its_own_sentence_by_the_name_of_the_film(open_site, comes, clip):
    visitor = comes(open_site("failing"))
    answers = visitor.answers(visitor.send(clip).json(), "refuse", "break", "bell", models=["failing"])
    assert [one["fault"] for one in answers] == ["my clip.mp4: too dark", "KeyError: 'frames'", ""]


def test_a_length_that_a_model_cannot_make_is_said(open_site, comes, film, tmp_path):
    visitor = comes(open_site("reading", at_most_seconds=9.0))
    long = visitor.send(film.write(tmp_path / "long.mp4", seconds=9, fps=5)).json()
    (answer,) = visitor.answers(long, "bell", models=["reading"])
    assert answer["fault"] == "model 'reading' makes at most 8 s, 9 s asked for"


def test_a_defect_costs_one_answer_and_the_next_question_is_answered(open_site, comes, clip, monkeypatch):
    visitor = comes(open_site("reading"))
    film = visitor.send(clip).json()
    with monkeypatch.context() as patch:
        patch.setattr("benchmark.web.trying.answering.spectrogram_jpeg", lambda *_: 1 / 0)
        (answer,) = visitor.answers(film, "bell", models=["reading"])
    assert answer["fault"] == "ZeroDivisionError: division by zero; the server's terminal says more"
    assert visitor.answers(film, "bell", models=["reading"])[0]["fault"] == ""


@pytest.mark.parametrize(
    ("content", "name", "shown"),
    [
        (b"not a film at all" * 100, "notes.mp4", "notes.mp4"),
        (b"", "", "film"),
        (b"x", "..\\..\\<b>evil</b>\x00.mp4", "b> .mp4"),
    ],
)
def test_what_is_no_film_is_refused_by_its_name_and_nothing_of_it_stays(open_site, comes, content, name, shown):
    site = open_site("reading")
    refused = comes(site).send(content, name)
    assert refused.status_code == 422
    assert refused.json()["error"].startswith(f"the film {shown} cannot be used: ")
    assert str(site.folder) not in refused.json()["error"]
    assert list((site.folder / "films").iterdir()) == []


def test_a_film_without_a_picture_or_with_too_little_is_refused(open_site, comes, film, tmp_path):
    visitor = comes(open_site("reading"))
    media.write_audio(tmp_path / "sound.wav", film.noise(1, seed=0), 16_000)
    assert visitor.send(tmp_path / "sound.wav").json()["error"] == "the film sound.wav cannot be used: no video stream"
    short = film.write(tmp_path / "short.mp4", seconds=0.08)
    why = "it has 0.08 s of picture; at least 0.1 s are needed"
    assert visitor.send(short).json()["error"] == f"the film short.mp4 cannot be used: {why}"


def test_a_film_that_is_too_large_is_refused_whether_it_says_its_length_or_not(open_site, comes, monkeypatch):
    monkeypatch.setattr(app_module, "LARGEST_FILM", 100_000)
    site = open_site("reading")
    visitor = comes(site)

    def pieces():
        for _ in range(200):
            yield b"x" * 1024

    for content in (b"x" * 100_001, pieces()):
        refused = visitor.client.post("/api/films", content=content, headers={"x-proof": visitor.proof})
        assert refused.status_code == 413
        assert refused.json()["error"] == "the request is too large: at most 100,000 bytes"
    assert list((site.folder / "films").iterdir()) == []
    assert security.LARGEST_BODY < 100_000  # else the bound of all other requests would have refused it


def test_a_full_disk_is_said_before_a_film_is_taken(open_site, comes, clip, monkeypatch):
    from types import SimpleNamespace

    visitor = comes(open_site("reading"))
    monkeypatch.setattr("foundation.disk.shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    refused = visitor.send(clip)
    assert refused.status_code == 507
    assert "the disk has" in refused.json()["error"]


def test_a_film_that_browsers_do_not_play_is_shown_as_a_copy_and_given_to_the_model_as_it_is(
    open_site, comes, film, tmp_path
):
    import shutil

    film.write(tmp_path / "film.mp4", seconds=2, size=(64, 96))
    shutil.copy(tmp_path / "film.mp4", tmp_path / "film.mkv")
    site = open_site("reading")
    visitor = comes(site)
    sent = visitor.send(tmp_path / "film.mkv").json()
    played = visitor.client.get(sent["address"])
    assert (played.status_code, played.headers["content-type"]) == (200, "video/mp4")
    kept = site.films.film(sent["key"])
    assert kept.path.read_bytes() == (tmp_path / "film.mkv").read_bytes()
    assert kept.played.read_bytes() == played.content != kept.path.read_bytes()


def test_the_oldest_film_goes_when_there_are_too_many(open_site, comes, clip, monkeypatch):
    monkeypatch.setattr(films_module, "MOST_FILMS", 2)
    site = open_site("reading")
    visitor = comes(site)
    first, *others = [visitor.send(clip).json() for _ in range(3)]
    assert len(list((site.folder / "films").iterdir())) == 2
    refused = visitor.ask(first, "bell", models=["reading"])
    assert (refused.status_code, refused.json()["error"]) == (404, "the film is no longer kept; send it again")
    assert all(visitor.client.get(one["address"]).status_code == 200 for one in others)


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"models": ["selva"]}, 422, "models: 'selva' is not tried here; there are: reading"),
        ({"models": []}, 422, "models: "),
        ({"prompts": []}, 422, "prompts: "),
        ({"prompts": ["  "]}, 422, "prompts.0: "),
        ({"prompts": ["a"] * 5}, 422, "prompts: "),
        ({"prompts": ["a" * 301]}, 422, "prompts.0: "),
        ({"seed": -1}, 422, "seed: "),
        ({"seed": 2**53}, 422, "seed: "),
        ({"film": "scene:inter/nothing"}, 404, "the film is no longer kept; send it again"),
        ({"film": "../../etc/passwd"}, 404, "the film is no longer kept; send it again"),
    ],
)
def test_a_question_that_cannot_be_asked_says_which_part_of_it(open_site, comes, clip, change, status, error):
    visitor = comes(open_site("reading"))
    body = {"film": visitor.send(clip).json()["key"], "models": ["reading"], "prompts": ["bell"], **change}
    refused = visitor.client.post("/api/tries", json=body, headers={"x-proof": visitor.proof})
    assert refused.status_code == status
    assert refused.json()["error"].startswith(error)


@pytest.fixture
def at_work(open_site, comes, clip):
    """A visitor whose first question, of two prompts, is being answered until `waiting` is let go."""
    site = open_site("waiting", "reading")
    visitor = comes(site)
    film = visitor.send(clip).json()
    key = visitor.ask(film, "bell", "gong", models=["waiting"]).json()["key"]
    model = site.models.asked("waiting", site.films.film(film["key"]), site.films.benchmark)
    assert model.begun.wait(60)
    return visitor, film, key, model


def test_one_question_is_answered_at_a_time_and_the_others_say_how_many_are_before_them(at_work):
    visitor, film, first, model = at_work
    second, third = (visitor.ask(film, "bell", models=["reading"]).json()["key"] for _ in range(2))
    now = visitor.client.get(f"/api/tries/{first}").json()
    assert (now["state"], now["parts"], now["now"]["prompts"], now["answers"]) == ("working", 2, ["bell"], [])
    waiting = [visitor.client.get(f"/api/tries/{key}").json() for key in (second, third)]
    assert [(one["state"], one["before"]) for one in waiting] == [("waiting", 1), ("waiting", 2)]
    model.let_go.set()
    assert [len(visitor.until(key, "done")["answers"]) for key in (first, second, third)] == [2, 1, 1]


def test_a_question_that_is_stopped_ends_after_the_part_under_way_and_the_next_begins(at_work):
    visitor, film, first, model = at_work
    second, third = (visitor.ask(film, "bell", models=["reading"]).json()["key"] for _ in range(2))
    for key in (first, second):
        assert visitor.client.post(f"/api/tries/{key}/stop", headers={"x-proof": visitor.proof}).status_code == 204
    model.let_go.set()
    visitor.until(third, "done")
    assert len(visitor.until(first, "stopped")["answers"]) == 1
    assert visitor.until(second, "stopped")["answers"] == []


def test_a_line_that_is_full_says_so(at_work, monkeypatch):
    visitor, film, _, _ = at_work
    monkeypatch.setattr(line_module, "MOST_WAITING", 1)
    assert visitor.ask(film, "bell", models=["reading"]).status_code == 200
    refused = visitor.ask(film, "bell", models=["reading"])
    said = "the line is full, with 1 waiting; ask again when one of them is done"
    assert (refused.status_code, refused.json()["error"]) == (503, said)


def test_who_has_not_the_link_gets_nothing(open_site, comes, clip):
    site = open_site("reading")
    film = comes(site).send(clip).json()
    stranger = TestClient(create_app(site))
    for address in ("/", "/?key=", f"/?key={'0' * 64}"):
        refused = stranger.get(address)
        assert (refused.status_code, "This page opens by its link" in refused.text) == (403, True)
    for address in ("/api/scenes", "/api/film?key=x", film["address"], "/api/tries/x", "/tries/x/0/film"):
        assert stranger.get(address).status_code == 403
    assert stranger.post("/api/films", content=b"x").status_code == 403
    assert stranger.post("/api/tries", json={"film": "x", "models": ["reading"], "prompts": ["a"]}).status_code == 403


def test_a_request_that_is_none_of_the_pages_changes_nothing(open_site, comes, clip):
    site = open_site("reading")
    visitor = comes(site)
    film = visitor.send(clip).json()
    visitor.proof = "0" * 64
    assert visitor.send(clip).status_code == 403
    assert visitor.ask(film, "bell", models=["reading"]).status_code == 403
    assert visitor.client.post("/api/tries/x/stop").status_code == 403
    assert len(list((site.folder / "films").iterdir())) == 1


def test_scenes_are_found_by_all_words_of_a_label(open_site, comes, tiny, monkeypatch):
    visitor = comes(open_site("reading"))
    everything = visitor.client.get("/api/scenes").json()
    assert everything["count"] == len(everything["scenes"]) == len(list(tiny.benchmark))
    sample = next(iter(tiny.benchmark))
    words = f"{sample.paired_label.split()[1].upper()} {sample.label.split()[0]}"
    found = visitor.client.get("/api/scenes", params={"find": words}).json()["scenes"]
    assert 0 < len(found) < everything["count"]
    assert all(sample.label in title and sample.paired_label in title for _, title in found)
    monkeypatch.setattr(films_module, "MOST_SCENES", 2)
    fewer = visitor.client.get("/api/scenes").json()
    assert (len(fewer["scenes"]), fewer["count"]) == (2, everything["count"])


def test_a_scene_that_is_not_the_one_that_was_built_is_refused(open_site, comes, tiny, monkeypatch):
    from vgg_monoaudio.dataset import Benchmark, BenchmarkError

    def other(self, paths):
        raise BenchmarkError("scene.mp4 has changed")

    visitor = comes(open_site("reading"))
    monkeypatch.setattr(Benchmark, "check_files", other)
    (key, _), *_ = visitor.client.get("/api/scenes").json()["scenes"]
    refused = visitor.client.get("/api/film", params={"key": key})
    assert (refused.status_code, refused.json()["error"]) == (409, "scene.mp4 has changed")


def test_answers_that_are_no_longer_kept_are_gone_from_the_disk(open_site, comes, clip, monkeypatch):
    monkeypatch.setattr(line_module, "MOST_KEPT", 1)
    site = open_site("reading")
    visitor = comes(site)
    film = visitor.send(clip).json()
    first = visitor.ask(film, "bell", models=["reading"]).json()["key"]
    visitor.until(first, "done")
    second = visitor.ask(film, "gong", models=["reading"]).json()["key"]
    visitor.until(second, "done")
    assert visitor.client.get(f"/api/tries/{first}").status_code == 404
    assert [folder.name for folder in (site.folder / "answers").iterdir()] == [second]
