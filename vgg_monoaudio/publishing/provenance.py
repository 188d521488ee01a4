"""Where the clips of a benchmark come from, whose they are and how to cite it: what card and metadata say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vgg_monoaudio.dataset import Benchmark
from vgg_monoaudio.public.benchmark import PublicBenchmark
from vgg_monoaudio.public.catalogue import get_benchmark
from vgg_monoaudio.record import SINGLE_CLIPS, ListSettingsRecord, OwnSound
from vgg_monoaudio.selection.reserves import read_reserves, without_reserves
from vgg_monoaudio.selection.shipped import agreement_of, list_of, shared_clips
from vgg_monoaudio.selection.source_list import R2, SHIPPED, read_source_list

Origin = Literal["r2", "r1", "demo", "vggsound-test", "public", "own-list", "other"]

PAPER = "https://arxiv.org/abs/2512.02650"
CITATION = """\
@article{vggmonoaudio,
  title   = {Hear What Matters! Text-conditioned Selective Video-to-Audio Generation},
  author  = {Lee, Junwon and Nam, Juhan and Lee, Jiyoung},
  journal = {arXiv preprint arXiv:2512.02650},
  year    = {2025}
}"""

_SCENES = """\
A benchmark for *text-conditioned selective video-to-audio generation*: a video shows two things that sound, a text
names one of them, and a model must generate the sound of that one alone. Every scene shows two single-source clips side
by side; the clip's own recording of the thing named is the reference."""
_SINGLE = """\
Single clips of VGGSound's test split, each with its label as the prompt: what a general video-to-audio model is
usually scored on (Table D4 of the paper). Nothing is composed, so nothing can be selected: metrics that compare the
target with the other sound have no meaning here."""
_LISTED: dict[OwnSound, str] = {
    "target": """\
Films, each with a text that says what to make heard. The reference is the film's own recording, or the one that the
list names beside it. Nothing is composed: there is no second sound that the target could be compared with.""",
    "paired": """\
Films, each with a text that asks for another sound than theirs. A film's own recording is what is *not* asked for: it
stands where a scene has its paired clip, and there is no reference sound.""",
    "none": """\
Films, each with a text that says what to make heard. There are no recordings to compare with: metrics that need one
have no value here.""",
}

_SHIPPED = """\
The clips are those of `vgg_monoaudio/selection/lists/{name}.csv`{but}.
**This is not the list of the paper's authors**, who chose their 67 clips by watching and hearing them and have not
released which they are. The clips of {name} are screened by annotations alone ({screened}) and drawn by a written,
seeded rule; they were not watched for this purpose. It shares with the authors' list the number of clips, the labels
and categories of Table B2, and counts for which exhaustive pairing gives 3,750 inter-class and 560 intra-class pairs.
Scores on it compare with one another; they are not the numbers of the published tables."""
_SCREENED = {
    "r1": "VGGSounder 1.0; VGGSound's own label of a clip may be another",
    "r2": "VGGSounder 1.0 and VGGSound's own labels, which agree wherever a label has such clips",
}
_DEMO = """\
The clips are synthetic: drawn and sounded by a program, so that the suite runs without any download. Scores on them
say whether the machinery works, and nothing about a model."""
_TEST_LIST = """\
The clips are those of VGGSound's test list that were available; the counts above say how many of the list these are.
Published numbers on this split rest on whichever clips each group could still get."""
_OTHER = """\
The clips are those of a list of the user's own. It is neither of the lists that ship with the suite (r1, r2) nor, as
far as the suite can tell, that of the paper's authors."""
_OWN_LIST = "The films and their texts are those of a list of the user's own (SHA-256 `{list_sha256}`)."

_CLIPS = {"demo": _DEMO, "vggsound-test": _TEST_LIST}

_OF_OTHERS = """\
This directory holds parts of videos that others made and published; the suite's own licence (Apache-2.0) covers its
code and its tables, not them.

- **Videos**: the copyright stays with those who made them. Pass this directory on only if you may."""
_LICENCES = f"""\
{_OF_OTHERS}
- **VGGSound** (Chen et al. 2020, arXiv:2004.14368): clip list and labels, CC BY 4.0.
- **VGGSounder** (Zverev et al. 2025, arXiv:2508.08237): the labels behind the screening; the Python package is
  Apache-2.0, see its page for the labels.
- **UnAV-100** (Geng et al. 2023, arXiv:2303.12930): the annotations that the paper starts from; see its page."""
_DEMO_LICENCES = "The clips are made by the suite's own code; like the code they are under Apache-2.0."


@dataclass(frozen=True)
class Provenance:
    """What is said of a benchmark, in Markdown unless another form is named.

    Attributes:
        what: what its samples are and what is asked for.
        clips: where they come from.
        licences: whose they are.
        citation: how to cite it; "" where only its user knows.
        summary: what it is, a few words of plain text.
        address: of the paper or the source; "" where there is none.
        licence: address or name of what the list is licensed under; "" where only its user knows.
        access: plain text on the films' own copyright; "" where there is nothing to say.
        cite_as: the citation as plain text; "" likewise.
    """

    what: str
    clips: str
    licences: str
    citation: str
    summary: str
    address: str
    licence: str
    access: str
    cite_as: str


def origin(benchmark: Benchmark) -> Origin:
    """Return where a benchmark's clips come from; "other" is a list of the user's own of clips for scenes."""
    from vgg_monoaudio.demo.clips import demo_sources

    record = benchmark.record
    if record.kind == SINGLE_CLIPS:
        return "vggsound-test"
    if record.kind is not None:
        return "own-list" if record.kind == "own-list" else "public"
    shipped = list_of(record.listed)
    if shipped is not None:
        return "r2" if shipped == "r2" else "r1"
    return "demo" if record.listed == set(demo_sources()["clip_id"]) else "other"


def provenance(benchmark: Benchmark) -> Provenance:
    """Return what card and metadata say of where a benchmark comes from."""
    found = origin(benchmark)
    settings = benchmark.record.settings
    if isinstance(settings, ListSettingsRecord) and benchmark.record.kind is not None:
        return _of_list(get_benchmark(benchmark.record.kind), settings)
    made_here = found == "demo"
    return Provenance(
        what=_SINGLE if found == "vggsound-test" else _SCENES,
        clips=_shipped(found, benchmark) if found in SHIPPED else _CLIPS.get(found, _OTHER) + _others(benchmark),
        licences=_DEMO_LICENCES if made_here else _LICENCES,
        citation=_code(CITATION),
        summary="Benchmark for text-conditioned selective video-to-audio generation",
        address=PAPER,
        licence="https://www.apache.org/licenses/LICENSE-2.0"
        if made_here
        else "https://creativecommons.org/licenses/by/4.0/",
        access="" if made_here else "The videos' copyright stays with those who made them; the licence is VGGSound's.",
        cite_as=CITATION,
    )


def _others(benchmark: Benchmark) -> str:
    """Return what is said of the reserves in a benchmark of another list."""
    but = _but(benchmark)
    return f"\n\nThe clips are those of the list{but}.\n\n{_substitutes_in_conflict(benchmark)}".rstrip() if but else ""


def _but(benchmark: Benchmark) -> str:
    count = len(benchmark.record.replaced)
    return f" but for {count} that {'is' if count == 1 else 'are'} replaced by reserves" if count else ""


def _substitutes_in_conflict(benchmark: Benchmark) -> str:
    said = [f"`{clip.by}` ({clip.label}; {clip.conflict})" for clip in benchmark.record.replaced if clip.conflict]
    return f"In conflict among the reserves in use: {'; '.join(said)}." if said else ""


def _shipped(name: str, benchmark: Benchmark) -> str:
    """Return what is said of a list that ships: what it is, how it differs from the other, where VGGSound disagrees."""
    replaced = {clip.clip_id for clip in benchmark.record.replaced}
    found = [agreement_of(shipped) for shipped in SHIPPED]
    rows = [f"| {one.name} | {one.clips} | {one.agreeing} | {len(one.conflicts)} |" for one in found]
    conflicts = next(one.conflicts for one in found if one.name == name)
    parts = [
        _SHIPPED.format(name=name, screened=_SCREENED[name], but=_but(benchmark)),
        f"The suite ships two lists; {shared_clips()} clips are on both. How many of a list's clips VGGSound itself "
        "gives the same label, or one that counts as the same sound:",
        "\n".join(["| list | clips | agree | in conflict |", "|---|--:|--:|--:|", *rows]),
        f"In conflict on {name}: "
        + "; ".join(
            f"`{clip}` ({label}; VGGSound: {theirs}{'; replaced here' if clip in replaced else ''})"
            for clip, label, theirs in conflicts
        )
        + ".",
    ]
    if said := _substitutes_in_conflict(benchmark):
        parts.append(said)
    if name == "r2":
        none = without_reserves(read_source_list(R2), read_reserves(R2))
        parts.append(
            "A clip of r2 that is gone can be replaced by the next of its label's reserves (`r2.reserves.csv`). "
            f"There is none for: {', '.join(none)}."
        )
    return "\n\n".join(parts)


def _of_list(row: PublicBenchmark, settings: ListSettingsRecord) -> Provenance:
    """Return what is said of a benchmark of others, or of films and texts of the user's own."""
    published = bool(row.source)
    return Provenance(
        what=_LISTED[settings.own_sound],
        clips=_published(row, settings) if published else _OWN_LIST.format(list_sha256=settings.list_sha256),
        licences=f"{_OF_OTHERS}\n- **{row.title}** ({row.paper}): {row.licence}." if published else _OF_OTHERS,
        citation=f"Cite its authors: {row.paper} ({row.source})." if published else "",
        summary=f"{row.title}: {row.what}" if published else "Films with texts that say what to make heard",
        address=row.source,
        licence=row.licence if published else "",
        access="The videos' copyright stays with those who made them.",
        cite_as=f"{row.title}, {row.paper}" if published else "",
    )


def _published(row: PublicBenchmark, settings: ListSettingsRecord) -> str:
    asked = row.part(settings.part or None).what
    part = f" Its part {settings.part} asks for {asked}." if settings.part else f" What is asked for: {asked}."
    revision = f" at revision `{row.revision}`" if row.revision else ""
    return (
        f"The films and their texts are those of **{row.title}** ({row.paper}): {row.what}.{part} They were read from "
        f"the files that its authors publish ({row.access}; {row.source}{revision}); the list has SHA-256 "
        f"`{settings.list_sha256}`. What this suite's reader was checked against: {row.verified}."
    )


def _code(bibtex: str) -> str:
    return f"```bibtex\n{bibtex}\n```"
