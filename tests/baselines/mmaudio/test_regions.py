"""Blocks that are compiled or fused: each kind is compiled once, and computes what it did."""

import json
import os
import subprocess
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

from baselines.mmaudio import regions
from baselines.mmaudio.layers import TimeConv
from baselines.mmaudio.regions import compile_regions
from baselines.mmaudio.transformer import MMDiT, StreamBlock, Variant
from baselines.mmaudio.vocoder import SmoothSnake
from metrics.backbones.synchformer.video import PatchEmbedding, SpaceTimeBlock

ROOT = Path(__file__).parents[3]


class Compiler:
    """Stands for torch.compile: notes what it is given, and calls it."""

    def __init__(self):
        self.given = []

    def __call__(self, function, *, dynamic):
        self.given.append((function.__qualname__, dynamic))
        return lambda *arguments, **named: function(*arguments, **named)


def test_each_kind_of_block_is_compiled_once_and_serves_all_its_copies(monkeypatch):
    monkeypatch.setattr(regions, "KERNELS", True)
    network = MMDiT(Variant("16k", heads=1, joint_blocks=2, fused_blocks=3))
    others = nn.ModuleList([SpaceTimeBlock(64), SpaceTimeBlock(64), SmoothSnake(4)])
    compiler = Compiler()
    blocks = sum(isinstance(module, StreamBlock) for module in network.modules()) + 2
    assert compile_regions(network, others, compiler=compiler) == blocks + 2 + 4 + 1, "two attentions in each of two"
    assert sorted(compiler.given) == [
        ("JointBlock.forward", False), ("SpaceTimeBlock.forward", False), ("StreamBlock.forward", False),
    ]  # fmt: skip
    assert others[2].fused
    assert others[0].attn.fused


def test_a_block_computes_what_it_did():
    torch.manual_seed(0)
    block = StreamBlock(64, kernel=3)
    x, condition = torch.randn(1, 5, 64), torch.randn(1, 5, 64)
    before = block(x, condition, None)
    compile_regions(block, compiler=Compiler())
    assert torch.equal(block(x, condition, None), before)


def test_segments_left_over_are_no_second_compilation_and_no_size_is_compiled_to_vary():
    torch.manual_seed(0)
    shapes = []

    def backend(graph, inputs):
        shapes.append([size for value in inputs if isinstance(value, torch.Tensor) for size in value.shape])
        return graph.forward

    block = SpaceTimeBlock(24).eval()
    x = torch.randn(4, 1569, 24)
    with torch.inference_mode():
        expected = block(x)
        torch.compiler.reset()
        compile_regions(block, compiler=partial(torch.compile, backend=backend))
        assert torch.equal(block(x), expected)
        once = len(shapes)
        for count in (2, 4, 1, 3, 4):
            torch.testing.assert_close(block(x[:count]), expected[:count], atol=1e-6, rtol=0)
        assert len(shapes) == once > 0
        block(torch.cat([x, x]))
        assert len(shapes) == 2 * once, "more than ever before"
    assert {type(size) for sizes in shapes for size in sizes} == {int}


def test_without_kernels_of_our_own_torch_s_are_used_and_that_is_said(monkeypatch, caplog):
    monkeypatch.setattr(regions, "KERNELS", False)
    snake = SmoothSnake(4)
    compile_regions(snake, compiler=Compiler())
    assert not snake.fused
    assert "no triton, or no C compiler" in caplog.text


@pytest.mark.parametrize(("inputs", "outputs", "kernel"), [(5, 7, 3), (7, 5, 3), (5, 5, 7), (9, 4, 7), (4, 9, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_over_time_is_a_matrix_product(inputs, outputs, kernel, bias):
    torch.manual_seed(0)
    layer = TimeConv(inputs, outputs, kernel, bias=bias).double()
    x = torch.randn(2, 11, inputs, dtype=torch.float64)
    torch.testing.assert_close(layer.as_product(x), layer(x), atol=1e-12, rtol=0)


def test_patches_are_a_matrix_product():
    torch.manual_seed(0)
    for layer, shape in (
        (nn.Conv3d(3, 5, (2, 4, 4), (2, 4, 4)), (2, 3, 4, 8, 12)),
        (nn.Conv2d(3, 5, 4, 4), (2, 3, 8, 12)),
    ):
        embedding, pixels = PatchEmbedding(layer).double(), torch.randn(shape, dtype=torch.float64)
        torch.testing.assert_close(embedding.as_product(pixels), embedding(pixels), atol=1e-12, rtol=0)


needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="torch has no triton on this system")
IN_THE_INTERPRETER = """
import json, sys, traceback
said = {}
for name, code in json.load(sys.stdin).items():
    try:
        exec(code, {})
        said[name] = ""
    except Exception:
        said[name] = traceback.format_exc()
print(json.dumps(said))
"""
ACTIVATION = """
import torch
from baselines.mmaudio.snake import smooth_snake
from baselines.mmaudio.vocoder import SmoothSnake
torch.manual_seed(0)
layer = SmoothSnake(3)
layer.act.alpha.data.normal_(), layer.act.beta.data.normal_()
with torch.no_grad():
    for time in (1, 7, 512, 1030):
        x = torch.randn(2, 3, time)
        got = smooth_snake(x, layer.act.alpha, layer.act.beta, *layer.filters())
        torch.testing.assert_close(got, layer.by_convolution(x), atol=5e-6, rtol=0)
"""
ATTENTION = """
import torch
from metrics.backbones.synchformer.time_attention import attend_along_time
from metrics.backbones.synchformer.video import DividedAttention
torch.manual_seed(0)
layer = DividedAttention(width=64, heads=2)
tokens = torch.randn(2, 1569, 64)
with torch.no_grad():
    expected, projected = layer(tokens, "time"), layer.qkv(tokens)
    q, k, v = projected.unflatten(2, (3, 2, -1)).permute(2, 0, 3, 1, 4)
    whole = torch.nn.functional.scaled_dot_product_attention(q[:, :, :1], k, v)
    torch.testing.assert_close(layer.proj(layer.joined_by_kernel(projected, whole)), expected, atol=1e-5, rtol=0)
    out = torch.full((2, 1569, 64), 7.0)
    attend_along_time(projected, out, 2, 8)
assert (out[:, 0] == 7).all(), "the class token's row is somebody else's"
"""


@pytest.fixture(scope="module")
def interpreted():
    """What goes wrong where triton's kernels run step by step, on the CPU; that is decided when triton is imported."""
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)}
    codes = json.dumps({"activation": ACTIVATION, "attention": ATTENTION})
    command = [sys.executable, "-c", IN_THE_INTERPRETER]
    done = subprocess.run(command, env=environment, input=codes, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@needs_triton
def test_the_fused_activation_is_the_activation(interpreted):
    assert interpreted["activation"] == ""


@needs_triton
def test_attention_along_time_by_the_kernel_is_the_attention(interpreted):
    assert interpreted["attention"] == ""


@needs_triton
@pytest.mark.parametrize("capability", [80, 90])
def test_the_kernels_compile_for_gpus_that_are_not_here(capability, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile

    from baselines.mmaudio import snake
    from metrics.backbones.synchformer import time_attention

    signal = dict.fromkeys(("x", "out", "taps"), "*fp32")
    tokens = {"qkv": "*bf16", "out": "*bf16", "positions": "i32", "scale": "fp32", "token_stride": "i32"}
    kernels = [
        (snake._double_and_bend, {**signal, "alpha": "*fp32", "beta": "*fp32", "channels": "i32", "time": "i32"},
         {"TAPS": snake.TAPS, "BLOCK": snake.BLOCK}),
        (snake._filter_and_halve, {**signal, "time": "i32"}, {"TAPS": snake.TAPS, "BLOCK": snake.BLOCK}),
        (time_attention._attend, tokens,
         {"HEADS": 12, "D": 64, "STEPS": 8, "P": time_attention.POSITIONS_IN_TILE}),
    ]  # fmt: skip
    for kernel, arguments, constants in kernels:
        signature = {**arguments, **dict.fromkeys(constants, "constexpr")}
        source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
        made = compile(source, target=GPUTarget("cuda", capability, 32))
        assert made.asm["cubin"]
