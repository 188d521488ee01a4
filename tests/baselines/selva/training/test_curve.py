"""The curve of a stage: rows that are there whole, whenever a process is killed."""

import errno
import os

import pytest

from baselines.selva.training.curve import Curve, Row
from foundation.files import WriteFailed


@pytest.fixture
def curve(tmp_path):
    return Curve(tmp_path / "encoder" / "curve.jsonl")


def test_a_curve_without_a_file_has_no_rows(curve):
    assert curve.read() == []
    curve.cut(5)  # and nothing to cut
    assert not curve.path.exists()


def test_rows_come_back_in_the_order_in_which_they_were_measured(curve):
    curve.append(1, {"loss": 0.1})
    curve.append(2, {"loss": 1 / 3, "seconds": 2})
    curve.append(2, {"validation_loss": 0.2})
    assert curve.read() == [
        Row(1, {"loss": 0.1}),
        Row(2, {"loss": 1 / 3, "seconds": 2.0}),
        Row(2, {"validation_loss": 0.2}),
    ]


def test_a_row_is_on_file_before_append_returns(curve):
    curve.append(1, {"loss": 0.5})
    assert curve.path.read_text() == '{"step": 1, "loss": 0.5}\n'


@pytest.mark.parametrize("torn", ['{"step": 3, "lo', '{"step": 3, "loss": 0.25}', "{"])
def test_a_last_line_that_was_not_written_to_its_end_is_no_row_and_makes_room_for_the_next(curve, torn):
    curve.append(1, {"loss": 0.5})
    with curve.path.open("a") as file:
        file.write(torn)
    assert [row.step for row in curve.read()] == [1]
    again = Curve(curve.path)
    again.append(2, {"loss": 0.4})
    assert again.read() == [Row(1, {"loss": 0.5}), Row(2, {"loss": 0.4})]


def test_a_damaged_line_in_the_middle_is_named(curve):
    curve.append(1, {"loss": 0.5})
    for damage in ("not JSON", '{"loss": 1.0}', '{"step": 1.5, "loss": 1.0}', '{"step": 1, "loss": "x"}', "[1]"):
        curve.path.write_text(f'{{"step": 1, "loss": 0.5}}\n{damage}\n{{"step": 3, "loss": 0.5}}\n')
        with pytest.raises(ValueError, match=r"curve\.jsonl: line 2 is no row of a curve .*remove the line"):
            curve.read()


def test_cutting_removes_the_rows_of_later_steps_and_a_torn_line(curve):
    for step in (1, 2, 3, 4):
        curve.append(step, {"loss": step / 10})
    curve.cut(2)
    assert [row.step for row in curve.read()] == [1, 2]
    curve.append(3, {"loss": 0.7})
    assert curve.read()[-1] == Row(3, {"loss": 0.7})


@pytest.mark.parametrize("values", [{"loss": float("nan")}, {"loss": 1.0, "gradient_norm": float("inf")}])
def test_a_value_that_is_not_finite_is_refused_with_its_step(curve, values):
    with pytest.raises(ValueError, match=r"step 7: expected finite values, got (loss = nan|gradient_norm = inf)"):
        curve.append(7, values)
    assert curve.read() == []


@pytest.mark.parametrize("values", [{}, {"step": 1.0}, {"scoring": 1.0}])
def test_a_row_needs_values_that_are_not_called_step_or_scoring(curve, values):
    with pytest.raises(ValueError, match="expected values by their names"):
        curve.append(7, values)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's /dev/full")  # noqa: PTH110
def test_a_full_disk_is_named(tmp_path):
    (tmp_path / "curve.jsonl").symlink_to("/dev/full")
    with pytest.raises(WriteFailed, match=r"curve\.jsonl: cannot be written: No space left") as caught:
        Curve(tmp_path / "curve.jsonl").append(1, {"loss": 0.5})
    assert caught.value.errno == errno.ENOSPC


def test_scores_keep_how_they_were_measured_and_rows_without_it_do_not_say(curve):
    curve.append(1, {"score_kl": 2.0}, scoring="5f0c")
    curve.append(1, {"score_kl": 2.0})
    curve.append(2, {"loss": 0.5})
    curve.cut(1)
    assert curve.read() == [Row(1, {"score_kl": 2.0}, "5f0c"), Row(1, {"score_kl": 2.0})]
    curve.path.write_text('{"step": 1, "score_kl": 2.0, "scoring": 7}\n')
    with pytest.raises(ValueError, match="line 1 is no row of a curve"):
        curve.read()
