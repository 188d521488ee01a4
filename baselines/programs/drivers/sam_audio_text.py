"""SAM-Audio with text prompts as its README runs it (facebookresearch/sam-audio @ 68b48d4), loaded once.

A request has one member more than those of a model: `audio`, the sound to take the prompted thing out of.
"""

from __future__ import annotations

import argparse
from typing import Any

from answering import checkout_first, serve  # type: ignore[import-not-found]


def main() -> None:
    """Load the model and answer until the input ends."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--predict_spans", action="store_true")
    parser.add_argument("--reranking_candidates", type=int, default=1)
    parser.add_argument("--device", required=True)
    given = parser.parse_args()
    checkout_first()
    serve(Separator(given).answer)


class Separator:
    """The loaded model."""

    def __init__(self, given: argparse.Namespace) -> None:
        from sam_audio import SAMAudio, SAMAudioProcessor  # type: ignore[import-not-found]

        self._given = given
        self._device = "cpu" if given.device == "cpu" else "cuda"  # the one that is visible
        self._model = SAMAudio.from_pretrained(given.weights).eval().to(self._device)
        self._processor = SAMAudioProcessor.from_pretrained(given.weights)

    def answer(self, request: dict[str, Any]) -> str:
        """Write what of a sound the prompt names, and return its path."""
        import torch
        import torchaudio

        torch.manual_seed(request["seed"])  # the noise that it starts from is drawn from the global state
        prompt = request["prompt"].lower()  # as it was trained; its README asks for lower case
        batch = self._processor(audios=[request["audio"]], descriptions=[prompt]).to(self._device)
        with torch.inference_mode():
            result = self._model.separate(
                batch, predict_spans=self._given.predict_spans,
                reranking_candidates=self._given.reranking_candidates,
            )  # fmt: skip
        sound = result.target[0].detach().float().cpu().reshape(1, -1)
        torchaudio.save(request["output"], sound, self._processor.audio_sampling_rate)
        return str(request["output"])


if __name__ == "__main__":
    main()
