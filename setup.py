"""The packages of the wheel: the five rooms, and the published rows, which stand under results/ in a checkout."""

from setuptools import find_packages, setup

ROOMS = ("baselines", "benchmark", "foundation", "metrics", "vgg_monoaudio")

setup(
    packages=[
        *find_packages(include=[pattern for room in ROOMS for pattern in (room, f"{room}.*")]),
        "benchmark.published",
    ],
    package_dir={"benchmark.published": "results/published"},
)
