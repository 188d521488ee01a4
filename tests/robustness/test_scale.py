"""A run whose drivers and workers are killed at random ends as an undisturbed one; see `robustness.scale`."""

import pytest

from robustness import scale


@pytest.mark.slow(minutes=3)
@pytest.mark.parametrize("executor", ["local", "ray"])
def test_killed_drivers_and_workers_change_no_sound_and_no_number(executor, capsys):
    assert scale.main(["--entries", "150", "--executor", executor, "--drivers", "2", "--seed", "1"]) == 0
    assert '"same": true' in capsys.readouterr().out


def test_a_world_has_as_many_scenes_as_were_asked_for(tmp_path):
    from vgg_monoaudio.dataset import load_benchmark

    samples = load_benchmark(scale.world(tmp_path, 7)).samples("inter")
    assert len({sample.sample_id for sample in samples}) == 7
    assert len({sample.video.read_bytes() for sample in samples}) == 7
