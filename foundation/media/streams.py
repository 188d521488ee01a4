"""Which picture and which sound of a file are played, where it holds several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av

# Cover art, thumbnails and layers that mean nothing alone are streams of pictures too; no player takes them for a film.
_NOT_PLAYED = ("attached_pic", "timed_thumbnails", "still_image", "dependent")


def played_picture(container: av.container.InputContainer) -> Any:
    """Return the video stream that a player shows, or None: the default one, else the one of most pixels."""
    return _first_of(_films(container), _pixels)


def played_sound(container: av.container.InputContainer) -> Any:
    """Return the audio stream that a player plays, or None: the default one, else the one of most channels."""
    return _first_of(container.streams.audio, _channels)


def decodable_packets(container: av.container.InputContainer, stream: Any) -> Iterator[Any]:
    """Yield the packets of a stream, and at the end the empty one that empties its decoder.

    An empty packet amid the others (Ogg: the frame before is shown again) would empty it too early: it is left out.
    """
    empty = None
    for packet in container.demux(stream):
        if packet.size:
            yield packet
        else:
            empty = packet
    if empty is not None:
        yield empty


def _pixels(stream: Any) -> int:
    return 0 if stream.codec_context is None else int(stream.width) * int(stream.height)


def _channels(stream: Any) -> int:
    return 0 if stream.codec_context is None else int(stream.channels)


def _films(container: Any) -> list[Any]:
    from av.stream import Disposition

    ignored = Disposition(0)
    for name in _NOT_PLAYED:
        ignored |= Disposition[name]
    return [stream for stream in container.streams.video if not stream.disposition & ignored]


def _first_of(streams: Iterable[Any], size: Callable[[Any], int]) -> Any:
    """Return the stream that ffmpeg's command line takes by itself; of several alike the one that stands first."""
    from av.stream import Disposition

    return max(streams, key=lambda stream: (bool(stream.disposition & Disposition.default), size(stream)), default=None)
