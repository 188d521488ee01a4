"""The part of ffmpeg's command line that the suite uses, read: for `foundation.media.pyav_program`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_SWITCHES = frozenset({"-nostdin", "-y"})
_GLOBAL = frozenset({"-v", "-filter_complex_threads"})
_OF_INPUTS = frozenset({"-f", "-threads"})
_OF_THE_OUTPUT = frozenset(
    {
        "-f", "-threads", "-map", "-map_metadata", "-vf", "-fflags", "-movflags", "-vcodec", "-acodec", "-pix_fmt",
        "-ar", "-ac", "-b:a", "-flags:v", "-flags:a", "-preset", "-subq", "-crf", "-x264-params",
    }
)  # fmt: skip
_PIECE = re.compile(r"(?:\\.|[^\\;,])+|[;,]", re.DOTALL)
_FILTER = re.compile(r"((?:\[[^\]]+\])*)(\w+)(?:=((?:\\.|[^\\\[])*))?((?:\[[^\]]+\])*)", re.DOTALL)


@dataclass(frozen=True)
class Input:
    """One file that is read; `format` is None where the file says what it is."""

    path: str
    format: str | None = None


@dataclass(frozen=True)
class Filter:
    """One filter: labels that it takes and gives, and its options as libavfilter takes them."""

    name: str
    options: str | None
    takes: tuple[str, ...]
    gives: tuple[str, ...]


@dataclass
class Command:
    """A command line: what is read, what becomes of it, where it goes.

    Attributes:
        inputs: in order.
        filters: of `-filter_complex`, or of `-vf`; the latter take the mapped picture and have labels of their own.
        maps: labels of filters in brackets, or `input:stream`; empty where ffmpeg would choose.
        options: of the output, such as "-crf" to "18".
        output: the file to write.
        simple: whether the filters are those of `-vf`.
    """

    inputs: list[Input] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    maps: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    output: str = ""
    simple: bool = False


def parse(words: Sequence[str]) -> Command:
    """Return a command line, read.

    Raises:
        ValueError: an option that is not among those that the suite uses, no input, or not one output.
    """
    command, pending, rest = Command(), dict[str, str](), iter(words)
    for word in rest:
        if word == "-i":
            _only(pending, _OF_INPUTS, "an input")
            command.inputs.append(Input(_value(word, rest), pending.get("-f")))
            pending = {}
        elif word in _GLOBAL:
            _value(word, rest)
        elif word == "-filter_complex":
            command.filters = parse_filters(_value(word, rest))
        elif word == "-map":
            command.maps.append(_value(word, rest))
        elif word.startswith("-") and word != "-" and word not in _SWITCHES:
            pending[word] = _value(word, rest)
        elif word not in _SWITCHES:
            if command.output:
                raise ValueError(f"expected one output, got {command.output} and {word}")
            _only(pending, _OF_THE_OUTPUT, "an output")
            command.output, command.options, pending = word, pending, {}
    if not command.inputs or not command.output or pending:
        raise ValueError(f"expected inputs, then an output, got {list(words)}")
    if "-vf" in command.options:
        command.filters, command.simple = parse_filters(command.options.pop("-vf")), True
    return command


def _value(word: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise ValueError(f"{word}: expected a value")
    return value


def _only(options: dict[str, str], known: frozenset[str], what: str) -> None:
    unknown = sorted(options.keys() - known)
    if unknown:
        raise ValueError(f"{unknown[0]}: not an option of {what} that is known here")


def parse_filters(text: str) -> list[Filter]:
    """Return the filters of a graph; those that a comma joins get labels of their own.

    Raises:
        ValueError: not a graph of filters.
    """
    filters: list[Filter] = []
    follows = False
    for piece in _PIECE.findall(text):
        if piece in (";", ","):
            follows = piece == ","
            continue
        found = _FILTER.fullmatch(piece.strip())
        if found is None:
            raise ValueError(f"{piece}: not a filter")
        takes, gives = (tuple(re.findall(r"\[[^\]]+\]", labels)) for labels in (found[1], found[4]))
        # Of two levels of escapes the outer one is the graph's; the options keep theirs.
        options = None if found[3] is None else re.sub(r"\\(.)", r"\1", found[3], flags=re.DOTALL)
        if follows:
            before = filters[-1]
            joint = (f"[joint {len(filters)}]",)
            filters[-1] = Filter(before.name, before.options, before.takes, joint)
            takes = joint
        filters.append(Filter(found[2], options, takes, gives))
    return filters
