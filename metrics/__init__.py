"""Scores: pure functions of arrays, and the networks that make the arrays.

The functions below need numpy alone. They are imported here rather than on first use because most share their name
with their module: once a submodule is loaded, the package's attribute of that name would be the module.
"""

from foundation.moved import serve_moved
from foundation.names import public_dir
from metrics.clap_score import clap_score
from metrics.desync import desync
from metrics.fad import fad_infinity, frechet_audio_distance
from metrics.imagebind_score import imagebind_score
from metrics.inception_score import inception_score
from metrics.kad import kernel_audio_distance
from metrics.kl import kl_divergence

__all__ = [
    "clap_score",
    "desync",
    "fad_infinity",
    "frechet_audio_distance",
    "imagebind_score",
    "inception_score",
    "kernel_audio_distance",
    "kl_divergence",
]
__dir__ = public_dir(__name__, __all__)

serve_moved(
    __name__,
    {
        "bootstrap": "metrics.uncertainty.bootstrap",
        "intervals": "metrics.uncertainty.intervals",
        "resampling": "metrics.uncertainty.resampling",
        "set_difference": "metrics.uncertainty.set_difference metrics.former",
        "significance": "metrics.uncertainty.significance",
        "weighted": "metrics.fad metrics.kad metrics.inception_score",
    },
)
