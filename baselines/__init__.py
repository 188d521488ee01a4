"""Every model under test, behind one protocol: `Request` in, waveform out.

The rows of `baselines.catalogue` are all that listing needs; a model's module is imported when the model is loaded.
"""

from baselines.catalogue import CONTROLS, PAIRED_CONTROLS, TARGET_CONTROLS
from baselines.generator import GenerationError, Generator, Prepared, Reference, Request, UnknownModel, Waveform
from baselines.registry import (
    ModelEntry,
    get_model,
    list_models,
    load_model,
    option_names,
    register_model,
)
from foundation.moved import serve_moved
from foundation.names import public_dir

__all__ = [
    "CONTROLS",
    "PAIRED_CONTROLS",
    "TARGET_CONTROLS",
    "GenerationError",
    "Generator",
    "ModelEntry",
    "Prepared",
    "Reference",
    "Request",
    "UnknownModel",
    "Waveform",
    "get_model",
    "list_models",
    "load_model",
    "option_names",
    "register_model",
]
__dir__ = public_dir(__name__, __all__)

serve_moved(
    __name__,
    {
        "deva": "baselines.programs.deva",
        "external": (
            "baselines.programs.program baselines.programs.retries "
            "baselines.programs.outputs baselines.programs.settings"
        ),
        "external_process": "baselines.programs.process",
        "gsam2": "baselines.programs.gsam2",
        "http_endpoint": "baselines.programs.http_endpoint",
        "json_lines": "baselines.programs.json_lines",
        "models_toml": "baselines.programs.settings",
        "recorded_files": "baselines.recorded.files",
        "rewas": "baselines.programs.rewas",
        "vintage": "baselines.programs.vintage",
        "vos_mmaudio": "baselines.programs.vos_mmaudio",
    },
)
