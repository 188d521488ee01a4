import re

import pytest

from benchmark.report import build_table, collect, export_model_index, write_report
from benchmark.report.subsets import counted, subset_rank, subset_title
from vgg_monoaudio.dataset import SUBSET_TITLES


def test_subsets_stand_in_the_order_of_the_benchmark_and_unknown_ones_after_them():
    assert sorted(["zoo", "single", "intra", "aviary", "inter"], key=subset_rank) == [*SUBSET_TITLES, "aviary", "zoo"]


def test_a_subset_that_is_not_known_goes_by_its_own_name():
    assert [subset_title(name) for name in ("inter", "single", "aviary")] == ["Inter-class", "Single clips", "aviary"]


@pytest.mark.parametrize(
    ("samples", "phrase"),
    [
        ({"inter": 5}, "5 inter-class samples"),
        ({"inter": 5, "intra": 2}, "5 inter-class and 2 intra-class samples"),
        ({"single": 3}, "3 single clips"),
        ({"aviary": 4}, "4 aviary samples"),
    ],
)
def test_a_caption_counts_the_samples_of_each_subset(samples, phrase):
    assert counted(samples) == phrase


@pytest.fixture
def single(world, tmp_path, monkeypatch):
    monkeypatch.setitem(world.PAIRS, "single", world.PAIRS["inter"])
    return [world.write_run(tmp_path / "runs", model, "single") for model in ("tiny-foley", "grand-foley")]


def test_single_clips_have_their_title_in_tables_on_the_page_and_in_model_cards(single, tmp_path):
    table = build_table(collect(single))
    assert [block.title for block in table.blocks] == ["Single clips"]
    assert "demo 1.0 (5 single clips), profile signal" in table.caption
    (entry,) = export_model_index(single[:1])["model-index"]
    assert entry["results"][0]["dataset"]["name"] == "demo (Single clips)"
    paths = write_report(single, tmp_path / "out" / "report")
    assert "## Single clips" in paths.markdown.read_text()
    assert r"\textit{Single clips}" in paths.latex.read_text()
    page = paths.html.read_text()
    assert re.search(r'<th scope="rowgroup"[^>]*>Single clips</th>', page)
    assert '"title":"Single clips"' in page


def test_rows_of_every_subset_stand_in_one_table_in_order(world, tmp_path, single):
    runs = [*single, *[world.write_run(tmp_path / "runs", "tiny-foley", subset) for subset in ("intra", "inter")]]
    results = collect(runs)
    assert results.subsets == tuple(SUBSET_TITLES)
    assert [block.subset for block in build_table(results).blocks] == list(SUBSET_TITLES)


def test_a_caption_counts_only_the_subsets_that_the_table_shows(world, tmp_path, single):
    results = collect([*single, world.write_run(tmp_path / "runs", "old-foley")])
    shown = results.only({row.key for row in results.rows if row.subset == "single"})
    assert "(5 single clips)" in build_table(shown).caption
