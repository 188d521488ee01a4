"""Functions of tensors that are recorded once and replayed: on a GPU as one graph, without a launch per kernel."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

Function = Callable[..., Tensor]
WARM_UPS = 2  # calls before a recording, in which libraries choose their kernels and take their memory


class Recording(Protocol):
    """One function at one set of shapes: its inputs are written into, then it is replayed into its output."""

    inputs: Sequence[Tensor]
    output: Tensor

    def replay(self) -> None:
        """Compute the output from what stands in the inputs."""
        ...


class CalledAgain:
    """A recording on a device without graphs: the function is called again on the same buffers."""

    output: Tensor

    def __init__(self, function: Function, inputs: Sequence[Tensor]) -> None:
        self.inputs = inputs
        self._function = function

    def replay(self) -> None:
        """Compute the output from what stands in the inputs."""
        self.output = self._function(*self.inputs)


class Graph:
    """A recording on a CUDA device."""

    def __init__(self, function: Function, inputs: Sequence[Tensor]) -> None:
        self.inputs = inputs
        side: Any = torch.cuda.Stream(inputs[0].device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(inputs[0].device))
        with torch.cuda.stream(side):
            for _ in range(WARM_UPS):
                function(*inputs)
        torch.cuda.current_stream(inputs[0].device).wait_stream(side)
        self._graph: Any = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):  # other threads upload meanwhile
            self.output = function(*inputs)

    def replay(self) -> None:
        """Compute the output from what stands in the inputs."""
        self._graph.replay()


def record(function: Function, inputs: Sequence[Tensor]) -> Recording:
    """Return a recording of a function on copies of these inputs."""
    copies = [tensor.clone() for tensor in inputs]
    return Graph(function, copies) if inputs[0].is_cuda else CalledAgain(function, copies)


class Replayed:
    """A function of tensors to one tensor, recorded at its first call with inputs of some shapes.

    The function must read nothing of its inputs' values in Python, and must always do the same.

    Args:
        function: what is recorded.
        kept: how many recordings are kept, the ones used last; each holds the memory of its intermediate results.
    """

    def __init__(self, function: Function, *, kept: int = 2) -> None:
        self._function, self._kept = function, kept
        self._recordings: OrderedDict[object, Recording] = OrderedDict()

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Return what the function makes of the inputs; a tensor of its own, which the next call leaves alone."""
        key = tuple((tuple(tensor.shape), tensor.dtype, tensor.device) for tensor in inputs)
        recording = self._recordings.get(key)
        if recording is None:
            while len(self._recordings) >= self._kept:
                self._recordings.popitem(last=False)
            recording = self._recordings[key] = record(self._function, inputs)
        else:
            self._recordings.move_to_end(key)
            for buffer, tensor in zip(recording.inputs, inputs, strict=True):
                buffer.copy_(tensor)
        recording.replay()
        return recording.output.clone()
