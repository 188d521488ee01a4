"""The signal backbone: closed forms, alignment in time, silence, and the order of the controls on the demo's sounds."""

import numpy as np
import pytest

from metrics import desync, frechet_audio_distance, kl_divergence
from metrics.backbones.signal import SAMPLE_RATE, Signal
from metrics.backbones.signal_classifier import LabelModel
from metrics.selectivity import class_selectivity
from vgg_monoaudio.demo.clips import demo_clip, demo_sources

SIGNAL = Signal()
SAMPLES = 8 * SAMPLE_RATE
ZERO = 10  # index of offset 0 s


def sine(frequency: float, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(SAMPLES) / SAMPLE_RATE)


def clicks(*seconds: float) -> np.ndarray:
    waveform = np.zeros(SAMPLES)
    for time in seconds:
        waveform[round(time * SAMPLE_RATE)] = 0.5
    return waveform


def flashes(*seconds: float, size: int = 4) -> np.ndarray:
    """Frames (200, 3, size, size), black but for the one in which each time falls."""
    frames = np.zeros((200, 3, size, size), dtype=np.uint8)
    frames[[int(np.floor(time * 25)) for time in seconds]] = 200
    return frames


def out_of_step(waveform: np.ndarray, motion: np.ndarray) -> float:
    return float(desync(SIGNAL.offset_logits(SIGNAL.audio(waveform).onset, motion)[np.newaxis])[0])


IRREGULAR = (0.31, 0.82, 1.77, 2.05, 3.13, 3.71, 4.60, 5.02, 5.95, 6.24, 7.31)


# embedding


def test_shapes_and_types_are_as_declared():
    audio = SIGNAL.audio(sine(440))
    assert (audio.embedding.shape, audio.embedding.dtype) == ((140,), np.float32)
    assert (audio.onset.shape, audio.onset.dtype) == ((200,), np.float32)
    assert Signal.dimension == 140


def test_a_hundredth_of_the_amplitude_is_four_bel_less():
    loud, quiet = SIGNAL.audio(sine(1000)).embedding[:40], SIGNAL.audio(sine(1000, 0.005)).embedding[:40]
    band = loud.argmax()
    assert loud[band] == pytest.approx(np.log10(0.5**2 / 4), abs=0.3)  # a sine's power in its bin, spread by the taper
    assert loud[band] - quiet[band] == pytest.approx(4.0, abs=0.02)  # the floor of 1e-7 adds 0.01


def test_a_higher_tone_has_its_peak_in_a_higher_band():
    bands = [int(SIGNAL.audio(sine(frequency)).embedding[:40].argmax()) for frequency in (100, 300, 1000, 3000, 7000)]
    assert bands == sorted(set(bands))


@pytest.mark.parametrize(("rate", "octave"), [(0.7, 0), (1.5, 1), (3.0, 2), (6.0, 3), (12.0, 4), (24.0, 5)])
def test_modulation_shows_in_its_octave(rate, octave):
    noise = np.random.default_rng(3).normal(size=SAMPLES) * 0.05
    swelling = noise * (1.0 + 0.8 * np.sin(2 * np.pi * rate * np.arange(SAMPLES) / SAMPLE_RATE))
    by_octave = SIGNAL.audio(swelling).embedding[80:].reshape(6, 10).mean(axis=1)
    assert by_octave.argmax() == octave


def test_silence_is_finite_and_stands_at_the_floor():
    audio = SIGNAL.audio(np.zeros(SAMPLES))
    np.testing.assert_allclose(audio.embedding[:40], -7.0)  # -70 dB
    np.testing.assert_array_equal(audio.embedding[40:], 0)
    np.testing.assert_array_equal(audio.onset, 0)


def test_features_of_float32_and_float64_sound_agree():
    sound = np.random.default_rng(1).normal(size=SAMPLES).astype(np.float32) * np.float32(0.1)
    single, double = SIGNAL.audio(sound), SIGNAL.audio(sound.astype(np.float64))
    np.testing.assert_array_equal(single.embedding, double.embedding)
    np.testing.assert_array_equal(single.onset, double.onset)


# onset, motion, offset


@pytest.mark.parametrize("sample", [16_004, 16_200, 16_320, 16_480, 16_639, 40_003])
def test_a_click_sets_in_within_the_frame_it_falls_in(sample):
    assert SIGNAL.audio(clicks(sample / SAMPLE_RATE)).onset.argmax() == sample // 640


@pytest.mark.parametrize("time", [0.04, 1.0, 1.039, 7.96])
def test_a_flash_moves_in_the_frame_it_first_shows_in(time):
    assert SIGNAL.video(flashes(time)).argmax() == int(np.floor(time * 25))


def test_motion_is_the_root_of_the_mean_difference_where_it_rises():
    frames = np.zeros((4, 3, 2, 2), dtype=np.uint8)
    frames[1], frames[2, 0], frames[3] = 16, 16, 255  # differences 16, 16 * 2 / 3, then 245 on average
    np.testing.assert_allclose(
        SIGNAL.video(frames), [0, 4, 0, np.sqrt((239 + 255 * 2) / 3) - np.sqrt(32 / 3)], rtol=1e-6
    )


def test_a_difference_downwards_does_not_wrap_around():
    frames = np.zeros((3, 3, 2, 2), dtype=np.uint8)
    frames[0] = 1
    np.testing.assert_allclose(SIGNAL.video(frames), [0, 1, 0])


@pytest.mark.parametrize("delay", [-1.6, -0.4, -0.2, 0.0, 0.2, 1.0, 2.0])
def test_sound_that_is_late_by_some_seconds_is_out_of_step_by_as_many(delay):
    shown = [time for time in IRREGULAR if 0 <= time + delay < 7.9]
    logits = SIGNAL.offset_logits(
        SIGNAL.audio(clicks(*(time + delay for time in shown))).onset, SIGNAL.video(flashes(*shown))
    )
    assert logits.shape == (2, 21)
    assert np.abs(logits).max() <= 1 + 1e-6
    np.testing.assert_array_equal(logits.argmax(axis=1), ZERO + round(delay / 0.2))


def test_the_first_and_the_last_window_are_judged_each_by_itself():
    early = [time for time in IRREGULAR if time < 3.2]
    late = [time for time in IRREGULAR if time > 4.8]
    sound = clicks(*early, *(time + 0.6 for time in late))
    logits = SIGNAL.offset_logits(SIGNAL.audio(sound).onset, SIGNAL.video(flashes(*early, *late)))
    np.testing.assert_array_equal(logits.argmax(axis=1), [ZERO, ZERO + 3])


@pytest.mark.parametrize("delay", [-0.08, -0.04, 0.04, 0.08])
def test_up_to_two_frames_belong_to_the_same_offset(delay):
    assert out_of_step(clicks(*(time + delay for time in IRREGULAR)), SIGNAL.video(flashes(*IRREGULAR))) == 0


@pytest.mark.parametrize(
    ("sound", "picture"),
    [
        pytest.param(np.zeros(SAMPLES), flashes(*IRREGULAR), id="silence"),
        pytest.param(4e-4 * np.random.default_rng(0).normal(size=SAMPLES), flashes(*IRREGULAR), id="room tone"),
        pytest.param(clicks(*IRREGULAR), flashes(), id="motionless"),
        pytest.param(np.zeros(SAMPLES), flashes(), id="neither"),
    ],
)
def test_what_cannot_be_compared_scores_the_worst_there_is(sound, picture):
    logits = SIGNAL.offset_logits(SIGNAL.audio(sound).onset, SIGNAL.video(picture))
    np.testing.assert_array_equal(logits[:, 0], 0)
    np.testing.assert_array_equal(logits[:, 1:], -1)
    assert desync(logits[np.newaxis]) == pytest.approx([2.0])


def test_a_silent_second_half_is_worst_there_and_judged_where_it_sounds():
    sound = clicks(*(time for time in IRREGULAR if time < 3.2))
    assert out_of_step(sound, SIGNAL.video(flashes(*IRREGULAR))) == pytest.approx(1.0)  # mean of 0 and 2


# classes


def three_labels() -> tuple[np.ndarray, list[str]]:
    rows = [SIGNAL.audio(sine(frequency)).embedding for frequency in (200, 900, 4000)]
    return np.stack(rows), ["low", "middle", "high"]


@pytest.mark.parametrize("count", [2, 3])
def test_one_source_a_label_is_enough(count):
    rows, labels = three_labels()
    model = LabelModel.fit(rows[:count], labels[:count])
    logits = model.logits(rows[:count])
    assert logits.shape == (count, count)
    assert [model.labels[column] for column in logits.argmax(axis=1)] == labels[:count]
    np.testing.assert_allclose(model.label_similarity(rows[:count], labels[:count]), 1.0)


def test_two_labels_get_opposite_logits_that_tell_them_apart():
    rows, labels = three_labels()
    logits = LabelModel.fit(rows[:2], labels[:2]).logits(rows[:2])
    np.testing.assert_allclose(logits[:, 0], -logits[:, 1])
    assert np.all(1 / (1 + np.exp(-np.abs(logits[:, 0] - logits[:, 1]))) > 0.9)


def test_columns_follow_the_sorted_labels_whatever_order_the_sources_have():
    rows, labels = three_labels()
    straight, turned = LabelModel.fit(rows, labels), LabelModel.fit(rows[::-1], labels[::-1])
    assert straight.labels == turned.labels == ("high", "low", "middle")
    np.testing.assert_allclose(straight.logits(rows), turned.logits(rows), atol=1e-4)  # the optimiser's tolerance


def test_fitting_twice_gives_the_same_bits():
    rows, labels = three_labels()
    first, second = LabelModel.fit(rows, labels), LabelModel.fit(rows, labels)
    np.testing.assert_array_equal(first.logits(rows), second.logits(rows))


@pytest.mark.parametrize("count", [2, 3, 20])
def test_a_model_made_of_its_arrays_gives_the_same_values_to_the_bit(count):
    random = np.random.default_rng(count)
    labels = [f"label {place % count}" for place in range(60)]
    fitted = LabelModel.fit(random.normal(size=(60, 140)).astype(np.float32), labels)
    arrays = fitted.arrays()
    assert all(array.flags.c_contiguous and array.dtype == np.float64 for array in arrays.values())
    again, rows = LabelModel.from_arrays(arrays, labels), random.normal(size=(500, 140))
    assert again.labels == fitted.labels
    np.testing.assert_array_equal(again.logits(rows), fitted.logits(rows))
    np.testing.assert_array_equal(again.standardised(rows), fitted.standardised(rows))
    np.testing.assert_array_equal(again.prototypes(labels), fitted.prototypes(labels))
    with pytest.raises(KeyError, match="spread"):
        LabelModel.from_arrays({name: array for name, array in arrays.items() if name != "spread"}, labels)


def test_logits_and_similarity_of_a_row_do_not_depend_on_the_rows_beside_it():
    rows, labels = three_labels()
    model = LabelModel.fit(rows, labels)
    many = np.random.default_rng(5).normal(-4, 2, size=(67, 140))
    named = [labels[index % 3] for index in range(67)]
    for first, last in ((0, 1), (3, 5), (10, 43)):
        np.testing.assert_array_equal(model.logits(many)[first:last], model.logits(many[first:last]))
        np.testing.assert_array_equal(
            model.label_similarity(many, named)[first:last], model.label_similarity(many[first:last], named[first:last])
        )


def test_a_sound_outside_the_references_counts_as_at_most_4_standard_deviations_away():
    rows, labels = three_labels()
    model = LabelModel.fit(rows, labels)
    spread = np.maximum(rows.std(axis=0), 0.05)  # bel
    edge, beyond, within = (rows.mean(axis=0, keepdims=True) + reach * spread for reach in (4.0, 400.0, 3.5))
    np.testing.assert_allclose(model.logits(beyond), model.logits(edge), rtol=1e-5)  # the rows are float32
    assert np.abs(model.logits(within) - model.logits(edge)).max() > 1e-6


def test_silence_has_finite_scores():
    rows, labels = three_labels()
    model, silence = LabelModel.fit(rows, labels), SIGNAL.audio(np.zeros(SAMPLES)).embedding[np.newaxis]
    assert np.isfinite(model.logits(silence)).all()
    assert np.isfinite(model.label_similarity(silence, ["low"])).all()


# the order of the controls on the demo's sounds, at the level at which they leave the films


class Demo:
    """Features of the demo's sources and of every control, for the 32 ordered pairs within a category."""

    def __init__(self) -> None:
        table = demo_sources()
        clips = {clip_id: demo_clip(clip_id) for clip_id in table["clip_id"]}
        sound = {key: clip.waveform for key, clip in clips.items()}
        feature = {key: SIGNAL.audio(waveform) for key, waveform in sound.items()}
        self.sources = np.stack([feature[key].embedding for key in clips])
        self.model = LabelModel.fit(self.sources, list(table["label"]))
        pairs = [
            (a, b)
            for a in clips
            for b in clips
            if clips[a].category == clips[b].category and clips[a].label != clips[b].label
        ]
        rng = np.random.default_rng(11)
        others = [rng.choice([key for key in clips if key != a]) for a, _ in pairs]
        self.labels = [clips[a].label for a, _ in pairs]
        self.target = np.stack([feature[a].embedding for a, _ in pairs])
        self.paired = np.stack([feature[b].embedding for _, b in pairs])
        self.generated = {
            "oracle": self.target,
            "mixture": np.stack([SIGNAL.audio((sound[a] + sound[b]) / 2).embedding for a, b in pairs]),
            "sum": np.stack([SIGNAL.audio(sound[a] + sound[b]).embedding for a, b in pairs]),
            "distractor": self.paired,
            "shuffled": np.stack([feature[key].embedding for key in others]),
            "noise": np.stack([SIGNAL.audio(pink(rng, level(sound[a]))).embedding for a, _ in pairs]),
            "silence": np.stack([SIGNAL.audio(np.zeros(SAMPLES)).embedding for _ in pairs]),
        }

    def distance(self, control: str) -> float:
        return frechet_audio_distance(self.target, self.generated[control])

    def divergence(self, control: str) -> float:
        return float(kl_divergence(self.model.logits(self.target), self.model.logits(self.generated[control])).mean())

    def similarity(self, control: str) -> float:
        return float(self.model.label_similarity(self.generated[control], self.labels).mean())

    def win_rate(self, control: str) -> float:
        logits = (self.model.logits(rows) for rows in (self.target, self.paired, self.generated[control]))
        return class_selectivity(*logits).win_rate


def level(waveform: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(waveform, dtype=np.float64))))


def pink(rng: np.random.Generator, rms: float) -> np.ndarray:
    spectrum = np.fft.rfft(rng.normal(size=SAMPLES))
    spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, SAMPLES)
    return noise * (rms / level(noise))


@pytest.fixture(scope="module")
def demo() -> Demo:
    return Demo()


def test_the_classifier_knows_the_demo_sources(demo):
    logits = demo.model.logits(demo.sources)
    chance = np.exp(logits - logits.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    truth = [demo.model.labels.index(label) for label in demo_sources()["label"]]
    assert chance[np.arange(16), truth].min() > 0.9


def test_divergence_rises_from_oracle_over_mixture_to_distractor(demo):
    assert demo.divergence("oracle") < 1e-9
    assert demo.divergence("oracle") + 0.3 < demo.divergence("mixture") < demo.divergence("distractor") - 1
    assert demo.divergence("sum") < demo.divergence("distractor") - 1


def test_label_similarity_falls_from_oracle_over_mixture_to_distractor(demo):
    assert demo.similarity("oracle") - 0.2 > demo.similarity("mixture") > demo.similarity("distractor") + 0.2


def test_silence_and_noise_are_far_from_the_set_and_the_other_controls_near(demo):
    near = max(demo.distance(control) for control in ("mixture", "distractor", "shuffled"))
    assert min(demo.distance("silence"), demo.distance("noise")) > 3 * near
    assert demo.distance("oracle") < 1e-6
    assert demo.distance("distractor") < 1e-6  # within categories the paired sounds are the same set as the targets


def test_win_rates_read_one_a_half_and_nothing(demo):
    assert demo.win_rate("oracle") == 1.0
    assert demo.win_rate("mixture") == pytest.approx(0.5, abs=0.05)
    assert demo.win_rate("distractor") == 0.0


@pytest.fixture(scope="module")
def films() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Onsets and motions of five films, among them both clips of a label; 1.5 s of drawing each at most."""
    chosen = (
        "democlok001_000000",
        "democlok002_000000",
        "demohamr001_000000",
        "demodrip001_000000",
        "demostrg002_000000",
    )
    clips = [demo_clip(clip_id) for clip_id in chosen]
    motions = [SIGNAL.video(np.stack([f[::8, ::8].transpose(2, 0, 1) for f in clip.frames()])) for clip in clips]
    return [SIGNAL.audio(clip.waveform).onset for clip in clips], motions


def test_films_are_in_step_with_their_own_sound_and_with_no_other(films):
    onsets, motions = films
    logits = np.stack([[SIGNAL.offset_logits(onset, motion) for onset in onsets] for motion in motions])
    scores = np.stack([desync(row) for row in logits])  # film, sound
    own = np.eye(len(onsets), dtype=bool)
    assert scores[own].max() == 0
    assert scores[~own].mean() > 0.3
    assert min(scores[0, 1], scores[1, 0]) > 0.3  # the other clip of the same label, too


def test_real_clips_have_finite_scores(real_media):
    from foundation import media

    files = [real_media / f"{name}.mp4" for name in ("3qesirWAGt4_000020", "0B4dYTMsgHA_000130", "F8Zt3mYlOqU_000094")]
    labels = ["dog barking", "child speech", "whale calling"]
    sounds = [SIGNAL.audio(media.read_audio(file, sample_rate=SAMPLE_RATE, seconds=8.0)) for file in files]
    motion = SIGNAL.video(media.read_video(files[0], fps=25, seconds=8.0, size=(112, 112)))
    rows = np.stack([sound.embedding for sound in sounds])
    model = LabelModel.fit(rows, labels)
    assert [model.labels[column] for column in model.logits(rows).argmax(axis=1)] == labels
    np.testing.assert_allclose(model.label_similarity(rows, labels), 1.0)
    for sound in sounds:
        scores = SIGNAL.offset_logits(sound.onset, motion)
        assert np.isfinite(scores).all()
        assert np.ptp(scores) > 0.1  # a real comparison, not the answer for silence or a picture at rest
        assert scores.min() > -1


# errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: SIGNAL.audio(np.zeros((1, 16_000))),
            r"waveform: expected shape \(n,\), one mono sound, got \(1, 16000\)",
        ),
        (lambda: SIGNAL.audio(np.zeros(639)), "waveform: needs at least 640 samples, got 639"),
        (lambda: SIGNAL.audio(np.full(640, np.nan)), "waveform: sample 0 of 640 is not finite"),
        (
            lambda: SIGNAL.video(np.zeros((5, 8, 8, 3), np.uint8)),
            r"frames: expected uint8 \(t, 3, h, w\), got uint8 \(5, 8,",
        ),
        (lambda: SIGNAL.video(np.zeros((5, 3, 8, 8))), "got float64"),
        (lambda: SIGNAL.video(np.zeros((0, 3, 8, 8), np.uint8)), "frames: needs at least 1 sample, got 0"),
        (lambda: SIGNAL.offset_logits(np.zeros(119), np.zeros(200)), r"onset: expected shape \(t,\) with t >= 120"),
        (lambda: SIGNAL.offset_logits(np.zeros(200), np.zeros(199)), "expected as many frames, got 200 and 199"),
        (lambda: SIGNAL.offset_logits(np.zeros(200), np.full(200, np.inf)), "motion: sample 0 of 200 is not finite"),
        (lambda: LabelModel.fit(np.zeros((3, 4)), ["dog"] * 3), r"at least two different labels, got 1 \(dog\)"),
        (
            lambda: LabelModel.fit(np.zeros((3, 4)), ["dog", "cat"]),
            "labels: expected one for each of the 3 embeddings, got 2",
        ),
    ],
)
def test_the_argument_at_fault_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_label_without_a_source_is_named_with_those_that_have_one():
    rows, labels = three_labels()
    model = LabelModel.fit(rows, labels)
    with pytest.raises(ValueError, match="no source has 'shrill'; known are high, low, middle"):
        model.label_similarity(rows[:1], ["shrill"])
    with pytest.raises(ValueError, match="labels: expected one for each of the 1 embeddings, got 2"):
        model.label_similarity(rows[:1], ["low", "low"])
    with pytest.raises(ValueError, match=r"embeddings: expected shape \(n, 140\), got \(3, 7\)"):
        model.logits(rows[:, :7])
