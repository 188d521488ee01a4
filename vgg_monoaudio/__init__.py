"""From annotations to a benchmark directory, and reading it back."""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Benchmark": "vgg_monoaudio.dataset",
    "BenchmarkError": "vgg_monoaudio.dataset",
    "Sample": "vgg_monoaudio.dataset",
    "Source": "vgg_monoaudio.dataset",
    "build_benchmark": "vgg_monoaudio.build",
    "load_benchmark": "vgg_monoaudio.dataset",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that `import vgg_monoaudio` costs nothing."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
