"""SAM-Audio Judge as eval/metrics/judge.py calls it (facebookresearch/sam-audio @ 68b48d4), loaded once.

A request has two members more than those of a model: `mixture`, and `answer`, the sound that is judged as what the
prompt names of it: .wav files of one length, mono, 48 kHz. What is written to `output` is a JSON object of numbers.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from answering import checkout_first, serve  # type: ignore[import-not-found]

SCORES = ("recall", "precision", "faithfulness", "overall")


def main() -> None:
    """Load the judge and answer until the input ends."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--device", required=True)
    given = parser.parse_args()
    checkout_first()
    serve(Judge(given.weights, given.device).answer)


class Judge:
    """The loaded judge."""

    def __init__(self, weights: str, device: str) -> None:
        from sam_audio import SAMAudioJudgeModel, SAMAudioJudgeProcessor  # type: ignore[import-not-found]

        self._device = "cpu" if device == "cpu" else "cuda"  # the one that is visible
        # The official script leaves it in training mode; here nothing may be drawn.
        self._model = SAMAudioJudgeModel.from_pretrained(weights).eval().to(self._device)
        self._processor = SAMAudioJudgeProcessor.from_pretrained(weights)

    def answer(self, request: dict[str, Any]) -> str:
        """Write what the judge says of one answer, and return the file's path."""
        import torch

        batch = self._processor(  # one at a time: its padding mask is that of half a batch
            text=[request["prompt"].lower()],  # as SAM-Audio, whose answers it was trained on, wants its prompts
            input_audio=[request["mixture"]], separated_audio=[request["answer"]], sampling_rate=48_000,
        ).to(self._device)  # fmt: skip
        with torch.inference_mode():
            result = self._model(**batch)
        found = {}
        for name in SCORES:
            [[found[name]]] = getattr(result, name).float().cpu().tolist()  # (batch, 1), and of nothing else
        Path(request["output"]).write_text(json.dumps(found), encoding="utf-8")
        return str(request["output"])


if __name__ == "__main__":
    main()
