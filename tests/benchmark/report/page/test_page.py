import errno
import html
import json
import math
import os
import re
import shutil
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.report import write_report
from benchmark.report.page.data import embedded
from benchmark.report.page.media import drop_unused, link_or_copy, place_media
from benchmark.runs import RunDirectory, UnusableRun
from foundation.files import WriteFailed
from foundation.media import write_audio
from metrics.registry import get_metric
from vgg_monoaudio.dataset import load_benchmark


def page_json(path):
    text = path.read_text()
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_the_page_and_its_folder_hold_everything_the_cards_need(made):
    data, folder = page_json(made.paths.html), made.paths.html.parent
    assert data["media"] == made.paths.media.name
    for subset in data["subsets"]:
        for place, sample in enumerate(subset["sample_id"]):
            assert (folder / data["media"] / "scenes" / subset["name"] / f"{sample}.mp4").is_file()
            assert (folder / data["media"] / "pictures" / subset["scenes"][place]).is_file()
            assert (folder / data["media"] / "pictures" / subset["soundtracks"][place]).is_file()
            assert subset["soundtracks"][place] != subset["scenes"][place]
            for clip in (subset["target_id"][place], subset["paired_id"][place]):
                assert (folder / data["media"] / "sources" / f"{clip}.wav").is_file()
                assert (folder / data["media"] / "pictures" / data["sources"][clip]).is_file()
            for model, answers in subset["models"].items():
                if answers["pictures"][place] is not None:
                    assert (folder / data["media"] / "answers" / model / subset["name"] / f"{sample}.wav").is_file()
                    assert (folder / data["media"] / "pictures" / answers["pictures"][place]).is_file()


def test_scores_of_samples_equal_the_parquet_after_rounding(made):
    data = page_json(made.paths.html)
    compared = 0
    for run in made.runs:
        record, table = run.read_metrics(), pd.read_parquet(run.samples_parquet)
        subset = next(part for part in data["subsets"] if part["name"] == record.benchmark.subset)
        for metric, shown in subset["models"][record.model.name]["scores"].items():
            wanted = [round(v, get_metric(metric).decimals) if math.isfinite(v) else None for v in table[metric]]
            assert shown == wanted
            compared += len(wanted)
    assert compared > 200


def test_a_failed_sample_is_shown_with_its_reason(made):
    inter = page_json(made.paths.html)["subsets"][0]
    assert inter["models"]["old-foley"]["failed"] == {"1": "GenerationError: no answer"}
    assert inter["models"]["old-foley"]["pictures"][1] is None


def test_the_page_names_nothing_outside_its_folder(made):
    text = html.unescape(made.paths.html.read_text())
    assert not re.search(r"(?:src|href|url\()\s*=?\s*[\"'(]?(?:https?:)?//", text)
    assert "default-src 'none'" in text
    assert str(made.benchmark) not in text
    assert str(made.runs[0].path.parent) not in text


def test_data_in_the_page_cannot_end_its_own_script_element():
    hostile = {"label": "</script><script>alert(1)</script>\u2028"}
    assert "<" not in embedded(hostile)
    assert json.loads(embedded(hostile)) == hostile


def test_media_are_links_to_the_originals_so_they_cost_no_space(made):
    sample = made.runs[0].read_metrics()
    audio = next((made.runs[0].path / "audio").glob("*.wav"))
    placed = made.paths.media / "answers" / sample.model.name / sample.benchmark.subset / audio.name
    assert placed.samefile(audio)


def test_media_are_copied_where_links_are_not_possible(tmp_path, monkeypatch):
    source, target = tmp_path / "a.wav", tmp_path / "out" / "a.wav"
    source.write_bytes(b"sound")

    def refuse(self, other):
        raise OSError("cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    link_or_copy(source, target)
    assert target.read_bytes() == b"sound"
    assert not target.samefile(source)


def test_a_file_that_changed_is_placed_again(tmp_path):
    source, target = tmp_path / "a.wav", tmp_path / "out" / "a.wav"
    source.write_bytes(b"first")
    link_or_copy(source, target)
    source.unlink()
    source.write_bytes(b"second")
    link_or_copy(source, target)
    assert target.read_bytes() == b"second"


def test_a_file_that_nobody_can_draw_costs_its_picture_and_not_the_page(tmp_path, monkeypatch, caplog):
    def stumble(path):
        raise ZeroDivisionError("integer modulo by zero")

    write_audio(tmp_path / "a.wav", np.zeros(1600), 16_000)
    monkeypatch.setattr("benchmark.report.page.media._spectrogram", stumble)
    placed = place_media(tmp_path / "media", {"a.wav": tmp_path / "a.wav"}, [tmp_path])["a.wav"]
    assert (placed.file, placed.picture) == ("media/a.wav", "")
    assert placed.problem == "no picture: ZeroDivisionError: integer modulo by zero"
    assert "in stumble" in caplog.text


def test_a_second_report_draws_nothing_again_and_drops_what_is_no_longer_shown(world, tmp_path, monkeypatch):
    for name, pitch in (("a", 200), ("b", 300)):
        write_audio(tmp_path / f"{name}.wav", world.tone(pitch), 16_000)
    media = tmp_path / "media"
    first = place_media(media, {"answers/a.wav": tmp_path / "a.wav", "answers/b.wav": tmp_path / "b.wav"}, [tmp_path])
    monkeypatch.setattr("benchmark.report.page.media._spectrogram", lambda path: pytest.fail("drawn again"))
    second = place_media(media, {"answers/a.wav": tmp_path / "a.wav"}, [tmp_path])
    drop_unused(media, second.values())
    assert second["answers/a.wav"] == first["answers/a.wav"]
    assert {path.name for path in media.rglob("*.wav")} == {"a.wav"}
    assert len(list((media / "pictures").iterdir())) == 1


def test_a_file_that_cannot_be_read_is_placed_without_picture_and_says_why(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF no sound in here")
    placed = place_media(
        tmp_path / "media", {"a.wav": tmp_path / "broken.wav", "b.wav": tmp_path / "absent.wav"}, [tmp_path]
    )
    assert (placed["a.wav"].file, placed["a.wav"].picture) == ("media/a.wav", "")
    assert placed["a.wav"].problem
    assert placed["b.wav"].file == ""
    assert "no such file" in placed["b.wav"].problem


def test_only_files_of_the_folders_given_are_linked_and_a_stray_is_named(world, tmp_path, caplog):
    run = world.write_run(tmp_path / "scratch", "tiny-foley", audio=True)
    first, second = (run.audio(sample) for sample in world.sample_ids("inter")[:2])
    first.unlink()
    secret = tmp_path / "secret"
    secret.write_text("not for the page")
    first.symlink_to(secret)
    second.unlink()
    os.mkfifo(second)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "linked").symlink_to(run.path)
    paths = write_report([RunDirectory(tmp_path / "runs" / "linked")], tmp_path / "out" / "report")
    linked = sorted(path.stem for path in paths.media.rglob("*.wav"))
    assert linked == sorted(world.sample_ids("inter")[2:])
    assert f"{first.name}: not on the page, a link leads out of the benchmark's or the run's folder" in caplog.text
    assert secret.stat().st_nlink == 1


def test_what_a_file_is_and_is_called_the_link_says_that_leads_to_it(film, tmp_path):
    """As in a cache of downloads, where names are links to files that are called by their hash."""
    film.write(tmp_path / "scene.mp4", seconds=0.2).rename(tmp_path / "0a1b2c")
    (tmp_path / "scene.mp4").symlink_to(tmp_path / "0a1b2c")
    placed = place_media(tmp_path / "media", {"scenes/scene.mp4": tmp_path / "scene.mp4"}, [tmp_path])
    assert placed["scenes/scene.mp4"].file == "media/scenes/scene.mp4"
    assert placed["scenes/scene.mp4"].picture  # of a film without sound: a frame
    assert (placed["scenes/scene.mp4"].soundtrack, placed["scenes/scene.mp4"].problem) == ("", "")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "3d4e5f")
    lost = place_media(tmp_path / "media", {"scenes/gone.wav": tmp_path / "gone.wav"}, [tmp_path])
    assert lost["scenes/gone.wav"].problem == "gone.wav: no such file"


def test_a_link_to_itself_is_no_file(tmp_path):
    loop = tmp_path / "loop.wav"
    loop.symlink_to(loop)
    placed = place_media(tmp_path / "media", {"sources/a.wav": loop}, [tmp_path])
    assert placed["sources/a.wav"].problem == "loop.wav: no such file"


@pytest.mark.parametrize("name", ["home", "home/letter.txt", ".", ".."])
def test_a_report_is_not_written_over_a_folder_of_something_else(world, tmp_path, look_at, name):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter.txt").write_text("kept")
    run = world.write_run(tmp_path / "runs", "tiny-foley")
    before = look_at(tmp_path)
    with pytest.raises(ValueError, match=r"^out: "):
        write_report([run], Path(name) if name.startswith(".") else tmp_path / name)
    assert look_at(tmp_path) == before


@pytest.fixture
def look_at():
    return lambda folder: sorted(path for path in folder.rglob("*"))


def test_files_of_others_in_the_folder_of_a_report_are_kept(world, tmp_path):
    run = world.write_run(tmp_path / "runs", "tiny-foley", audio=True)
    out = tmp_path / "out" / "report"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept.wav").touch()
    out.mkdir(parents=True)
    (out / ".hidden").touch()
    (out / "scenes").symlink_to(tmp_path / "elsewhere")
    write_report([run], out)
    assert (tmp_path / "elsewhere" / "kept.wav").exists()
    assert (out / ".hidden").exists()


def test_page_and_folder_can_be_moved_together(made, tmp_path):
    shutil.copytree(made.paths.html.parent, tmp_path / "sent")
    data = page_json(tmp_path / "sent" / made.paths.html.name)
    assert (tmp_path / "sent" / data["media"]).is_dir()


def test_without_the_benchmark_directory_the_page_plays_the_answers_alone(world, tmp_path):
    run = world.write_run(tmp_path / "runs", "tiny-foley", audio=True)
    data = page_json(write_report([run], tmp_path / "out" / "report").html)
    assert data["sources"] == {}
    assert set(data["subsets"][0]["scenes"]) == {None}
    assert None not in data["subsets"][0]["models"]["tiny-foley"]["pictures"]


def test_runs_that_list_other_samples_are_refused(world, tmp_path):
    runs = [world.write_run(tmp_path / "runs", model) for model in ("oracle", "tiny-foley")]
    pd.read_parquet(runs[1].samples_parquet).iloc[::-1].to_parquet(runs[1].samples_parquet)
    with pytest.raises(UnusableRun, match=r"lists other samples of inter than .*tiny-foley"):
        write_report(runs, tmp_path / "out" / "report")


def test_a_run_without_samples_is_refused_by_path(world, tmp_path):
    run = world.write_run(tmp_path / "runs", "oracle")
    run.samples_parquet.unlink()
    with pytest.raises(UnusableRun, match=r"samples\.parquet: no such file"):
        write_report([run], tmp_path / "out" / "report")


def test_the_same_runs_give_the_same_bytes(made, tmp_path):
    paths = write_report(made.runs, tmp_path / "report", benchmark_dirs={"demo": made.benchmark})
    assert paths.html.read_bytes() == made.paths.html.read_bytes()
    assert paths.csv.read_bytes() == made.paths.csv.read_bytes()


def test_numbers_that_are_not_finite_never_reach_the_page():
    with pytest.raises(ValueError, match="Out of range float"):
        embedded({"value": np.nan})


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def scored_on(world, folder):
    """A benchmark, and two runs that were scored on it."""
    home = world.write_benchmark(folder / "demo")
    settings = world.Settings(fingerprint=load_benchmark(home).fingerprint("inter"))
    models = ("oracle", "tiny-foley")
    return {"demo": home}, [world.write_run(folder / "runs", model, settings=settings, audio=True) for model in models]


def test_the_old_page_keeps_its_media_until_the_new_one_is_in_its_place(world, tmp_path, monkeypatch):
    benchmark, runs = scored_on(world, tmp_path)
    write_report(runs, tmp_path / "report", benchmark_dirs=benchmark)
    before = {path for path in (tmp_path / "report").rglob("*") if path.is_file()}

    def killed(path, text):
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmark.report.page.write.write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        write_report(runs[:1], tmp_path / "report", benchmark_dirs=benchmark)
    assert before <= {path for path in (tmp_path / "report").rglob("*") if path.is_file()}


def test_two_reports_at_once_in_one_place_leave_one_of_them_whole(world, tmp_path):
    benchmark, runs = scored_on(world, tmp_path)
    kinds = {run.path.name: [run] for run in runs}
    for model, runs in kinds.items():
        write_report(runs, tmp_path / model / "report", benchmark_dirs=benchmark)
    start, errors = threading.Barrier(len(kinds)), []

    def write(runs):
        start.wait()
        try:
            write_report(runs, tmp_path / "both" / "report", benchmark_dirs=benchmark)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(runs,)) for runs in kinds.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert tree(tmp_path / "both") in [tree(tmp_path / model) for model in kinds]


def test_a_picture_that_a_loss_of_power_emptied_is_drawn_again(world, tmp_path):
    write_audio(tmp_path / "a.wav", world.tone(200), 16_000)
    wanted = {"answers/a.wav": tmp_path / "a.wav"}
    picture = tmp_path / place_media(tmp_path / "media", wanted, [tmp_path])["answers/a.wav"].picture
    drawn = picture.read_bytes()
    picture.write_bytes(b"")
    place_media(tmp_path / "media", wanted, [tmp_path])
    assert picture.read_bytes() == drawn


def test_pictures_of_a_killed_report_are_no_part_of_the_next(world, tmp_path, killed_writers):
    left = killed_writers(tmp_path / "report" / "pictures", "abc.jpg")
    left.touch()
    write_report([world.write_run(tmp_path / "runs", "oracle", audio=True)], tmp_path / "report")
    assert not left.exists()


@pytest.fixture
def place(world, tmp_path):
    """Place two sounds in a media folder of this name, with pictures from one cache; return the pictures."""
    for name, pitch in (("a", 200), ("b", 300)):
        write_audio(tmp_path / f"{name}.wav", world.tone(pitch), 16_000)
    wanted = {f"answers/{name}.wav": tmp_path / f"{name}.wav" for name in "ab"}

    def placed(name, cache="cache"):
        folder = tmp_path / name / "media"
        found = place_media(folder, wanted, [tmp_path], cache=None if cache is None else tmp_path / cache)
        return [folder.parent / item.picture for item in found.values()]

    return placed


@pytest.fixture
def drawn(monkeypatch):
    """The names of the sounds that are drawn."""
    from benchmark.report.page import media

    seen, original = [], media._spectrogram
    monkeypatch.setattr(media, "_spectrogram", lambda path: seen.append(path.name) or original(path))
    return seen


def kept_for(picture, tmp_path):
    return tmp_path / "cache" / "pictures" / picture.name[:2] / picture.name


def test_a_report_into_another_folder_draws_nothing_again(place, drawn, tmp_path):
    first, second = place("one"), place("two")
    assert sorted(drawn) == ["a.wav", "b.wav"]
    assert [path.read_bytes() for path in second] == [path.read_bytes() for path in first]
    assert second[0].samefile(kept_for(second[0], tmp_path))  # a link: it costs no space
    alone = place("three", cache=None)
    assert len(drawn) == 4
    assert [path.read_bytes() for path in alone] == [path.read_bytes() for path in first]


def test_pictures_that_a_page_drops_stay_in_the_cache(place, drawn, tmp_path):
    place("one")
    drop_unused(tmp_path / "one" / "media", [])
    assert list((tmp_path / "one" / "media" / "pictures").iterdir()) == []
    place("one")
    assert len(drawn) == 2


@pytest.mark.parametrize("damage", [b"", b"\xff\xd8 cut", bytes(100)], ids=["emptied", "cut", "zeroed"])
def test_a_kept_picture_that_was_damaged_is_drawn_again(place, drawn, tmp_path, damage):
    (picture, _) = place("one")
    whole = picture.read_bytes()
    kept_for(picture, tmp_path).unlink()
    kept_for(picture, tmp_path).write_bytes(damage)
    assert place("two")[0].read_bytes() == whole == kept_for(picture, tmp_path).read_bytes()
    assert drawn.count("a.wav") == 2


def test_a_cache_that_may_not_be_written_to_is_read_and_the_rest_is_drawn(place, drawn, tmp_path, monkeypatch):
    (picture, _) = place("one")
    kept_for(picture, tmp_path).unlink()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert place("two")[0].read_bytes() == picture.read_bytes()
    assert (drawn.count("a.wav"), drawn.count("b.wav")) == (2, 1)
    assert not kept_for(picture, tmp_path).exists()
    (tmp_path / "no folder").write_text("a file")
    assert all(path.is_file() for path in place("three", cache="no folder"))


def test_a_cache_that_cannot_take_one_picture_costs_none(place, drawn, tmp_path, caplog):
    (picture, _) = place("one")
    kept = kept_for(picture, tmp_path)
    kept.unlink()
    kept.mkdir()  # something else stands in its place
    assert place("two")[0].read_bytes() == picture.read_bytes()
    assert "cannot be kept for other pages" in caplog.text


def test_a_full_disk_is_said_once_not_for_every_picture(place, drawn, monkeypatch, caplog):
    def full(*_given, **_how):
        raise WriteFailed(errno.ENOSPC, os.strerror(errno.ENOSPC), "x.jpg")

    monkeypatch.setattr("benchmark.report.page.media.replacing", full)
    with pytest.raises(WriteFailed, match=r"x\.jpg: cannot be written"):
        place("one")
    assert caplog.text == ""
