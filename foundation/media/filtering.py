"""Decoded frames through a graph of libavfilter's filters, as the ffmpeg program would send them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from foundation.media.display import display_matrix, is_turned
from foundation.media.ffmpeg_words import Filter
from foundation.media.opening import MediaError
from foundation.media.timeline import PictureClock, ticks

Pad = tuple[Any, int]  # a filter of the graph, and which of its outputs


class Reading:
    """One open file: decoded frames of the streams that are wanted, with times that count from time zero."""

    def __init__(self, container: Any, path: str, streams: Sequence[Any], zero: Fraction | None) -> None:
        """Decode on one thread.

        Args:
            container: open.
            path: for messages.
            streams: those wanted.
            zero: see `timeline.time_zero`.
        """
        self._path, self._zero, self._clock = path, zero, PictureClock(path, zero)
        self.streams = {stream.index: stream for stream in streams}
        self.live = set(self.streams)  # whose frames are still asked for
        self.position = 0.0  # seconds, of the last packet
        self._next_sound: dict[int, int] = {}
        self._waiting: list[tuple[int, Any]] = []
        for stream in streams:
            stream.thread_type, stream.thread_count = "NONE", 1
        self._packets = container.demux(*streams) if streams else iter(())

    def first_frames(self) -> dict[int, Any]:
        """Return the first frame of each stream, which `frames` yields again.

        Raises:
            MediaError: a stream of which nothing can be decoded.
        """
        found: dict[int, Any] = {}
        if not self.streams:
            return found
        for index, frame in self._decoded():
            self._waiting.append((index, frame))
            found.setdefault(index, frame)
            if len(found) == len(self.streams):
                return found
        missing = next(index for index in self.streams if index not in found)
        raise MediaError(self._path, f"nothing of its stream {missing} can be decoded")

    def frames(self) -> Iterator[tuple[int, Any]]:
        """Yield stream and frame."""
        yield from self._waiting
        self._waiting = []
        yield from self._decoded()

    def _decoded(self) -> Iterator[tuple[int, Any]]:
        import av

        for packet in self._packets:
            stream = packet.stream.index  # not packet.stream_index: it is 0 where the decoder is emptied
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None and packet.time_base is not None:
                self.position = float(stamp * packet.time_base)
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue  # as the ffmpeg program does; that frames are missing shows in what is written
            for frame in frames:
                yield stream, self._timed(stream, frame)

    def _timed(self, index: int, frame: Any) -> Any:
        """Set the time of presentation, in ticks from time zero."""
        tick = frame.time_base
        if self.streams[index].type == "video":
            frame.pts = ticks(self._clock.times(frame)[0], tick)
            frame.pict_type = 0  # else the encoder takes the kind of frame from the clip
            return frame
        rate = Fraction(1, frame.sample_rate)  # in samples: the ticks of some containers are too coarse
        following = self._next_sound.get(index, 0)
        stamp = (
            following if frame.pts is None else ticks((frame.pts - ticks(self._zero or Fraction(0), tick)) * tick, rate)
        )
        frame.pts = following if abs(stamp - following) * rate <= tick else stamp
        frame.time_base = rate
        self._next_sound[index] = frame.pts + frame.samples
        return frame


class FilterGraph:
    """Filters, joined; frames go in by stream and come out by label."""

    def __init__(self, filters: Sequence[Filter], maps: Sequence[str], first: Mapping[str, Any]) -> None:
        """Join sources, filters and sinks.

        Args:
            filters: every filter but sources and sinks, each after those that it takes from.
            maps: labels of what is wanted, in order.
            first: the first frame of each stream, by its label; frames of a stream are alike.
        """
        from av.filter import Graph

        self._graph = Graph()
        self._graph.threads = 1  # more give the same frames, in processes that others need
        self.sources = {label: self._source(frame) for label, frame in first.items()}
        pads: dict[str, Pad] = {label: self._shown(label, frame) for label, frame in first.items()}
        self._kinds = {label: "audio" if hasattr(frame, "sample_rate") else "video" for label, frame in first.items()}
        for step in filters:
            node = self._graph.add(step.name, step.options)
            for place, label in enumerate(step.takes):
                self._join(pads[label], node, place)
            for place, label in enumerate(step.gives):  # no filter in use makes sound of pictures
                pads[label], self._kinds[label] = (node, place), self._kinds[step.takes[0]]
        self._ends = {label: pads[label] for label in maps}
        self.sinks: dict[str, Any] = {}

    def kind(self, label: str) -> str:
        """Return "video" or "audio"."""
        return self._kinds[label]

    def finish(self, label: str, name: str, options: str) -> None:
        """Put a filter at the end of an output: what the encoder takes."""
        node = self._graph.add(name, options)
        self._join(self._ends[label], node, 0)
        self._ends[label] = (node, 0)

    def configure(self) -> None:
        """Close the graph; frames may come."""
        for label in self._ends:
            self.sinks[label] = self._graph.add("buffersink" if self.kind(label) == "video" else "abuffersink")
            self._join(self._ends[label], self.sinks[label], 0)
        self._graph.configure()

    def push(self, label: str, frame: Any) -> bool:
        """Take a frame, or None where there are no more; False where nothing of this stream is wanted any longer."""
        import av

        try:
            self.sources[label].push(frame)
        except av.error.EOFError:
            return False
        return frame is not None

    def pull(self, label: str) -> Iterator[Any]:
        """Yield the frames that are done."""
        import av

        while True:
            try:
                yield self.sinks[label].pull()
            except (BlockingIOError, av.error.EOFError):
                return

    def _source(self, frame: Any) -> Any:
        if hasattr(frame, "sample_rate"):
            return self._graph.add(
                "abuffer", sample_rate=str(frame.sample_rate), sample_fmt=frame.format.name,
                channel_layout=frame.layout.name, time_base=str(frame.time_base),
            )  # fmt: skip
        return self._graph.add(
            "buffer", video_size=f"{frame.width}x{frame.height}", pix_fmt=frame.format.name,
            time_base=str(frame.time_base), colorspace=str(int(frame.colorspace)), range=str(int(frame.color_range)),
        )  # fmt: skip

    def _shown(self, label: str, frame: Any) -> Pad:
        """Turn and mirror a picture as its file says, before any other filter."""
        node = self.sources[label]
        for name, options in [] if hasattr(frame, "sample_rate") else turning(frame, label):
            turned = self._graph.add(name, options)
            node.link_to(turned)
            node = turned
        return node, 0

    @staticmethod
    def _join(pad: Pad, node: Any, place: int) -> None:
        pad[0].link_to(node, pad[1], place)


def turning(frame: Any, path: str) -> list[tuple[str, str | None]]:
    """Return the filters, with their options, that show a frame as its file says; see `display.upright`."""
    a, b, c, d = matrix = display_matrix(path, frame)
    filters: list[tuple[str, str | None]] = []
    if is_turned(matrix):
        filters, a, d = [("transpose", "dir=cclock_flip")], c, b
    return filters + [("vflip", None)] * (d < 0) + [("hflip", None)] * (a < 0)
