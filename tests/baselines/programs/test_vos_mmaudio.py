"""VOS+MMAudio: what DEVA is given, what MMAudio is shown, and what an empty mask comes to."""

import json

import numpy as np
import pytest

from baselines import GenerationError, Request
from baselines.programs.deva import PROGRAM, Deva, read_masks
from baselines.programs.settings import read_settings
from baselines.programs.vos_mmaudio import VosMMAudio, masked
from foundation import media


class Listener:
    """Stands where MMAudio does; keeps what it was shown."""

    sample_rate = 16_000
    notes = ("heard by the listener",)

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.frames: list[np.ndarray] = []

    def generate(self, request: Request) -> np.ndarray:
        self.requests.append(request)
        self.frames.append(media.read_video(request.video, fps=25))
        return np.zeros(round(request.duration * 16_000), np.float32)


@pytest.fixture
def checkout(checkout_of):
    return checkout_of(PROGRAM)


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def grey(ask):
    """A second of frames that are nowhere black."""
    return ask(duration=1.0, picture=lambda k: np.full((48, 64, 3), 60 + 5 * (k % 25), np.uint8))


def test_the_generator_sees_the_prompted_thing_on_black_and_the_same_request(checkout, grey, listener):
    model = VosMMAudio(**checkout.settings(), generator=listener)
    assert model.generate(grey).shape == (16_000,)
    (frames,), (request,) = listener.frames, listener.requests
    assert frames.shape == (25, 3, 48, 64)
    assert not frames[0].any()  # nothing was found there: black, not dropped
    assert not frames[1:, :, :, 33:].any()  # outside the mask, but for the pixel that shares its colour
    expected = media.read_video(grey.video, fps=25)[1:, :, :, :32].astype(int)
    assert np.abs(frames[1:, :, :, :32] - expected).max() <= 3  # lossless but for RGB to YUV and back
    assert (request.sample_id, request.prompt, request.seed, request.duration) == ("bell__gong", "bell", 7, 1.0)
    assert not request.video.exists()  # nothing is left behind


def test_pixels_outside_the_mask_are_zero_and_those_inside_untouched():
    frames = np.random.default_rng(1).integers(1, 255, (3, 3, 4, 6), dtype=np.uint8)
    masks = np.random.default_rng(2).integers(0, 2, (3, 4, 6)).astype(bool)
    for result, frame, mask in zip(masked(frames, masks), frames, masks, strict=True):
        assert not result[~mask].any()
        np.testing.assert_array_equal(result[mask], frame.transpose(1, 2, 0)[mask])


def test_the_program_gets_the_papers_settings(checkout, grey, listener):
    VosMMAudio(**checkout.settings(), generator=listener).generate(grey)
    (given,) = checkout.noted("parsed")
    assert given.pop("img_path").endswith("frames")
    assert given.pop("output").endswith("out")
    assert given == {
        "prompt": "bell", "temporal_setting": "semionline", "sam_variant": "original", "size": -1, "amp": False,
        "detection_every": 5, "num_voting_frames": 3, "max_missed_detection_count": 10, "max_num_objects": -1,
        "chunk_size": -1, "model": "./saves/DEVA-propagation.pth", "DINO_THRESHOLD": 0.35, "DINO_NMS_THRESHOLD": 0.8,
        "GROUNDING_DINO_CONFIG_PATH": "./saves/GroundingDINO_SwinT_OGC.py",
        "GROUNDING_DINO_CHECKPOINT_PATH": "./saves/groundingdino_swint_ogc.pth", "SAM_ENCODER_VERSION": "vit_h",
        "SAM_CHECKPOINT_PATH": "./saves/sam_vit_h_4b8939.pth", "max_mid_term_frames": 10, "min_mid_term_frames": 5,
        "max_long_term_elements": 10000, "num_prototypes": 128, "top_k": 30, "mem_every": 5,
        "disable_long_term": False, "key_dim": 64, "value_dim": 512, "pix_feat_dim": 512, "save_all": False,
        "HQ_SAM_CHECKPOINT_PATH": None, "LIGHT_HQ_SAM_CHECKPOINT_PATH": None, "MOBILE_SAM_CHECKPOINT_PATH": None,
        "SAM_NUM_POINTS_PER_SIDE": 64, "SAM_NUM_POINTS_PER_BATCH": 64, "SAM_PRED_IOU_THRESHOLD": 0.88,
        "SAM_OVERLAP_THRESHOLD": 0.8,
    }  # fmt: skip
    assert checkout.noted("frames") == [[f"{k:06d}.png" for k in range(25)]]  # their names are their order


def test_half_precision_is_an_option_and_noted(checkout, grey, listener):
    model = VosMMAudio(**checkout.settings(), amp=True, generator=listener)
    model.generate(grey)
    assert checkout.noted("parsed")[0]["amp"] is True
    assert model.notes[-2:] == ["DEVA: size -1, amp on", "heard by the listener"]


@pytest.mark.parametrize(
    ("prompt", "given"),
    [('it\'s a "dog"', 'it\'s a "dog"'), ("-x\ny", "-x\ny"), ("dog barking.", "dog barking"), ("ünï 狗", "ünï 狗")],
)
def test_a_label_reaches_the_program_but_for_full_stops_at_its_end(checkout, grey, prompt, given):
    frames = np.ones((2, 3, 8, 8), np.uint8)
    Deva(read_settings("vos-mmaudio", **checkout.settings())).masks(frames, prompt)
    assert checkout.noted("parsed")[0]["prompt"] == given


def test_every_colour_but_black_is_foreground(checkout):
    frames = np.ones((3, 3, 8, 12), np.uint8)
    masks = Deva(read_settings("vos-mmaudio", **checkout.settings())).masks(frames, "bell")
    assert (masks.shape, masks.dtype) == ((3, 8, 12), np.bool_)
    assert not masks[0].any()
    assert masks[1:, :, :6].all()  # object 256 has no red: only R + 256 G + 65536 B tells
    assert not masks[1:, :, 6:].any()


def test_empty_masks_are_counted(checkout, grey, listener, caplog):
    VosMMAudio(**checkout.settings(), generator=listener).generate(grey)
    VosMMAudio(**checkout.settings("blind"), generator=listener).generate(grey)
    lines = (checkout.log.parent / "vos-mmaudio.masks.jsonl").read_text().splitlines()
    assert [json.loads(line)["empty_masks"] for line in lines] == [1, 25]
    assert not listener.frames[1].any()  # a black video, which MMAudio is given all the same
    assert "nothing found; its video is black" in caplog.text


BAD = {
    "crash": "RuntimeError: CUDA error.*tried twice",
    "killed": "killed by SIGKILL.*tried twice",
    "full": "No space left on device.*tried twice",
    "nothing": r"1 of 25 masks were not written, the first is 000024\.png",
    "garbage": r"mask 000024\.png cannot be read",
    "size": r"mask 000024\.png is \(8, 8\), its frame is \(48, 64\)",
    "broken": "ImportError: no module named torch.*tried twice",
}


@pytest.mark.parametrize("mood", BAD)
def test_what_goes_wrong_is_this_samples_failure(checkout, grey, listener, mood):
    model = VosMMAudio(**checkout.settings(mood), generator=listener)
    with pytest.raises(GenerationError, match=f"(?s){BAD[mood]}"):
        model.generate(grey)
    assert listener.requests == []


def test_a_program_that_hangs_before_its_last_mask_is_stopped(checkout, grey, listener, limits):
    limits.end_at(checkout.notes / "hangs.jsonl")
    model = VosMMAudio(**checkout.settings("hang", time_limit_seconds=3), generator=listener)
    with pytest.raises(GenerationError, match="finished nothing for 3 s and was stopped"):
        model.generate(grey)


def test_a_program_that_hangs_after_its_last_mask_has_done_its_work(checkout, grey, listener, limits):
    limits.end_at(checkout.notes / "hangs.jsonl")
    model = VosMMAudio(**checkout.settings("hang at the end", time_limit_seconds=3), generator=listener)
    assert model.generate(grey).shape == (16_000,)
    assert len(checkout.noted("parsed")) == 1


def test_a_scene_that_cannot_be_read_is_named(checkout, ask, listener, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    with pytest.raises(GenerationError, match=r"broken\.mp4: not a media file"):
        VosMMAudio(**checkout.settings(), generator=listener).generate(ask("broken"))


def test_a_full_disk_is_this_samples_failure(checkout, grey, listener, monkeypatch):
    def refuse(*_args, **_others):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(media, "write_video", refuse)
    with pytest.raises(GenerationError, match="the disk is full"):
        VosMMAudio(**checkout.settings(), generator=listener).generate(grey)


def test_work_folders_may_have_any_name(checkout, grey, listener, tmp_path):
    model = VosMMAudio(**checkout.settings(work_dir=tmp_path / "a b'c\"ü"), generator=listener)
    model.generate(grey)
    assert "a b'c\"ü" in checkout.noted("parsed")[0]["img_path"]
    assert list((tmp_path / "a b'c\"ü").iterdir()) == []


def test_real_clips_are_masked_frame_by_frame(checkout, ask, listener, real_media):
    from dataclasses import replace

    request = replace(ask(duration=0.4), video=real_media / "airplane_vgg.mp4")
    VosMMAudio(**checkout.settings(), generator=listener).generate(request)
    (frames,) = listener.frames
    scene = media.read_video(request.video, fps=25, seconds=0.4).astype(int)
    half = scene.shape[3] // 2
    assert frames.shape == scene.shape
    assert not frames[0].any()
    assert not frames[:, :, :, half + 2 :].any()
    assert np.abs(frames[1:, :, :, : half - 2] - scene[1:, :, :, : half - 2]).mean() < 2  # but for RGB to YUV


def test_a_segmenter_of_ones_own_stands_behind_the_same_interface(grey, listener, tmp_path):
    class Everything:
        weights, notes = {}, ["everything"]

        def masks(self, frames, prompt):
            return np.ones((len(frames), *frames.shape[2:]), bool)

    model = VosMMAudio(segmenter=Everything(), generator=listener, log=tmp_path / "log")
    model.generate(grey)
    assert model.notes == ["everything", "heard by the listener"]
    assert listener.frames[0].all()


def test_a_segmenter_that_there_is_not_is_refused(listener):
    with pytest.raises(ValueError, match="segmenter: expected deva or gsam2, got 'sam'"):
        VosMMAudio(segmenter="sam", generator=listener)


def test_the_segmenter_has_an_option_of_its_own(benchmark_of_two, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from benchmark.cli import app

    monkeypatch.chdir(tmp_path)
    words = ["generate", "vos-mmaudio", "--benchmark", str(benchmark_of_two), "--segmenter"]
    assert "segmenter: expected deva or gsam2, got 'sam'" in str(CliRunner().invoke(app, [*words, "sam"]).exception)
    assert "its checkout is" in str(CliRunner().invoke(app, [*words, "deva"]).exception)


def test_the_generator_is_mmaudio_small_at_16_khz(checkout, monkeypatch):
    from baselines.mmaudio import model as native

    given = {}

    class Recorder(Listener):
        def __init__(self, **options):
            super().__init__()
            given.update(options)

    monkeypatch.setattr(native, "MMAudio", Recorder)
    VosMMAudio(**checkout.settings(), null_clip=True, device="cuda:1")
    assert (given["variant"], given["null_clip"], given["null_sync"]) == ("small_16k", True, False)
    assert given["device"] == "cuda:1"


def test_masks_of_another_form_than_rgb_are_read_too(tmp_path):
    from PIL import Image

    Image.fromarray(np.eye(4, dtype=np.uint8)).save(tmp_path / "0.png")
    np.testing.assert_array_equal(read_masks([tmp_path / "0.png"], (4, 4))[0], np.eye(4, dtype=bool))
