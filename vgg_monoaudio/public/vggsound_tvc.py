"""VGGSound-TVC: clips of VGGSound whose prompt contradicts the picture, at five levels.

At every level but L0 the prompt asks for what the picture does not show. The clip's own sound is then the *paired* one:
it is what a model makes that follows the picture and not the prompt, so text selectivity and the control `distractor`
mean what they mean in a scene of two clips, and nothing is left that an answer could be compared with as its reference.
At L0 prompt and picture agree, and the clip's own sound is the target's.
"""

from __future__ import annotations

from pathlib import Path

from foundation.files import file_sha256
from vgg_monoaudio.building.listed import ListedSample
from vgg_monoaudio.collecting.clips import find_clips
from vgg_monoaudio.public.benchmark import BadListing, Part, PublicBenchmark
from vgg_monoaudio.public.listing import Listing
from vgg_monoaudio.public.lists import check_count, check_names, find_list, read_rows
from vgg_monoaudio.selection.source_list import BadSourceList

LIST = "conflict_dataset_full.tsv"
LABELS = {  # part: its column
    "L0": "label_L0",
    "L1-subject": "label_L1_subject",
    "L1-action": "label_L1_action",
    "L2": "label_L2",
    "L3": "label_L3",
}


def read(files: Path, benchmark: PublicBenchmark, part: Part) -> Listing:
    """Return the samples of one level; see `vgg_monoaudio.public.listing.Reader`.

    Args:
        files: holds the list, and VGGSound's clips in it or in its subfolders, under any of VGGSound's names.
        benchmark: its row.
        part: the level.
    """
    file = find_list(files, (LIST, f"VGGSound-TVC/{LIST}"), benchmark, part)
    rows = read_rows(file, ("video_id", *LABELS.values()))
    check_count(file, rows, part)
    check_names(file, [row["video_id"] for row in rows])
    try:
        clips = find_clips(files)
    except BadSourceList as error:
        raise BadListing(str(error)) from error
    own_sound = part.own_sound or "paired"
    samples = [
        ListedSample(
            sample_id=row["video_id"],
            video=(clip := clips.get(row["video_id"], files / f"{row['video_id']}.mp4")),
            prompt=row[LABELS[part.name]],
            audio=clip,
            category=f"{benchmark.title} {part.name}",
            paired_label=row["label_L0"] if own_sound == "paired" else "",
        )
        for row in rows
    ]
    return Listing(samples, own_sound, file_sha256(file))
