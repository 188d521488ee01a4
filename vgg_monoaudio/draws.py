"""Random choices that depend on nothing but a seed and the names of what is chosen."""

import hashlib
import json


def rank(seed: int | str, *words: str) -> int:
    """Return a number in [0, 2**64) drawn from the seed and the words.

    The same on every machine and in every process. To choose at random is to sort by rank: whatever joins or leaves
    the rest keeps its order, which a stream of random numbers would not give.
    """
    text = json.dumps([seed, *words], ensure_ascii=True)
    return int.from_bytes(hashlib.blake2b(text.encode("ascii"), digest_size=8).digest(), "big")
