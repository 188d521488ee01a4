"""The one place that decodes and encodes audio and video.

Conventions:
    Audio is float32, full scale 1 (lossy codecs may overshoot it), in the order the stream stores it; encoder
    priming that the container declares is already cut; the end may carry up to a packet (1,024 samples of AAC) of the
    encoder's padding. Files are never padded at their end: a short file gives a short array or an error, never invented
    samples.
    Picture and sound of a file share one time line (`timeline`), of the streams that a player plays (`streams`).
    Video frames are chosen by presentation time with the rule of ffmpeg's fps filter (its default rounding): slot k
    of a stream at `fps` shows the last frame whose time x fps, rounded half up, does not exceed k; before the first
    frame, that one. 25 fps material read at 25 fps gives frame k for slot k; so does every tool of the field that
    reads through ffmpeg. Pictures are turned, mirrored and stretched as a player shows them (`display`).
    Damage is refused, not passed over: a packet or a frame that does not decode; a block whose checksum is wrong
    (FLAC, WavPack, TTA, TrueHD); a .flac with a block missing, or without the samples or the MD5 that it declares; a
    file that ends before its headers say. Lossy codecs have no checksums, so a changed bit that still decodes is heard.
    What is too much or too odd is refused too (`limits`).
    Every file is written under a temporary name in its own folder and renamed when complete.
"""

from foundation.files import PathLike, remove_partials, replacing
from foundation.media.encoding import Subtype, write_audio, write_video, x264_instructions
from foundation.media.frames import FrameRequest, read_video, read_video_streams
from foundation.media.opening import TRUNCATION_TOLERANCE_SECONDS, MediaError, ffmpeg_executable
from foundation.media.probing import (
    AudioInfo,
    MediaInfo,
    VideoInfo,
    keeps_more_than_16_bits,
    picture_seconds,
    probe,
)
from foundation.media.remuxing import mux
from foundation.media.resampling import resample
from foundation.media.scale import scale_fault
from foundation.media.sound import Audio, read_audio, read_audio_native
from foundation.media.surveying import Survey, shown_size, survey, survey_picture
from foundation.media.timeline import FRAME_RULE, MISSING_LIMIT_SECONDS, Span
from foundation.media.wholeness import is_whole, what_is_missing

__all__ = [
    "FRAME_RULE",
    "MISSING_LIMIT_SECONDS",
    "TRUNCATION_TOLERANCE_SECONDS",
    "Audio",
    "AudioInfo",
    "FrameRequest",
    "MediaError",
    "MediaInfo",
    "PathLike",
    "Span",
    "Subtype",
    "Survey",
    "VideoInfo",
    "ffmpeg_executable",
    "is_whole",
    "keeps_more_than_16_bits",
    "mux",
    "picture_seconds",
    "probe",
    "read_audio",
    "read_audio_native",
    "read_video",
    "read_video_streams",
    "remove_partials",
    "replacing",
    "resample",
    "scale_fault",
    "shown_size",
    "survey",
    "survey_picture",
    "what_is_missing",
    "write_audio",
    "write_video",
    "x264_instructions",
]
