"""A reviewer's decision, acceptance unless a test says otherwise."""

from vgg_monoaudio.selection.decisions import Decision

A, B, C = "3qesirWAGt4_000020", "6jiO0tPLK7U_000090", "--0PQM4-hqg_000030"
NOON = "2026-01-31T12:00:00+00:00"


def decision(clip_id: str = A, reviewer: str = "ada", **change: object) -> Decision:
    given = {
        "single_source": True,
        "visible": True,
        "label_matches": True,
        "label": "dog barking",
        "start_offset_seconds": 0.0,
        "note": "",
        "time": NOON,
    }
    return Decision(clip_id=clip_id, reviewer=reviewer, **(given | change))
