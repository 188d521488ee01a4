"""The folder of somebody who follows the documents: benchmarks, finished runs, clips and files, called as pages do."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark import Choices, evaluate, generate
from benchmark.web.study.study import Study
from foundation import media
from support import rated_studies
from support.documents import ROOT, Block, blocks_of
from support.printed_commands import run_here, started
from support.small_films import write_film
from support.small_scenes import small_scenes
from support.small_studies import Clock, Served
from vgg_monoaudio.building.scenes import Settings, build_benchmark
from vgg_monoaudio.demo.clips import demo_sources

SECONDS = 5.0  # of the scenes; synchrony is judged on 4.8
CLAIMED = "SELECT item FROM placements WHERE state = 'claimed' ORDER BY rater_id DESC, position LIMIT 1"
CONTROLS = ("oracle", "mixture", "distractor", "noise")
CHOICES = Choices(profile="signal", resamples=60)
NETWORK = """
import numpy as np

def my_network(video, prompt, *, seed):
    return np.random.default_rng(seed).uniform(-0.1, 0.1, round(5.0 * 16_000)).astype(np.float32)
"""


def lay_out(folder: Path, films: Path) -> Path:
    """Write what the pages take for granted, from four films of 5 s, which are called as clips of the demo."""
    one_a_label = demo_sources().drop_duplicates("label")
    sources = one_a_label.groupby("category", sort=False).head(2).head(4).reset_index(drop=True)
    files = dict(zip(sources["clip_id"], sorted(films.iterdir()), strict=True))
    for name in ("demo", "vgg-monoaudio"):
        settings = Settings(name=name, inter_pairs=4, duration_seconds=SECONDS)
        with small_scenes():
            build_benchmark(sources, files, folder / "data" / name, settings)
    runs, cache = folder / "results" / "runs", folder / "results" / "cache"
    answers = [("demo", model, model) for model in CONTROLS]
    for benchmark, model, name in (*answers, ("vgg-monoaudio", "mixture", "selva")):
        data = folder / "data" / benchmark
        evaluate(
            generate(data, model, subset="inter", runs=runs, run_name=name, workers=0), data, CHOICES, cache=cache,
            workers=0,
        )  # fmt: skip
    for subset in ("inter", "intra"):
        run = generate(folder / "data" / "demo", "mixture", subset=subset, runs=folder / "elsewhere", workers=0)
        shutil.copytree(run.path / "audio", folder / "my_outputs", dirs_exist_ok=True)
    shutil.copytree(runs / "vgg-monoaudio", folder / "my-runs" / "vgg-monoaudio")
    shutil.copytree(ROOT / "docs" / "examples", folder / "docs" / "examples")
    _write_films_and_sounds(folder, list(sources["clip_id"]))
    sources.to_csv(folder / "my.csv", index=False)
    _write_tables(folder)
    return folder


def _write_films_and_sounds(folder: Path, clips: list[str]) -> None:
    """Write clips, a film, and folders of films and sounds that have the same names; all as long as a scene, 8 s."""
    (folder / "of-the-reader" / "clips").mkdir(parents=True)
    for place, clip in enumerate(clips, 1):
        write_film(folder / "of-the-reader" / "clips" / f"{clip}.mp4", pitch=300 * place, seconds=8.4)
    for place, name in enumerate(("generated", "reference", "films")):
        (folder / name).mkdir()
        for pitch, clip in enumerate(("dog", "harp", "rain", "bell"), 2):
            if name == "films":
                write_film(folder / name / f"{clip}.mp4", pitch=200 * pitch, seconds=8.0)
            else:
                noise = np.random.default_rng([place, pitch]).normal(0, 0.05 * pitch, 8 * 16_000)
                media.write_audio(folder / name / f"{clip}.wav", noise.astype(np.float32).clip(-1, 1), 16_000)


def _write_tables(folder: Path) -> None:
    """Write prompts, a list of films, and what people said of sounds in each form that can be read."""
    prompts = "name,prompt\ndog,dog barking\nharp,playing harp\nrain,raining\nbell,ringing bell\n"
    (folder / "prompts.csv").write_text(prompts)
    (folder / "mine.csv").write_text("video,prompt,audio\nfilms/dog.mp4,dog barking,films/dog.mp4\n")
    study = rated_studies.Study(raters=6, scenes=6, each=3, effects={"a": 2.4, "b": 3.6})
    rated_studies.written(_short(rated_studies.ratings(study, 0)), folder / "ratings.csv")
    chosen = rated_studies.preferences({"a": 0.0, "b": 0.5}, 0.1, 0, raters=6, scenes=6, each=4)
    rated_studies.written(chosen, folder / "preferences.csv")
    axes = ("Production_Quality", "Production_Complexity", "Content_Enjoyment", "Content_Usefulness")
    said = [
        {"data_path": f"/PAM/audio/{model}/index_{place}.wav", **{axis: [4.0 + place, 6.0] for axis in axes}}
        for model in ("audiogen_m", "real")
        for place in range(3)
    ]
    (folder / "AES_PAM.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in said))


def _short(ratings: pd.DataFrame) -> pd.DataFrame:
    return ratings[["subset", "sample_id", "model", "rater", "AQ", "TA", "VA"]]


class Reader:
    """Follows a page: types what it prints, saves what it names as a file, and does by hand what it asks people to do.

    Args:
        folder: where; the current folder, too.
        patch: undoes what a command changes of this process.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self._patch = folder, patch

    def follow(self, text: str, page: str) -> list[str]:
        """Follow every block of a page in turn; return the lines that were run.

        Raises:
            AssertionError: a line does not run; the message begins with its place.
        """
        return [line for block in blocks_of(text, page) for line in self._follow(block)]

    def _follow(self, block: Block) -> list[str]:
        if block.file_name:
            own = NETWORK if "my_network(" in block.text else ""
            (self.folder / block.file_name).write_text(block.text + own, encoding="utf-8")
        if not block.runs:
            return []
        if block.language == "python" and block.file_name:  # a command that names the file runs it
            return []
        if block.language == "python":
            self._here(f"{block}", lambda: self._python(block))
            return [str(block)]
        lines = [(number, line) for number, line in block.commands() if number not in block.needs]
        for number, line in lines:
            self._here(f"{block.page}:{block.line + number}: {line}", lambda line=line: self._type(line))
        return [line for _, line in lines]

    def _here(self, where: str, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            raise AssertionError(f"{where}\n{type(error).__name__}: {error}") from error

    def _type(self, line: str) -> None:
        for beginning, act in BY_HAND.items():
            if line.startswith(beginning):
                return act(self.folder)
        for words in started(line):
            own = [word.replace("/data/", f"{self.folder}/of-the-reader/") for word in words]
            with small_scenes():
                run_here(own, self._patch)
        return None

    def _python(self, block: Block) -> None:
        code = "\n" * block.line + block.text  # so that a traceback names the page's own lines
        exec(compile(code, block.page, "exec"), {"__name__": "__main__"})


def edit_the_study(folder: Path) -> None:
    """Set `samples = 2` in the file of settings, as the page says."""
    text = (folder / "study.toml").read_text(encoding="utf-8")
    changed, found = re.subn(r"(?m)^samples = \d+", "samples = 2", text)
    assert found == 1, text
    (folder / "study.toml").write_text(changed, encoding="utf-8")


def take_part(folder: Path) -> None:
    """Judge every item of the first study as one careful rater, on the pages that `serve` would show."""
    clock = Clock(time.time())
    study = Study.opened(folder / "results" / "studies" / "first-study", clock=clock)
    rater = Served(study, clock).rater().go("/api/consent", agrees=True)
    rater.go("/api/checks/device", width=1280, height=720, canPlay=True)
    key = study.tokens.opened("rater", rater.browser.cookies[f"rater-{study.mark}"])
    softest = {trial.sound: trial.softest for trial in study.design.headphones}
    shown = rater.browser.get("/api/checks/headphones").json()["trials"]
    sounds = (one["sound"].removeprefix("/sound/").removesuffix(".wav") for one in shown)
    rater.go(
        "/api/checks/headphones", answers=[softest[study.tokens.opened("sound", one, owner=key)] for one in sounds]
    )
    rater.go("/api/tutorial")
    attention = {item.item: int(next(iter(item.expected.values()))) for item in study.design.attention}
    given = set()
    while "token" in (item := rater.item()):
        with study.database.reading() as session:
            name = session.connection().exec_driver_sql(CLAIMED).scalar_one()
        rater.watch(item)
        clock.forward(3)
        points = attention.get(name, 1 + sum(name.encode()) % 5)  # the same where an item comes again
        assert rater.answer(item, points).status_code == 200
        given.add(name)
    assert given > attention.keys()
    (folder / "my-study").symlink_to("results/studies/first-study")  # what the page calls it further below


BY_HAND: Mapping[str, Callable[[Path], None]] = {
    "$EDITOR study.toml": edit_the_study,
    "python -m benchmark study serve results/studies/first-study": take_part,
}


def tools(folder: Path) -> Path:
    """Write a folder for PATH in which `python` is the interpreter that runs the tests."""
    program = folder / "bin" / "python"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    return program.parent
