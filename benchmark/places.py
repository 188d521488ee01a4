"""Where things lie by default, relative to the working directory."""

from pathlib import Path

DATA = Path("data")  # benchmarks, one folder each
DEMO = DATA / "demo"
FULL = DATA / "vgg-monoaudio"
SINGLE = DATA / "vggsound-test"
CLIPS = DATA / "clips"

DEFAULT_RUNS = Path("results/runs")
DEFAULT_CACHE = Path("results/cache")  # features, by content
DEFAULT_COPIES = DEFAULT_CACHE / "remote"  # of what is on object stores
DEFAULT_REPORT = Path("results/report")  # without an ending
DEFAULT_REPRODUCTIONS = Path("results/reproduce")  # <table>.md and .json
DEFAULT_FIGURES = Path("results/figures")
DEFAULT_ANALYSES = Path("results/analyses")  # what is made of the ratings of a study, a folder each
DEFAULT_STUDIES = Path("results/studies")  # one folder each
DEFAULT_TRAINING = Path("results/training")  # one folder a run
