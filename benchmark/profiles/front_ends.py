"""Front ends of networks as worker processes run them: a decoded file in, the tensors of one network out.

They import what they need inside, and never the modules of PANNs and CLAP: these bring their networks' packages along,
seconds of import in each worker.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmark.features import Arrays
from foundation import media
from metrics.av_align import flow_peaks, onset_times
from metrics.levels import measure_levels
from metrics.onset import detect_onsets


def prepare_panns(audio: media.Audio, seconds: float) -> Arrays:
    """Return the waveform that PANNs is given."""
    from metrics.backbones import frontends

    waveform = frontends.centred_mono(audio.samples, audio.sample_rate, seconds, frontends.PANNS_RATE)
    return {"waveform": waveform.numpy()}


def prepare_kadtk(audio: media.Audio, _seconds: float) -> Arrays:
    """Return the waveform that PANNs is given by kadtk: the whole file."""
    from metrics.backbones import frontends

    return {"waveform": frontends.kadtk_mono(audio.samples, audio.sample_rate, frontends.PANNS_RATE).numpy()}


def prepare_clap(audio: media.Audio, seconds: float) -> Arrays:
    """Return the waveform that CLAP is given."""
    from metrics.backbones import frontends

    waveform = frontends.centred_mono(audio.samples, audio.sample_rate, seconds, frontends.CLAP_RATE)
    return {"waveform": waveform.numpy()}


def prepare_imagebind_audio(audio: media.Audio, seconds: float) -> Arrays:
    """Return the log-mel spectrograms that ImageBind is given."""
    from metrics.backbones import imagebind

    return {"mels": imagebind.prepare_audio(audio.samples, audio.sample_rate, seconds).numpy()}


def prepare_synchformer_audio(audio: media.Audio, seconds: float) -> Arrays:
    """Return the log-mel segments that Synchformer is given."""
    from metrics.backbones import synchformer

    return {"mels": synchformer.prepare_audio(audio.samples, audio.sample_rate, seconds).numpy()}


def prepare_pe_av_audio(audio: media.Audio, seconds: float) -> Arrays:
    """Return the waveform that PE-AV is given."""
    from metrics.backbones import pe_av

    return {"waveform": pe_av.prepare_audio(audio.samples, audio.sample_rate, seconds).numpy()}


def prepare_vggish(audio: media.Audio, seconds: float) -> Arrays:
    """Return the log-mel patches that VGGish is given."""
    from metrics.backbones import vggish

    return {"examples": vggish.prepare_audio(audio.samples, audio.sample_rate, seconds).numpy()}


def prepare_passt(audio: media.Audio, seconds: float) -> Arrays:
    """Return the log-mel spectrogram that PaSST is given."""
    from metrics.backbones import passt

    return {"mels": passt.prepare_audio(audio.samples, audio.sample_rate, seconds).numpy()}


def prepare_audiobox(audio: media.Audio, seconds: float) -> Arrays:
    """Return the waveform that Audiobox Aesthetics is given."""
    from metrics.backbones import audiobox

    return {"waveform": audiobox.prepare_audio(audio.samples, audio.sample_rate, seconds).numpy()}


def prepare_onsets(audio: media.Audio, seconds: float) -> Arrays:
    """Return the onsets themselves; no network follows."""
    return {"onsets": detect_onsets(audio.samples, audio.sample_rate, seconds)}


def prepare_silero(audio: media.Audio, seconds: float) -> Arrays:
    """Return the share of speech itself; the network is small enough to run where the file is decoded."""
    from metrics.backbones.silero import speech_share

    return {"share": np.array([speech_share(audio.samples, audio.sample_rate, seconds)])}


def prepare_onset_times(audio: media.Audio, seconds: float) -> Arrays:
    """Return when the sounds start, for AV-Align; no network follows."""
    return {"seconds": onset_times(audio.samples, audio.sample_rate, seconds)}


def prepare_levels(audio: media.Audio, seconds: float) -> Arrays:
    """Return loudness, true peak and share of silence; no network follows."""
    return {"levels": measure_levels(audio.samples, audio.sample_rate, seconds)}


def prepare_flow_peaks(frames: NDArray[np.uint8], _seconds: float) -> Arrays:
    """Return when the picture moves most; no network follows."""
    return {"seconds": flow_peaks(frames)}


def short_side(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one frame as the front ends scale it, uint8 (3, h, w): processes exchange small frames, not large ones."""
    import torch

    from metrics.backbones import frontends

    resized = frontends.short_side(torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None], 224)
    return np.asarray(resized[0].numpy())


def pe_av_square(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return one frame as PE-AV's front end scales it, uint8 (3, 336, 336)."""
    import torch

    from metrics.backbones import pe_av

    resized = pe_av.square(torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None])
    return np.asarray(resized[0].numpy())


def choose_pe_av_frames(frames: NDArray[np.uint8], _seconds: float) -> Arrays:
    """Return the frames that stand for the clip, uint8 (16, 3, 336, 336); the network's side scales their values."""
    from metrics.backbones import pe_av

    return {"frames": frames[pe_av.chosen_frames(len(frames))]}


def keep_frames(frames: NDArray[np.uint8], _seconds: float) -> Arrays:
    """Return the frames as they come; the network's side prepares them, a whole clip at a time."""
    return {"frames": frames}
