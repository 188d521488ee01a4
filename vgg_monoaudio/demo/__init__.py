"""The embedded demo: clips that are drawn and played by formulas, and the small benchmark made of them."""

from typing import TYPE_CHECKING

from foundation.names import lazy_exports

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from vgg_monoaudio.demo.benchmark import DEMO_SETTINGS, build_demo_benchmark
    from vgg_monoaudio.demo.clips import (
        DEMO_LABELS,
        SECONDS,
        TAKES,
        DemoClip,
        demo_clip,
        demo_sources,
        write_demo_clip,
        write_demo_sources,
    )

_HOMES = {
    "SECONDS": "vgg_monoaudio.demo.clips",
    "TAKES": "vgg_monoaudio.demo.clips",
    "DEMO_LABELS": "vgg_monoaudio.demo.clips",
    "DEMO_SETTINGS": "vgg_monoaudio.demo.benchmark",
    "DemoClip": "vgg_monoaudio.demo.clips",
    "build_demo_benchmark": "vgg_monoaudio.demo.benchmark",
    "demo_clip": "vgg_monoaudio.demo.clips",
    "demo_sources": "vgg_monoaudio.demo.clips",
    "write_demo_clip": "vgg_monoaudio.demo.clips",
    "write_demo_sources": "vgg_monoaudio.demo.clips",
}
__all__ = [
    "DEMO_LABELS",
    "DEMO_SETTINGS",
    "SECONDS",
    "TAKES",
    "DemoClip",
    "build_demo_benchmark",
    "demo_clip",
    "demo_sources",
    "write_demo_clip",
    "write_demo_sources",
]
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
