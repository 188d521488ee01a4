"""Frames as the two streams see them, from videos of any shape and rate."""

import numpy as np
import pytest
import torch
from support.tiny_models import film

from baselines.mmaudio import frames
from foundation.media import MediaError, write_video


def striped(height: int, width: int) -> np.ndarray:
    """A frame, uint8 (h, w, 3), whose left and right quarters are white and whose middle is black."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[:, : width // 4] = frame[:, -(width // 4) :] = 255
    return frame


def test_the_squashed_frame_shows_both_sides_and_the_centre_crop_neither():
    scene = striped(720, 1280)
    whole, middle = frames.squashed(scene), frames.centre_cropped(scene)
    assert whole.shape == middle.shape == (3, 224, 224)
    assert whole.dtype == middle.dtype == np.uint8
    assert whole[:, :, :50].min() == whole[:, :, -50:].min() == 255
    assert middle[:, :, 40:-40].max() == 0


def test_of_a_portrait_video_the_middle_is_cropped_too():
    tall = striped(720, 1280).transpose(1, 0, 2)
    assert frames.centre_cropped(tall)[:, 40:-40].max() == 0
    assert frames.squashed(tall)[:, :50].min() == 255


def test_clip_sees_the_whole_frame_at_384():
    picture = frames.clip_frame(striped(90, 160))
    assert picture.shape == (3, 384, 384)
    assert picture[:, :, :90].min() == 255


def test_scaling_equals_the_antialiased_bicubic_filter_of_the_reference():
    noise = np.random.default_rng(3).integers(0, 256, (256, 454, 3), dtype=np.uint8)
    pixels = torch.from_numpy(noise.transpose(2, 0, 1).copy())[None].float()
    exact = torch.nn.functional.interpolate(pixels, (224, 224), mode="bicubic", antialias=True)[0].clamp(0, 255)
    # On bytes the filter rounds between its two passes; without antialiasing the mean error would be 30.
    assert (torch.from_numpy(frames.squashed(noise)).float() - exact).abs().mean() < 0.5


def test_values_are_centred_for_synchformer_and_standardised_for_clip():
    levels = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 2, 2)
    torch.testing.assert_close(frames.sync_input(levels)[:, 0, 0, 0], torch.tensor([-1.0, 1.0]))
    red = frames.clip_input(levels)[:, 0, 0, 0]
    torch.testing.assert_close(red, torch.tensor([-0.48145466, 1 - 0.48145466]) / 0.26862954)


@pytest.mark.parametrize(("size", "fps"), [((96, 64), 25), ((64, 96), 240), ((64, 96), 16.07), ((64, 96), 29.97)])
def test_any_shape_and_rate_gives_the_same_number_of_frames(tmp_path, size, fps):
    video = film(tmp_path / "v.mp4", seconds=1.2, fps=fps, size=size)
    wanted = [frames.sync_request("squash"), frames.clip_request()]
    sync, clip = frames.read_frames(video, wanted, 1.0, repeat_last=1)
    assert sync.shape == (25, 3, 224, 224)
    assert clip.shape == (8, 3, 384, 384)


def test_frame_k_of_a_25_fps_video_is_frame_k(tmp_path):
    levels = [np.full((64, 64, 3), 8 * k, np.uint8) for k in range(25)]
    write_video(tmp_path / "ramp.mp4", levels, fps=25)
    (sync,) = frames.read_frames(tmp_path / "ramp.mp4", [frames.sync_request("squash")], 1.0, repeat_last=0)
    shown = sync.float().mean(dim=(1, 2, 3))
    assert (shown - 8 * torch.arange(25)).abs().max() < 3  # H.264 rounds


def test_a_few_missing_frames_are_repeated_and_more_are_an_error(tmp_path):
    video = film(tmp_path / "v.mp4", seconds=0.92)
    (sync,) = frames.read_frames(video, [frames.sync_request("squash")], 1.0, repeat_last=3)
    assert len(sync) == 25
    assert torch.equal(sync[22], sync[24])
    with pytest.raises(MediaError, match="too short"):
        frames.read_frames(video, [frames.sync_request("squash")], 1.0, repeat_last=1)


def test_an_unknown_mode_is_named():
    with pytest.raises(ValueError, match="centre-crop, squash, got 'stretch'"):
        frames.sync_request("stretch")  # type: ignore[arg-type]
