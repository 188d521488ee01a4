"""Profiles of networks that hold sounds against texts and, by Synchformer, against the motion in pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmark.evidence import Evidence, taken
from benchmark.features import Arrays, Extractor
from benchmark.pending import Pending
from benchmark.profiles import Derives, Features, Question, everywhere, front_ends
from benchmark.profiles.networks import NetworkProfile
from benchmark.profiles.running import batch_size, exactly
from vgg_monoaudio.dataset import Source

if TYPE_CHECKING:
    from torch import Tensor

WINDOW_SEGMENTS = 14  # 4.8 s: what the offset head judges, at the start and at the end of a clip


class TextAndSyncProfile(NetworkProfile):
    """A profile with Synchformer and a network that reads texts.

    A profile of its own names its rows, says which of its networks reads texts, and how (`_embed_text`).
    """

    reads_texts: str  # name of the backbone
    derives: Derives = MappingProxyType(
        {
            "prompt.clap": (),  # a text has no file
            "paired_label.clap": (),
            "pair.offset_logits": (("video", "synchformer.video"), ("generated", "synchformer.audio")),
            **everywhere.DERIVES,
        }
    )

    def evidence(self, questions: Sequence[Question], sources: Sequence[Source], features: Features) -> Evidence:
        """Return what the networks say of the samples."""
        del sources  # every source that matters is the target or the paired clip of a question
        names, found = taken(self.wanted), self.shared_evidence(questions, features)
        if "prompt.clap" in names:
            found["prompt.clap"] = self._texts([question.sample.label for question in questions], features)
        if "paired_label.clap" in names and all(question.sample.paired_label for question in questions):
            found["paired_label.clap"] = self._texts([q.sample.paired_label for q in questions], features)
        if "pair.offset_logits" in names:
            by_name = {extractor.name: extractor for extractor in (*self.audio, *self.video)}
            found["pair.offset_logits"] = self._offsets(questions, by_name, features)
        return found

    def _texts(self, texts: Sequence[str], features: Features) -> NDArray[Any]:
        """Return the embedding of each text, (n, d); every text is embedded once."""
        place = Extractor(f"{self.reads_texts}.text", self._key(self.reads_texts), "audio", front_ends.keep_frames)
        marks = {text: hashlib.sha256(text.encode()).hexdigest() for text in texts}
        with Pending(features.store) as pending:
            for text, mark in marks.items():
                if not features.store.has(place, mark):
                    pending.add(place, mark, {"embedding": self._embed_text(text)}, text)
                    pending.write_due()
        embedded = {text: features.store.read(place, mark)["embedding"] for text, mark in marks.items()}
        return np.stack([embedded[text] for text in texts])

    def _embed_text(self, text: str) -> NDArray[Any]:
        """Return the embedding of one text, (d,)."""
        raise NotImplementedError

    def _text_features(self, *tokens: Tensor) -> NDArray[Any]:
        """Return what the network that reads texts makes of one, (d,): tokens (1, l), as it takes them."""
        with exactly():
            features = self._network(self.reads_texts).text(*(part.to(self.device) for part in tokens))
            return np.asarray(features[0].float().cpu().numpy())

    def _offsets(
        self, questions: Sequence[Question], extractors: Mapping[str, Extractor], features: Features
    ) -> NDArray[Any]:
        """Return the offset logits of the first and the last 4.8 s, (n, 2, 21), kept by the content of both files."""
        place = Extractor("synchformer.offsets", self._key("synchformer"), "audio", front_ends.keep_frames)
        marks, missing = [], {}
        for question in questions:
            files = (question.reference_video, question.generated)
            marks.append(hashlib.sha256("+".join(features.sha256[path] for path in files).encode()).hexdigest())
            if marks[-1] in missing:
                continue
            if not features.store.has(place, marks[-1], timed=not features.timed.isdisjoint(files)):
                missing[marks[-1]] = question
        todo, size = list(missing.items()), batch_size(place.name, self.device)
        with Pending(features.store) as pending:
            for start in range(0, len(todo), size):
                part = todo[start : start + size]
                pairs = self._windows([question for _, question in part], extractors, features)
                for (mark, question), logits in zip(part, self._vote(pairs), strict=True):
                    pending.add(place, mark, logits, question.generated.stem)
                pending.write_due()
        return np.stack([features.store.read(place, mark)["logits"] for mark in marks])

    def _windows(
        self, questions: Sequence[Question], extractors: Mapping[str, Extractor], features: Features
    ) -> list[Arrays]:
        """Return the segments of the first and the last 4.8 s of picture and sound, each (2, 14, tokens, 768)."""
        windows = slice(None, WINDOW_SEGMENTS), slice(-WINDOW_SEGMENTS, None)
        video = features.rows(extractors["synchformer.video"], "segments", [q.reference_video for q in questions])
        audio = features.rows(extractors["synchformer.audio"], "segments", [q.generated for q in questions])
        return [
            {"video": np.stack([seen[w] for w in windows]), "audio": np.stack([heard[w] for w in windows])}
            for seen, heard in zip(video, audio, strict=True)
        ]

    def _vote(self, pairs: Sequence[Arrays]) -> list[Arrays]:
        def network(*both: Tensor) -> Mapping[str, Tensor]:
            logits = self._network("synchformer").offset_logits(*(windows.flatten(0, 1) for windows in both))
            return {"logits": logits.unflatten(0, (-1, 2))}

        return self._run("synchformer.offsets", pairs, ["video", "audio"], network)
