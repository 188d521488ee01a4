"""CLAP score: how well a generated soundtrack matches the prompt."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.cosine import paired_cosine


def clap_score(text: ArrayLike, audio: ArrayLike) -> NDArray[np.float64]:
    """Return the cosine of prompt and generated audio per sample, without unit; higher is better.

    Symmetric in its arguments. The length of the embeddings does not matter.

    Args:
        text: finite, shape (n, d): sample, dimension; CLAP embeddings (d = 512) of the prompts.
        audio: finite, shape (n, d); CLAP embeddings of the generated audio, paired with `text` by row.

    Returns:
        float64, shape (n,), in [-1, 1], in the order given.

    Raises:
        ValueError: shapes that differ, no sample, or an embedding that is not finite or zero; names the first one.

    Source:
        LAION-CLAP (Wu et al. 2023, arXiv:2211.06687). Equals av-benchmark 050a5cd, "LAION-CLAP-Score", which
        returns only the mean of these values.

    Examples:
        >>> clap_score(text=[[1.0, 0.0], [1.0, 0.0]], audio=[[3.0, 0.0], [1.0, 1.0]]).round(3)
        array([1.   , 0.707])
    """
    return paired_cosine(text, "text", audio, "audio")
