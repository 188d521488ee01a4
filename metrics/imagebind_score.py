"""IB score: how well a generated soundtrack matches the picture in content."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metrics.cosine import paired_cosine


def imagebind_score(video: ArrayLike, audio: ArrayLike) -> NDArray[np.float64]:
    """Return the cosine of reference video and generated audio per sample, without unit; higher is better.

    Symmetric in its arguments. The length of the embeddings does not matter, so the factor of 20 that ImageBind
    gives its audio embeddings and the missing normalisation of the mean over clips have no effect here.

    Args:
        video: finite, shape (n, d): sample, dimension; ImageBind embeddings (d = 1024) of the reference videos.
        audio: finite, shape (n, d); ImageBind embeddings of the generated audio, paired with `video` by row.

    Returns:
        float64, shape (n,), in [-1, 1], in the order given.

    Raises:
        ValueError: shapes that differ, no sample, or an embedding that is not finite or zero; names the first one.

    Source:
        ImageBind (Girdhar et al. 2023, arXiv:2305.05665). Equals av-benchmark 050a5cd, "IB-Score", which returns
        only the mean of these values.

    Examples:
        >>> imagebind_score(video=[[0.0, 2.0], [1.0, 0.0]], audio=[[0.0, 1.0], [0.0, 1.0]])
        array([1., 0.])
    """
    return paired_cosine(video, "video", audio, "audio")
