"""Usual causes of a difference that records alone can tell: each function looks at one, and says what it found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmark.choices import ScoringRecord
from benchmark.reproducing.judging import Made
from benchmark.reproducing.records import Finding, ReproductionRecord
from foundation.checkpoints import CHECKPOINTS
from metrics.backbones import BACKBONES, get_backbone

PUBLISHED_SECONDS = 8.0  # arXiv:2512.02650, section 4: every clip
NAMED = 3  # so many of a list
_SCALES = ((100.0, "times 100"), (0.01, "divided by 100"))
_NAMED_KHZ = (8, 16, 22, 24, 32, 44, 48)  # rates that models are called by
_NEARLY = 2.0  # a number that is this many times too large or small is no question of the unit


def clap_file(scoring: ScoringRecord) -> Finding:
    """Tell whether another CLAP scored than av-benchmark's; there are several in use, and their scores differ."""
    return _backbone("other CLAP file", "clap", scoring)


def other_networks(scoring: ScoringRecord) -> list[Finding]:
    """Tell of each other network that scored whether it is the published one."""
    with_file = [name for name, key in scoring.backbones.items() if name in BACKBONES and "-" in key]
    names = [name for name in with_file if name != "clap"]  # which has a cause of its own
    return [_backbone(f"other file of {name}", name, scoring) for name in names]


def _backbone(cause: str, name: str, scoring: ScoringRecord) -> Finding:
    key = scoring.backbones.get(name)
    if key is None:
        return Finding(cause=cause, found="not checked", detail=f"profile {scoring.profile} has no network {name} here")
    return _file(cause, get_backbone(name).checkpoint or name, key.partition("-")[2], scoring.unverified_weights)


def _file(cause: str, checkpoint: str, sha256: str, unverified: bool) -> Finding:
    row = CHECKPOINTS.get(checkpoint)
    if row is None:
        return Finding(cause=cause, found="not checked", detail=f"no published file is called {checkpoint}")
    if row.sha256 is not None:
        same = row.sha256 == sha256
        what = "the published file" if same else f"SHA-256 {sha256[:12]}…, published is {row.sha256[:12]}…"
        return Finding(cause=cause, found="no difference" if same else "differs", detail=f"{checkpoint}: {what}")
    if row.md5 is None or unverified:
        why = "no hash is published" if row.md5 is None else "its published MD5 was not asked for (--allow-unverified)"
        return Finding(cause=cause, found="not checked", detail=f"{checkpoint}: {why}; SHA-256 {sha256[:12]}…")
    detail = f"{checkpoint}: it had the published MD5 when it was opened"
    return Finding(cause=cause, found="no difference", detail=detail)


def models_files(made: Sequence[Made]) -> Finding:
    """Tell whether a model was run with weights other than the published ones."""
    found = [
        (one, _file("", name, sha256, one.record.model.unverified_weights))
        for one in made
        for name, sha256 in one.record.model.weights_sha256.items()
    ]
    differ = [f"{one.row.name}: {file.detail}" for one, file in found if file.found == "differs"]
    unknown = [f"{one.row.name}: {file.detail}" for one, file in found if file.found == "not checked"]
    if differ or unknown:
        return Finding(cause="other weights of a model", found="differs" if differ else "not checked",
                       detail=some(differ or unknown))  # fmt: skip
    if not found:
        return Finding(cause="other weights of a model", found="not checked", detail="no row has weights on record")
    return Finding(cause="other weights of a model", found="no difference", detail=f"{len(found)} published files")


def random_weights(made: Sequence[Made]) -> Finding:
    """Tell whether a model had random weights."""
    untrained = [one.row.name for one in made if one.record.model.untrained]
    found = some(untrained) if untrained else f"none of {len(made)} rows"
    return Finding(cause="random weights", found="differs" if untrained else "no difference", detail=found)


def unit_of_imagebind(record: ReproductionRecord) -> Finding:
    """Tell whether IB is printed in another unit: av-benchmark gives a cosine, and some tables show it times 100."""
    pairs = [
        (row.row, cell.printed, cell.value) for row in record.rows for cell in row.cells if cell.metric == "imagebind"
    ]
    known = [(row, printed, value) for row, printed, value in pairs if value]
    if not known:
        detail = "IB is not printed here" if not pairs else "no row has a value of IB"
        return Finding(cause="unit of IB", found="not checked", detail=detail)
    scaled = list(_scaled(known))
    if scaled:
        return Finding(cause="unit of IB", found="differs", detail=some(scaled))
    return Finding(cause="unit of IB", found="no difference", detail=f"a cosine in all {len(known)} rows")


def _scaled(known: Iterable[tuple[str, str, float]]) -> Iterator[str]:
    for row, printed, value in known:
        for factor, how in _SCALES:
            if 1 / _NEARLY < float(printed) / (factor * value) < _NEARLY:
                yield f"{row}: {printed} is printed, {value:.4f} {how} is {factor * value:.4f}"


def list_of_clips(made: Sequence[Made]) -> list[Finding]:
    """Tell of each subset how many samples there should be, how many were scored, and which were not."""
    found = []
    for subset in dict.fromkeys(one.row.subset for one in made):
        rows = [one for one in made if one.row.subset == subset]
        found.append(_list_of(subset, rows))
    return found


def _list_of(subset: str, rows: Sequence[Made]) -> Finding:
    cause, first = f"list of clips, {subset}", rows[0]
    expected, published = first.record.counts.expected, first.row.published_samples
    lost = list(dict.fromkeys(failure.sample for one in rows for failure in one.record.failures))
    short = [f"{one.row.name} {one.record.counts.scored} of {expected}" for one in rows
             if one.record.counts.scored != expected]  # fmt: skip
    told = [f"{expected} samples here, {published or 'not stated how many'} in print"]
    told += [f"scored: {some(short)}; not scored: {some(lost)}"] if short else []
    told.append(f"ids {first.record.benchmark.fingerprint[:12]}…, which the authors' list cannot be held against")
    differs = bool(short) or published not in (None, expected)
    return Finding(cause=cause, found="differs" if differs else "left open", detail="; ".join(told))


def clip_length(seconds: Mapping[str, float]) -> Finding:
    """Tell whether clips are of another length than the published ones.

    Args:
        seconds: subset to the length of its clips.
    """
    other = [f"{subset}: {length:g} s" for subset, length in seconds.items() if length != PUBLISHED_SECONDS]
    detail = f"{'; '.join(other)}; in print {PUBLISHED_SECONDS:g} s" if other else f"{PUBLISHED_SECONDS:g} s"
    return Finding(cause="clip length", found="differs" if other else "no difference", detail=detail)


def reference_video(scoring: ScoringRecord) -> Finding:
    """Tell which video IB and DeSync were held against; the paper does not say."""
    other = "composed" if scoring.reference_video == "target" else "target"
    detail = f"{scoring.reference_video}; the other way: --reference-video {other}"
    return Finding(cause="reference video", found="left open", detail=detail)


def sample_rate(rates: Mapping[str, tuple[int | None, Sequence[int]]]) -> Finding:
    """Tell whether answers have another sample rate than the run says, or than the row is called by, as in `S-16k`.

    Args:
        rates: printed row to the rate on record in Hz, and those that its files have.
    """
    wrong = []
    for row, (recorded, found) in rates.items():
        named = _called(row)
        for rate in found:
            if (recorded is not None and rate != recorded) or named not in (None, rate // 1000):
                said = f"{named} kHz by its name" if named not in (None, rate // 1000) else f"{recorded} Hz on record"
                wrong.append(f"{row}: {rate} Hz, {said}")
    if wrong or not rates:
        return Finding(cause="sample rate", found="differs" if wrong else "not checked",
                       detail=some(wrong) if wrong else "no row has a run")  # fmt: skip
    seen = ", ".join(f"{rate} Hz" for rate in sorted({rate for _, found in rates.values() for rate in found}))
    return Finding(cause="sample rate", found="no difference", detail=seen)


def _called(row: str) -> int | None:
    """Return the whole kHz that a row is called by, as in `S-16k` or `44.1 kHz`; thousands of steps are none."""
    found = re.findall(r"(?<![\d.])(\d+)(?:\.\d+)?\s?k(?:hz)?\b", row.lower())
    return next((int(number) for number in found if int(number) in _NAMED_KHZ), None)


def some(names: Sequence[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
