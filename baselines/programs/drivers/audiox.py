"""AudioX as its README runs it (ZeyueT/AudioX @ ca179cc), loaded once and asked line by line."""

from __future__ import annotations

import argparse
from typing import Any, Dict  # noqa: UP035

from answering import checkout_first, serve  # type: ignore[import-not-found]

SECONDS = 10  # what the model was trained to make
SIGMA = {"sigma_min": 0.3, "sigma_max": 500, "sampler_type": "dpmpp-3m-sde"}


def main() -> None:
    """Load the model and answer until the input ends."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--cfg-scale", type=float, required=True)
    parser.add_argument("--device", required=True)
    given = parser.parse_args()
    checkout_first()
    serve(Model(given).answer)


class Model:
    """The loaded model."""

    def __init__(self, given: argparse.Namespace) -> None:
        from stable_audio_tools import get_pretrained_model  # type: ignore[import-not-found]

        self._given = given
        self._device = "cpu" if given.device == "cpu" else "cuda"  # the one that is visible
        model, self._config = get_pretrained_model(given.weights)
        self._model = model.to(self._device)

    def answer(self, request: Dict[str, Any]) -> str:  # noqa: UP006
        """Write the sound of one scene, at full scale, and return its path."""
        import torch
        import torchaudio
        from stable_audio_tools.data.utils import (  # type: ignore[import-not-found]
            load_and_process_audio,
            read_video,
        )
        from stable_audio_tools.inference.generation import (  # type: ignore[import-not-found]
            generate_diffusion_cond,
        )

        rate = self._config["sample_rate"]
        frames = read_video(request["video"], seek_time=0, duration=SECONDS, target_fps=self._config["video_fps"])
        conditioning = {
            "video_prompt": [frames.unsqueeze(0)],
            "text_prompt": request["prompt"],
            "audio_prompt": load_and_process_audio(None, rate, 0, SECONDS).unsqueeze(0),
            "seconds_start": 0,
            "seconds_total": SECONDS,
        }
        output = generate_diffusion_cond(
            self._model, steps=self._given.steps, cfg_scale=self._given.cfg_scale, conditioning=[conditioning],
            sample_size=self._config["sample_size"], seed=request["seed"], device=self._device, **SIGMA,
        )  # fmt: skip
        sound = output[0].to(torch.float32).cpu()
        peak = sound.abs().max()
        if not peak > 0:
            raise ValueError("the answer is silent, and its README divides by its peak")
        scaled = sound.div(peak).clamp(-1, 1).mul(32767).to(torch.int16)
        torchaudio.save(request["output"], scaled, rate)
        return str(request["output"])


if __name__ == "__main__":
    main()
