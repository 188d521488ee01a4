"""The embedded demo: clips that are drawn and played by formulas, and the small benchmark made of them."""

from foundation.names import lazy_exports

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
__all__ = sorted(_HOMES)
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
