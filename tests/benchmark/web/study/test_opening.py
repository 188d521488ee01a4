"""A study is opened from wherever one is, and not when its secret is lost."""

import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from support.small_studies import Clock, Served

from benchmark.web.study.design import UnusableStudy
from benchmark.web.study.study import Study


def test_a_study_that_is_opened_by_a_relative_path_serves_its_clips_and_sounds(created, tmp_path, monkeypatch):
    once = created(headphone_check="warn", headphone_tries=1, tutorial=False)
    shutil.copytree(once, tmp_path / "studies" / "trial")
    monkeypatch.chdir(tmp_path)
    study = Study.opened(Path("studies/trial"), clock=(clock := Clock()))
    monkeypatch.chdir("/")
    try:
        rater = Served(study, clock).rater().go("/api/consent", agrees=True)
        rater.go("/api/checks/device", width=1280, height=720, canPlay=True)
        sounds = [one["sound"] for one in rater.browser.get("/api/checks/headphones").json()["trials"]]
        assert [rater.browser.get(sound).status_code for sound in sounds] == [200] * 6
        rater.go("/api/checks/headphones", answers=[1] * 6)
        clip = rater.browser.get(rater.item()["media"][0]["url"])
        assert (clip.status_code, clip.headers["content-type"]) == (200, "video/mp4")
        assert len(clip.content) > 1000
    finally:
        study.close()


def test_a_lost_secret_is_replaced_only_where_nobody_has_come(serve):
    served = serve()
    place = served.study.folder
    place.secret.unlink()
    Study.opened(place.path).close()
    served.rater()
    place.secret.unlink()
    with pytest.raises(UnusableStudy, match="secret: missing, and 1 rater holds cookies"):
        Study.opened(place.path)
    assert not place.secret.exists()


def test_another_secret_is_taken_only_where_nobody_has_come(serve):
    served = serve()
    place = served.study.folder
    own = place.secret.read_text()
    place.secret.write_text("5a" * 32)
    Study.opened(place.path).close()
    place.secret.write_text(own)
    Study.opened(place.path).close()
    served.rater()
    served.rater()
    Study.opened(place.path).close()
    place.secret.write_text("5a" * 32)
    told = "secret: not the secret that this study has signed with, and 2 raters hold cookies, links or codes"
    with pytest.raises(UnusableStudy, match=told):
        Study.opened(place.path)
    place.secret.write_text(own)
    Study.opened(place.path).close()


def test_raters_whom_an_earlier_version_wrote_are_found_by_their_codes(serve):
    served = serve()
    rater = served.rater().begin()
    rater.rate()
    code = re.search(r"\b[0-9A-F]{4}(-[0-9A-F]{4}){3}\b", rater.see())[0]
    served.study.close()
    with sqlite3.connect(served.study.folder.answers) as database:  # as the first form was
        for statement in (
            "DROP TABLE seals", "DROP INDEX by_code", "DROP INDEX by_step", "ALTER TABLE raters DROP COLUMN code_mark",
            "ALTER TABLE raters DROP COLUMN ended_early", "UPDATE alembic_version SET version_num = 's001'",
        ):  # fmt: skip
            database.execute(statement)
    again = Served(Study.opened(served.study.folder.path), served.clock)
    try:
        assert again.rater().post("/api/withdraw", code=code).json() == {"next": "/withdrawn"}
    finally:
        again.study.close()
