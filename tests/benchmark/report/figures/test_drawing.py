import pytest

from benchmark.report.figures.drawing import (
    COLOURS,
    HATCHES,
    MARKERS,
    PAGE_INCHES,
    horizontal_bars,
    new_figure,
    save,
    style,
)


def test_a_figure_has_the_size_asked_for_and_no_window():
    import matplotlib.pyplot as plt

    figure = new_figure(PAGE_INCHES, 2.5)
    assert tuple(figure.get_size_inches()) == (PAGE_INCHES, 2.5)
    assert plt.get_fignums() == []


def test_a_figure_is_saved_under_both_endings_and_a_dot_in_its_name_stays(tmp_path):
    drawn = save(new_figure(1, 1), tmp_path / "deep" / "panel-a.b")
    assert (drawn.pdf.name, drawn.png.name) == ("panel-a.b.pdf", "panel-a.b.png")
    assert {path.name for path in drawn.pdf.parent.iterdir()} == {"panel-a.b.pdf", "panel-a.b.png"}


def test_a_drawing_that_fails_leaves_the_figure_of_before(tmp_path, monkeypatch):
    old = save(new_figure(1, 1), tmp_path / "figure")
    before = old.pdf.read_bytes()
    figure = new_figure(1, 1)

    def fail(path, **options):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        save(figure, tmp_path / "figure")
    assert old.pdf.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_letters_stay_letters_in_the_pdf(tmp_path):
    with style():
        figure = new_figure(2, 1)
        figure.suptitle("Selective")
        drawn = save(figure, tmp_path / "figure")
    assert b"/TrueType" in drawn.pdf.read_bytes() or b"/CIDFontType2" in drawn.pdf.read_bytes()
    assert b"/Type3" not in drawn.pdf.read_bytes()


def test_pictures_have_two_hundred_pixels_per_inch(tmp_path):
    from PIL import Image

    drawn = save(new_figure(2.0, 1.5), tmp_path / "figure")
    assert Image.open(drawn.png).size == (400, 300)


def test_every_bar_shows_its_name_and_its_count_in_order():
    with style():
        axes = new_figure(3, 2).subplots()
        horizontal_bars(axes, ["dogs", "harps", "buses"], [7, 0, 3])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["dogs", "harps", "buses"]
    assert [patch.get_width() for patch in axes.patches] == [7, 0, 3]
    assert [text.get_text().strip() for text in axes.texts] == ["7", "0", "3"]
    assert axes.get_xlim()[1] > 7


def test_bars_without_any_count_can_be_drawn():
    axes = new_figure(3, 2).subplots()
    horizontal_bars(axes, ["dogs"], [0])
    assert axes.get_xlim() == (0.0, 1.15)


def test_colours_markers_and_hatches_are_all_different():
    for looks in (COLOURS, MARKERS, HATCHES):
        assert len(set(looks)) == len(looks) == 8
