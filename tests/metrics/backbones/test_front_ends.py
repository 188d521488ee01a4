"""What the networks are given equals what the reference tools give them, for a 44.1 kHz stereo file of odd length."""

import numpy as np
import pytest
import torch
from support.seeded_weights import off_by, video, waveform

from metrics.backbones import clap, frontends, imagebind, panns, synchformer

RATE = 44_100
SAME_KERNELS = 1e-5  # the arithmetic is the same; only the order of sums can differ between machines


@pytest.fixture(scope="module")
def stereo():
    return waveform("prep/stereo", RATE * 8 + 977, RATE, seed=1, channels=2)


@pytest.fixture(scope="module")
def picture():
    return video("prep/video", 2, 360, 640, seed=1)


@pytest.fixture(scope="module")
def expected(golden):
    return golden("front_ends")


def pieces(samples):
    """The stretches of a waveform that the golden file keeps."""
    middle = len(samples) // 2 + 550
    return {"head": samples[:400], "middle": samples[middle : middle + 400], "tail": samples[-400:]}


@pytest.mark.parametrize(
    ("name", "prepare", "length"),
    [
        ("mono16k_centred", lambda x: panns.prepare_audio(x, RATE, 8.0), 128_000),
        ("mono48k_centred", lambda x: clap.prepare_audio(x, RATE, 8.0), 384_000),
        ("kadtk_mono16k", lambda x: panns.prepare_audio_kadtk(x, RATE), 128_355),
        ("kadtk_mono32k", lambda x: frontends.kadtk_mono(x, RATE, 32_000), 256_709),
    ],
)
def test_waveforms_equal_the_reference(name, prepare, length, stereo, expected):
    prepared = prepare(stereo)
    assert prepared.dtype == torch.float32
    assert len(prepared) == length
    for where, samples in pieces(prepared).items():
        assert off_by(samples, expected[f"{name}_{where}"]) < SAME_KERNELS, where


def test_synchformer_mels_equal_the_reference(stereo, expected):
    mels = synchformer.prepare_audio(stereo, RATE, 8.0)
    assert mels.shape == (24, 128, 66)
    assert off_by(mels[[0, 23]], expected["sync_mel_segments_0_23"]) < SAME_KERNELS


def test_imagebind_mels_equal_the_reference(stereo, expected):
    mels = imagebind.prepare_audio(stereo, RATE, 8.0)
    assert mels.shape == (3, 1, 128, 204)
    got = mels[:, 0, :, ::4].double()
    wanted = torch.as_tensor(expected["imagebind_mel_every_4th_frame"]).double()
    # The sums are those of the spectrum, so its amplitudes are what can be held to the last digits: in a band 70 dB
    # below the loudest of its frame the logarithm shows an error of the sums three thousand times as large.
    amplitude, peak = _amplitudes(wanted), _amplitudes(wanted).amax(dim=1, keepdim=True)
    assert ((_amplitudes(got) - amplitude).abs() / peak).max() < SAME_KERNELS
    clear = amplitude > peak / 1000
    assert clear.double().mean() > 0.95
    assert off_by(got[clear], wanted[clear]) < SAME_KERNELS


def _amplitudes(pictures):
    return torch.exp((pictures * imagebind.MEL_DEVIATION + imagebind.MEL_MEAN) / 2)


def test_synchformer_frames_equal_the_reference_to_the_byte(picture, expected):
    frames = synchformer.prepare_video(picture)
    assert frames.shape == (2, 3, 224, 224)
    as_bytes = ((frames * 0.5 + 0.5) * 255).round().to(torch.uint8)
    np.testing.assert_array_equal(as_bytes[:, :, ::16], expected["sync_frames_every_16th_row"])


def test_imagebind_crops_equal_the_reference(picture, expected):
    clips = imagebind.prepare_video(picture)
    assert clips.shape == (3, 3, 2, 224, 224)
    rows = clips.transpose(1, 2)[:, :, :, [0, 100, 223]]
    assert off_by(rows, expected["imagebind_crops_rows_0_100_223"]) < SAME_KERNELS


def test_only_panns_and_clap_remove_the_mean():
    loud = torch.full((1, 16_000), 0.5)
    assert panns.prepare_audio(loud, 16_000, 1.0).abs().max() == 0
    assert panns.prepare_audio_kadtk(loud, 16_000).min() == 0.5


def test_the_mean_is_that_of_the_whole_file_not_of_what_is_kept():
    steps = torch.cat([torch.zeros(16_000), torch.ones(16_000)])
    assert panns.prepare_audio(steps, 16_000, 1.0).unique().tolist() == [-0.5]


def test_a_short_file_is_not_padded():
    assert len(panns.prepare_audio(torch.zeros(127_680), 16_000, 8.0)) == 127_680
    assert len(clap.prepare_audio(torch.zeros(8_000), 8_000, 8.0)) == 48_000


def test_a_numpy_waveform_and_a_tensor_are_heard_alike(stereo):
    np.testing.assert_array_equal(
        panns.prepare_audio(stereo.numpy(), RATE, 8.0), panns.prepare_audio(stereo, RATE, 8.0)
    )


def test_kadtk_rounds_to_16_bits_also_without_resampling():
    prepared = panns.prepare_audio_kadtk(torch.tensor([[0.1, -1.5, 1.5, 0.3 / 32768]]), 16_000)
    assert (prepared * 32768).tolist() == [3277.0, -32768.0, 32767.0, 0.0]


def test_synchformer_refuses_a_file_shorter_than_what_is_scored():
    with pytest.raises(ValueError, match=r"lasts 7\.9800 s of the 8 s"):
        synchformer.prepare_audio(torch.zeros(1, 127_680), 16_000, 8.0)


def test_synchformer_segments_follow_the_duration():
    assert len(synchformer.prepare_audio(torch.zeros(1, 80_000), 16_000, 5.0)) == 14


def test_imagebind_hears_the_first_channel_and_centres_by_all():
    one, other = waveform("left", 96_000, 16_000, seed=3), waveform("right", 96_000, 16_000, seed=4)
    together = imagebind.prepare_audio(torch.cat([one, other]), 16_000, 8.0)
    # The offset does not outlive the per-frame removal of the mean, so the second channel leaves no trace.
    assert off_by(together, imagebind.prepare_audio(one, 16_000, 8.0)) < 1e-3
    assert off_by(together, imagebind.prepare_audio(other, 16_000, 8.0)) > 0.01


def test_imagebind_spreads_its_clips_over_the_whole_file_whatever_is_scored():
    file = waveform("long", 160_000, 16_000, seed=3)
    clips = imagebind.prepare_audio(file, 16_000, 8.0)
    alone = imagebind.prepare_audio(file[:, 128_000:].clone(), 16_000, 8.0)
    assert off_by(clips[2], alone[2]) < 1e-3
    np.testing.assert_array_equal(clips, imagebind.prepare_audio(file, 16_000, 2.0))


def test_imagebind_leaves_the_file_it_is_given_alone():
    file = torch.full((1, 40_000), 0.25)
    imagebind.prepare_audio(file, 16_000, 8.0)
    assert file.unique().tolist() == [0.25]


def test_imagebind_clips_pair_neighbouring_frames_and_crop_left_middle_right():
    frames = torch.zeros(4, 3, 224, 398, dtype=torch.uint8)
    frames += torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1) * 50
    frames[..., 0] = 255
    clips = imagebind.prepare_video(frames)
    assert clips.shape == (9, 3, 2, 224, 224)
    assert clips[0, 0, :, 0, 100].tolist() < clips[3, 0, :, 0, 100].tolist()  # later pair, brighter
    bright = [bool(clip[0, 0, 0, 0] == clips.max(dim=0).values[0, 0, 0, 0]) for clip in clips[:3]]
    assert bright == [True, False, False]  # the white column is in the left crop alone


def test_a_tall_video_is_cropped_from_top_to_bottom():
    frames = torch.zeros(2, 3, 448, 224, dtype=torch.uint8)
    frames[:, :, 300:] = 255
    top, middle, bottom = imagebind.prepare_video(frames).mean(dim=(1, 2, 3, 4))
    assert top < middle < bottom


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(2, 2, 2), r"expected shape \(channels, n\)"),
        (torch.zeros(1, 0), r"expected shape \(channels, n\) with n > 0"),
        (torch.zeros(1, 9, dtype=torch.int16), "expected floating point"),
        (torch.tensor([[0.0, float("nan"), float("inf")]]), "2 of 3 samples are not finite"),
    ],
)
def test_what_is_no_waveform_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        panns.prepare_audio(given, 16_000, 8.0)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (torch.zeros(2, 4, 8, 3, dtype=torch.uint8), r"expected shape \(t, 3, h, w\)"),
        (torch.zeros(2, 3, 8, 8), "expected uint8"),
    ],
)
def test_what_are_no_frames_is_refused(frames, message):
    with pytest.raises(ValueError, match=message):
        synchformer.prepare_video(frames)


def test_imagebind_needs_two_frames():
    with pytest.raises(ValueError, match=r"needs two frames at 0\.5 a second, got 1"):
        imagebind.prepare_video(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_no_duration_and_no_rate_are_refused():
    with pytest.raises(ValueError, match="positive duration, got 0"):
        panns.prepare_audio(torch.zeros(1, 9), 16_000, 0)
    with pytest.raises(ValueError, match="positive number of Hz, got 0"):
        panns.prepare_audio(torch.zeros(1, 9), 0, 8.0)
