"""From annotations to a benchmark directory, and reading it back; public names are imported on first use."""

from typing import TYPE_CHECKING

from foundation.moved import serve_moved
from foundation.names import lazy_exports

if TYPE_CHECKING:  # so that editors and type checkers know the names below
    from vgg_monoaudio.building.scenes import build_benchmark
    from vgg_monoaudio.dataset import Benchmark, Sample, Source, load_benchmark
    from vgg_monoaudio.record import BenchmarkError

_HOMES = {
    "Benchmark": "vgg_monoaudio.dataset",
    "BenchmarkError": "vgg_monoaudio.record",
    "Sample": "vgg_monoaudio.dataset",
    "Source": "vgg_monoaudio.dataset",
    "build_benchmark": "vgg_monoaudio.building.scenes",
    "load_benchmark": "vgg_monoaudio.dataset",
}
__all__ = [
    "Benchmark",
    "BenchmarkError",
    "Sample",
    "Source",
    "build_benchmark",
    "load_benchmark",
]
__getattr__, __dir__ = lazy_exports(__name__, _HOMES)
serve_moved(
    __name__,
    {
        "agreement": "vgg_monoaudio.selection.agreement",
        "annotations": (
            "vgg_monoaudio.selection.annotations vgg_monoaudio.selection.unav100 vgg_monoaudio.selection.clip_ids"
        ),
        "archives": "vgg_monoaudio.collecting.archives",
        "build": (
            "vgg_monoaudio.building.scenes vgg_monoaudio.building.manifests vgg_monoaudio.building.result "
            "foundation.work"
        ),
        "candidates": "vgg_monoaudio.selection.candidates",
        "card": "vgg_monoaudio.publishing.card",
        "croissant": "vgg_monoaudio.publishing.croissant",
        "curated": (
            "vgg_monoaudio.selection.source_list vgg_monoaudio.selection.screening vgg_monoaudio.selection.decisions"
        ),
        "curation": "vgg_monoaudio.selection.decisions vgg_monoaudio.selection.verdicts",
        "demo_benchmark": "vgg_monoaudio.demo.benchmark",
        "demo_canvas": "vgg_monoaudio.demo.canvas",
        "demo_films": "vgg_monoaudio.demo.films",
        "demo_moments": "vgg_monoaudio.demo.moments",
        "demo_sounds": "vgg_monoaudio.demo.sounds",
        "download": "vgg_monoaudio.collecting.download",
        "funnel": "vgg_monoaudio.selection.funnel",
        "hugging_face": "vgg_monoaudio.publishing.hugging_face",
        "list_rule": "vgg_monoaudio.selection.rule_r1 vgg_monoaudio.selection.source_list",
        "screening": "vgg_monoaudio.selection.screening",
        "shards": "vgg_monoaudio.publishing.webdataset vgg_monoaudio.publishing.shards",
        "single_clips": "vgg_monoaudio.building.single_clips",
        "sources": "vgg_monoaudio.selection.source_list vgg_monoaudio.collecting.clips",
        "statistics": "vgg_monoaudio.publishing.statistics",
        "verification": "vgg_monoaudio.building.verification",
        "workplace": "vgg_monoaudio.building.workplace",
    },
)
