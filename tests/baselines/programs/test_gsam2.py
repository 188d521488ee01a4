"""The segmenter in this process: tiny networks of the same architectures, with random weights."""

import hashlib

import numpy as np
import pytest

from baselines import GenerationError
from baselines.programs.gsam2 import LOOK_EVERY_FRAMES, GroundedSam2
from baselines.programs.process import MissingProgram
from baselines.programs.vos_mmaudio import VosMMAudio

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] . ? bell dog"


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """Folder of a Grounding DINO of 0.2 million weights."""
    import torch
    from transformers import (
        BertConfig,
        BertTokenizerFast,
        GroundingDinoConfig,
        GroundingDinoForObjectDetection,
        GroundingDinoImageProcessor,
        GroundingDinoProcessor,
        SwinConfig,
    )

    folder = tmp_path_factory.mktemp("detector")
    (folder / "vocab.txt").write_text("\n".join(WORDS.split()))
    torch.manual_seed(0)
    picture = SwinConfig(
        image_size=64, embed_dim=8, depths=[1] * 4, num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    text = BertConfig(
        vocab_size=120, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )  # fmt: skip
    config = GroundingDinoConfig(
        backbone_config=picture, text_config=text, d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=16,
        decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2, num_queries=5, max_text_len=16,
    )  # fmt: skip
    GroundingDinoForObjectDetection(config).save_pretrained(folder)
    scaled = GroundingDinoImageProcessor(size={"shortest_edge": 64, "longest_edge": 100})
    GroundingDinoProcessor(scaled, BertTokenizerFast(str(folder / "vocab.txt"))).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tracker(tmp_path_factory):
    """Folder of a SAM 2 video model of a few million weights."""
    import torch
    from transformers import (
        Sam2HieraDetConfig,
        Sam2ImageProcessor,
        Sam2VideoConfig,
        Sam2VideoModel,
        Sam2VideoProcessor,
        Sam2VideoVideoProcessor,
        Sam2VisionConfig,
    )

    torch.manual_seed(0)
    trunk = Sam2HieraDetConfig(
        hidden_size=12, image_size=[128, 128], blocks_per_stage=[1, 1, 2, 1], embed_dim_per_stage=[12, 24, 48, 96],
        num_attention_heads_per_stage=[1, 1, 2, 4], window_size_per_stage=[4] * 4, global_attention_blocks=[3],
    )  # fmt: skip
    vision = Sam2VisionConfig(
        backbone_config=trunk, backbone_channel_list=[96, 48, 24, 12], fpn_hidden_size=128,
        backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
    )  # fmt: skip
    config = Sam2VideoConfig(
        vision_config=vision, image_size=128,
        prompt_encoder_config={"hidden_size": 128, "image_size": 128, "mask_input_channels": 8},
        mask_decoder_config={
            "hidden_size": 128, "num_hidden_layers": 1, "num_attention_heads": 2, "mlp_dim": 32,
            "iou_head_hidden_dim": 32,
        },
        memory_attention_hidden_size=128, memory_attention_num_layers=1, memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[8, 8], memory_encoder_hidden_size=128, memory_encoder_output_channels=64,
        mask_downsampler_embed_dim=128, memory_fuser_embed_dim=128, memory_fuser_intermediate_dim=64,
        memory_fuser_num_layers=1,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tracker")
    Sam2VideoModel(config).save_pretrained(folder)
    square = {"height": 128, "width": 128}
    Sam2VideoProcessor(
        Sam2ImageProcessor(size=square, mask_size={"height": 32, "width": 32}),
        Sam2VideoVideoProcessor(size=square),
        target_size=128,
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def segmenter(detector, tracker):
    return GroundedSam2(detector=detector, tracker=tracker, box_threshold=0.0, text_threshold=0.0, device="cpu")


def noise(frames: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (frames, 3, 48, 64), dtype=np.uint8)


def test_masks_have_the_form_of_the_frames_and_come_again_the_same(segmenter):
    frames = noise(3)
    masks = segmenter.masks(frames, "bell")
    assert (masks.shape, masks.dtype) == ((3, 48, 64), np.bool_)
    assert masks[0].any()  # whatever random weights think is there
    np.testing.assert_array_equal(masks, segmenter.masks(frames, "bell"))


def test_boxes_are_corners_in_pixels(segmenter):
    frame = np.random.default_rng(1).integers(0, 255, (3, 32, 320), dtype=np.uint8)
    boxes = np.array(segmenter._boxes(frame, "bell."))
    assert boxes.shape[1] == 4
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert boxes[:, 2].max() > 64
    assert boxes[:, 3].max() < 40


def test_a_thing_is_followed_from_where_it_is_found_to_both_ends(segmenter, monkeypatch):
    frames, looked, seen = noise(2 * LOOK_EVERY_FRAMES), [], []

    def boxes(frame, text):
        (index,) = [k for k in range(len(frames)) if np.array_equal(frames[k], frame)]
        looked.append((index, text))
        return [[1.0, 2.0, 30.0, 40.0], [3.0, 3.0, 20.0, 20.0]] if index == LOOK_EVERY_FRAMES else []

    follow = segmenter._tracker.propagate_in_video_iterator

    def noted(*arguments, **options):
        for step in follow(*arguments, **options):
            seen.append(step.frame_idx)
            yield step

    monkeypatch.setattr(segmenter, "_boxes", boxes)
    monkeypatch.setattr(segmenter._tracker, "propagate_in_video_iterator", noted)
    masks = segmenter.masks(frames, "Bell.")
    assert looked == [(0, "bell."), (LOOK_EVERY_FRAMES, "bell.")]
    assert set(seen) == set(range(len(frames)))
    assert seen[0] == LOOK_EVERY_FRAMES
    assert masks[LOOK_EVERY_FRAMES].any()


def test_what_is_not_found_is_nowhere(segmenter, monkeypatch):
    monkeypatch.setattr(segmenter, "_boxes", lambda *_: [])
    assert not segmenter.masks(noise(3), "bell").any()


def test_nothing_to_look_for_is_the_samples_failure(segmenter):
    with pytest.raises(GenerationError, match="an empty prompt names nothing"):
        segmenter.masks(noise(1), " . ")


def test_both_files_are_in_the_record(segmenter, detector, tracker):
    for name, folder in (("gsam2-detector", detector), ("gsam2-tracker", tracker)):
        content = (folder / "model.safetensors").read_bytes()
        assert segmenter.weights[name].sha256 == hashlib.sha256(content).hexdigest()
        assert not segmenter.weights[name].verified
    assert segmenter.notes[0].startswith("segmenter gsam2 (not the paper's)")


def test_a_model_that_is_not_on_this_machine_is_named_with_the_command_that_fetches_it(detector):
    with pytest.raises(MissingProgram, match=r"(?s)gsam2: nobody/nothing is not on.*hf download nobody/nothing"):
        GroundedSam2(detector=detector, tracker="nobody/nothing")


def test_it_stands_behind_the_same_interface_as_deva(ask, detector, tracker, tmp_path):
    class Listener:
        sample_rate = 16_000

        def generate(self, request):
            return np.zeros(round(request.duration * 16_000), np.float32)

    model = VosMMAudio(
        segmenter="gsam2", detector=str(detector), tracker=str(tracker), device="cpu", generator=Listener(),
        log=tmp_path / "log",
    )  # fmt: skip
    assert model.generate(ask(duration=0.2)).shape == (3200,)
    assert list(model.weights) == ["gsam2-detector", "gsam2-tracker"]
    assert (tmp_path / "vos-mmaudio.masks.jsonl").is_file()
