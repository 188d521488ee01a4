"""What a run would give if it ended now, as files that the suite can score while the run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from baselines.mmaudio.transformer import MMDiT
from baselines.selva.training.pair import write_pair
from baselines.selva.training.run_folder import StageName
from baselines.selva.training.run_record import Scoring
from baselines.selva.training.starting import Start
from baselines.selva.training.steps import EncoderStep, GeneratorStep
from baselines.selva.video_encoder import TextVideoEncoder
from foundation.partials import partial_name


@dataclass(frozen=True)
class Candidate:
    """Two files as `--model selva` loads them: the weights as they are at a step, not their averages.

    Attributes:
        stage: that is being trained. In the first, the generator is MMAudio's as it was.
        step: of the stage.
        video_encoder: file in the official layout; there while it is scored.
        generator: the same.
        variant: of the generator.
        sup_tokens: of the video encoder.
    """

    stage: StageName
    step: int
    video_encoder: Path
    generator: Path
    variant: str
    sup_tokens: int


Validate = Callable[[int, Candidate], Mapping[str, float]]


def scoring_of(validate: Validate | None) -> Scoring | None:
    """Return how scores are measured, which a callable may say by an attribute `scoring`; None where it does not."""
    return getattr(validate, "scoring", None)


@dataclass(frozen=True)
class Scorer:
    """Writes the candidate of a step and has it scored.

    Attributes:
        stage: that is being trained.
        step: whose network it is.
        start: where the generator comes from as long as none is trained.
        folder: for the files.
        validate: measures the scores.
    """

    stage: StageName
    step: EncoderStep | GeneratorStep
    start: Start
    folder: Path
    validate: Validate

    def __call__(self, step: int) -> Mapping[str, float]:
        """Return the scores of a step of the stage, by metric."""
        recipe = self.start.recipe
        variant, tokens = recipe.generator.variant, recipe.encoder.sup_tokens
        place = self.folder / partial_name("candidate")  # what a killed process leaves is removed as all partials are
        try:
            encoder, generator = self._networks()
            states = encoder.state_dict(), generator.state_dict()
            pair = write_pair(place, *states, variant=variant, sup_tokens=tokens)
            del encoder, generator, states  # room for the model that is scored
            return self.validate(step, Candidate(self.stage, step, pair.video_encoder, pair.generator, variant, tokens))
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _networks(self) -> tuple[TextVideoEncoder, MMDiT]:
        if isinstance(self.step, EncoderStep):
            return self.step.network, self.start.generator()
        return self.step.encoder, self.step.network
