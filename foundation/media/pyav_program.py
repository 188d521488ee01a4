"""A program that takes the part of ffmpeg's command line that the suite uses, and does the work with PyAV's libraries.

It stands in for an ffmpeg program, which not every machine has: PyAV's wheels carry the same libraries, libx264 and AAC
among them. As a process of its own it can be killed when it hangs, may crash at a damaged clip, and is judged by status
and words like the other (`vgg_monoaudio.encoding`). It begins in a tenth of a second: nothing is imported but PyAV and
what reads time lines.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foundation.media.ffmpeg_words import Command
    from foundation.media.filtering import FilterGraph, Reading

_LAYOUTS = "mono|stereo|3.0|4.0|5.0|5.1|7.1"  # of AAC
_NO_RATE = Fraction(25)  # frames per second of a film that does not say, as for the ffmpeg program


def command_words() -> list[str]:
    """Return the words with which the program is run; arguments follow. -P: a folder of the user's shadows nothing."""
    return [sys.executable, "-P", str(Path(__file__).resolve())]


def run(command: Command) -> None:
    """Read, filter, encode and write.

    Raises:
        foundation.media.MediaError: an input that cannot be used.
        av.error.FFmpegError: what the libraries have to say.
        ValueError: a stream or a label that is not there.
    """
    with ExitStack() as files:
        readings, maps = _opened(command, files)
        first = {
            f"{place}:{index}": frame
            for place, reading in enumerate(readings)
            for index, frame in reading.first_frames().items()
        }
        graph = _graph(command, maps, first)
        writing = _Writing(command, graph, list(readings), files)
        sources = [reading.frames() for reading in readings]
        while any(reading.live for reading in readings):
            # The one that is furthest behind: filters of two inputs would else keep the other's frames.
            place = min((k for k, reading in enumerate(readings) if reading.live), key=lambda k: readings[k].position)
            reading = readings[place]
            index, frame = next(sources[place], (None, None))
            for stream in list(reading.live) if index is None else [index]:
                if stream in reading.live and not graph.push(f"{place}:{stream}", frame):
                    reading.live.discard(stream)
            writing.take()
        writing.end()


def _opened(command: Command, files: ExitStack) -> tuple[list[Reading], list[str]]:
    """Open the inputs; return them with the labels that go to the output."""
    import av

    from foundation.media.filtering import Reading
    from foundation.media.streams import played_picture, played_sound
    from foundation.media.timeline import time_zero

    containers = []
    for given in command.inputs:
        container = files.enter_context(av.open(given.path, format=given.format, metadata_errors="replace"))
        container.flags &= ~av.container.Flags.gen_pts.value  # type: ignore[operator]  # both are int
        containers.append(container)
    maps = list(command.maps)
    if not maps:
        chosen = [(k, find(c)) for find in (played_picture, played_sound) for k, c in enumerate(containers)]
        maps = [f"{k}:{stream.index}" for k, stream in chosen if stream is not None]
    taken = {label.strip("[]") for step in command.filters for label in step.takes} | set(maps)
    readings = []
    for place, (given, container) in enumerate(zip(command.inputs, containers, strict=True)):
        streams = [stream for stream in container.streams if f"{place}:{stream.index}" in taken]
        readings.append(Reading(container, given.path, streams, time_zero(container)))
    return readings, maps


def _graph(command: Command, maps: Sequence[str], first: dict[str, Any]) -> FilterGraph:
    """Join the filters, and put at each end what the encoder takes."""
    import av

    from foundation.media.ffmpeg_words import Filter
    from foundation.media.filtering import FilterGraph

    def plain(label: str) -> str:  # [0:1] is a stream, [s1] a label
        return label.strip("[]") if label.strip("[]") in first else label

    filters = [Filter(f.name, f.options, tuple(map(plain, f.takes)), f.gives) for f in command.filters]
    wanted = list(maps)
    if command.simple:  # -vf stands between the mapped picture and its encoder
        place = next(k for k, label in enumerate(maps) if not hasattr(first[label], "sample_rate"))
        filters[0] = Filter(filters[0].name, filters[0].options, (maps[place],), filters[0].gives)
        filters[-1] = Filter(filters[-1].name, filters[-1].options, filters[-1].takes, ("[simple]",))
        wanted[place] = "[simple]"
    missing = {*wanted, *(label for f in filters for label in f.takes)} - {
        *first,
        *(x for f in filters for x in f.gives),
    }
    if missing:
        raise ValueError(f"{min(missing)}: no such stream or label")
    graph, options = FilterGraph(filters, wanted, first), command.options
    for label in wanted:
        if graph.kind(label) == "video":
            able = av.Codec(options.get("-vcodec", "libx264"), "w").video_formats or ()
            graph.finish(label, "format", options.get("-pix_fmt") or "|".join(kind.name for kind in able))
        else:
            able_rates = av.Codec(options.get("-acodec", "aac"), "w").audio_rates or ()
            rates = options.get("-ar") or "|".join(map(str, able_rates))
            layouts = "mono" if options.get("-ac") == "1" else _LAYOUTS
            graph.finish(label, "aformat", f"sample_fmts=fltp:sample_rates={rates}:channel_layouts={layouts}")
    graph.configure()
    return graph


class _Writing:
    """The output: begun when every stream has its first frame, since encoders are made for what they get."""

    def __init__(self, command: Command, graph: FilterGraph, readings: Sequence[Reading], files: ExitStack) -> None:
        self._command, self._graph, self._files = command, graph, files
        self._rates = [s.average_rate for r in readings for s in r.streams.values() if s.type == "video"]
        self._waiting: dict[str, list[Any]] = {label: [] for label in graph.sinks}
        self._streams: dict[str, Any] = {}
        self._container: Any = None

    def take(self) -> None:
        """Encode what is done."""
        for label in self._waiting:
            if self._container is not None or not self._waiting[label]:
                self._waiting[label] += self._graph.pull(label)
        if self._container is None:
            if not all(self._waiting.values()):
                return
            self._begin()
        for label, frames in self._waiting.items():
            for frame in frames:
                self._encode(label, frame)
            frames.clear()

    def end(self) -> None:
        """Encode what is left and close the file.

        Raises:
            ValueError: nothing has come for one of the streams.
        """
        self.take()
        if self._container is None:
            raise ValueError("no frame for the picture or the sound has come out of the filters")
        self.take()  # what waited in the sinks until the file was begun
        for label in self._streams:
            self._encode(label, None)
        self._container.close()

    def _begin(self) -> None:
        import av

        options = self._command.options
        written = {name: options[f"-{name}"] for name in ("movflags", "fflags") if f"-{name}" in options}
        nowhere = options.get("-f") == "null"
        self._container = self._files.enter_context(
            av.open(os.devnull if nowhere else self._command.output, "w", format=options.get("-f"), options=written)
        )
        for label, frames in self._waiting.items():
            add = self._picture if self._graph.kind(label) == "video" else self._sound
            self._streams[label] = add(frames[0])

    def _picture(self, frame: Any) -> Any:
        options = self._command.options
        paced = any(step.name == "fps" for step in self._command.filters)
        rate = 1 / frame.time_base if paced else next((rate for rate in self._rates if rate), _NO_RATE)
        stream = self._container.add_stream(options.get("-vcodec", "libx264"), rate=rate)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, frame.format.name
        encoder = stream.codec_context
        encoder.time_base, encoder.thread_count = frame.time_base, int(options.get("-threads", "1"))
        encoder.color_range, encoder.colorspace = frame.color_range, frame.colorspace
        encoder.color_primaries, encoder.color_trc = frame.color_primaries, frame.color_trc
        named = ("preset", "subq", "crf", "x264-params")
        stream.options = {name: options[f"-{name}"] for name in named if f"-{name}" in options}
        if "-flags:v" in options:
            stream.options = {**stream.options, "flags": options["-flags:v"]}
        return stream

    def _sound(self, frame: Any) -> Any:
        options = self._command.options
        stream = self._container.add_stream(
            options.get("-acodec", "aac"), rate=frame.sample_rate, layout=frame.layout.name
        )
        given = {"b": options.get("-b:a"), "flags": options.get("-flags:a")}
        stream.options = {name: value for name, value in given.items() if value is not None}
        return stream

    def _encode(self, label: str, frame: Any) -> None:
        self._container.mux(self._streams[label].encode(frame))


def main(words: Sequence[str]) -> int:
    """Do what a command line says; return the exit status, 1 with the reason on stderr where it cannot be done."""
    import av

    from foundation.media.ffmpeg_words import parse
    from foundation.media.opening import MediaError

    try:
        run(parse(words))
    except av.error.FFmpegError as error:
        print(f"{error.filename or words[-1]}: {error.strerror}", file=sys.stderr)
    except (MediaError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who started it tells what happened
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main(sys.argv[1:]))
