import csv
import re
from pathlib import Path

import pytest

from benchmark.report import MixedRuns, collect
from benchmark.report.tables.formats import to_csv, to_markdown
from benchmark.report.tables.presets import PRESETS, preset_table
from benchmark.report.tables.published import FOLDER, published_alone, read_published, with_published
from metrics.registry import list_metrics

PRINTED = {  # copied from the appendix of arXiv:2512.02650, one line of each block
    ("A1", "single", "w/ null Synchronformer emb."): "7.51 0.563 14.27 2.00 0.196 0.2394 1.243",
    ("D3", "inter", "5"): "51.7 0.676 13.07 1.85 0.292 0.3251 0.721",
    ("D3", "intra", "7"): "37.2 0.495 9.65 1.03 0.280 0.3300 0.675",
    ("D4", "single", "VinTAGe"): "15.96 1.185 8.30 4.91 0.217 0.0486 1.263",
    ("D5", "inter", "SELVA-M-44k"): "53.9 0.548 14.53 1.69 0.315 0.3586 0.695",
    ("D5", "intra", "SELVA-L-44k"): "38.5 0.346 10.31 1.13 0.294 0.3436 0.659",
}


@pytest.mark.parametrize(("table", "subset", "row"), PRINTED)
def test_published_rows_carry_the_digits_of_the_paper(table, subset, row):
    found = next(r for r in read_published(table) if (r.subset, r.model) == (subset, row))
    assert list(found.texts.values()) == PRINTED[table, subset, row].split()
    assert list(found.texts) == [metric.name for metric in list_metrics(headline=True)]
    assert found.source == f"arXiv:2512.02650, Table {table}"


@pytest.mark.parametrize(("table", "rows"), [("A1", 3), ("D3", 10), ("D4", 4), ("D5", 8)])
def test_every_published_table_is_whole(table, rows):
    assert len(read_published(table)) == rows


def test_the_same_run_is_printed_alike_in_two_tables():
    rows = {(row.subset, row.model): row.texts for table in ("D3", "D5") for row in read_published(table)}
    for subset in ("inter", "intra"):
        assert rows[subset, "5"] == rows[subset, "SELVA-S-16k"]


def test_a_published_table_alone_shows_its_digits():
    text = to_markdown(preset_table(published_alone("sup-tokens"), "sup-tokens"))
    assert "51.4" in text
    assert "0.3272" in text
    assert "Published rows: arXiv:2512.02650, Table D3" in text


def paper(world, folder, model, subset="inter", **options):
    settings = world.Settings(profile="paper", options=options, without=())
    return world.write_run(folder, model, subset, settings)


def test_published_rows_stand_apart_and_are_ranked_among_themselves(world, tmp_path):
    runs = [paper(world, tmp_path, "tiny-foley"), paper(world, tmp_path, "old-foley")]
    table = preset_table(with_published(collect(runs), "main"), "main")
    sections = {section.name: section for section in table.blocks[0].sections}
    assert [line.label for line in sections["published"].lines][:2] == ["SELVA-S-16k", "SELVA-S-44k"]
    ranks = {name: [line.cells[0].rank for line in sections[name].lines] for name in ("models", "published")}
    assert ranks["published"] == [1, 0, 0, 2]  # FAD 51.7, 52.7, 53.9, 52.6, whatever the runs have
    assert sorted(ranks["models"]) == [0, 1]
    rows = list(csv.DictReader(to_csv(table).splitlines()))
    assert [row["source"] for row in rows if row["section"] == "published"] == ["arXiv:2512.02650, Table D5"] * 4


def test_only_subsets_that_were_run_get_published_rows(world, tmp_path):
    results = with_published(collect([paper(world, tmp_path, "tiny-foley")]), "main")
    assert results.subsets == ("inter",)


@pytest.mark.parametrize("profile", ["signal", "open"])
def test_published_rows_beside_another_profile_are_refused(world, tmp_path, profile):
    run = world.write_run(tmp_path, "oracle", "inter", world.Settings(profile=profile))
    with pytest.raises(MixedRuns, match=f"scored by profile paper, these runs by profile {profile}"):
        with_published(collect([run]), "main")


def test_random_weights_beside_published_rows_are_refused(world, tmp_path):
    run = world.write_run(tmp_path, "tiny-foley", "inter", world.Settings(profile="paper", untrained=True))
    with pytest.raises(MixedRuns, match=r"tiny-foley has random weights: .* cannot be compared with published ones"):
        with_published(collect([run]), "main")


def test_the_token_table_counts_tokens_and_keeps_other_models_out(world, tmp_path):
    runs = [paper(world, tmp_path / str(n), "selva", num_sup_tokens=n) for n in (0, 3, 5)]
    runs += [paper(world, tmp_path, "tiny-foley"), paper(world, tmp_path, "oracle")]
    table = preset_table(collect(runs), "sup-tokens")
    assert table.heading == "# of [SUP]"
    assert [line.label for line in table.blocks[0].lines] == ["0", "3", "5", "oracle"]


def test_the_token_table_stands_in_the_order_of_the_numbers(world, tmp_path):
    runs = [paper(world, tmp_path, f"selva-s-16k-sup-{n}", num_sup_tokens=n) for n in (7, 1, 0, 3)]
    runs.append(paper(world, tmp_path, "selva-s-16k"))  # 5 tokens, and first in the registry
    runs += [paper(world, tmp_path, name) for name in ("oracle", "noise")]
    table = preset_table(collect(runs), "sup-tokens")
    assert [line.label for line in table.blocks[0].lines] == ["0", "1", "3", "5", "7", "oracle", "noise"]


def test_the_scaling_table_has_the_four_sizes_in_order(world, tmp_path):
    sizes = ("selva-l-44k", "selva-s-16k", "selva-m-44k", "selva-s-44k", "tiny-foley")
    table = preset_table(collect([paper(world, tmp_path, size) for size in sizes]), "scaling")
    assert [line.label for line in table.blocks[0].lines] == [
        "selva-s-16k",
        "selva-s-44k",
        "selva-m-44k",
        "selva-l-44k",
    ]


def test_tables_on_the_vggsound_test_set_show_fad_with_two_places(world, tmp_path, monkeypatch):
    monkeypatch.setitem(world.PAIRS, "single", world.PAIRS["inter"])
    runs = [
        paper(world, tmp_path, "mmaudio-s-16k", "single"),
        paper(world, tmp_path / "x", "mmaudio-s-16k", "single", null_clip=True),
    ]
    table = preset_table(with_published(collect(runs), "ablation"), "ablation")
    labels = [line.label for line in table.blocks[0].lines]
    assert labels[:2] == ["mmaudio-s-16k", "w/ null CLIP emb."]
    assert len(labels) == 5
    assert all(re.fullmatch(r"\d+\.\d\d", line.cells[0].text) for line in table.blocks[0].lines)


def test_a_preset_without_any_of_its_models_is_refused_with_what_it_shows(world, tmp_path):
    with pytest.raises(ValueError, match="table vggsound shows models on the VGGSound test set; none of the runs"):
        preset_table(collect([world.write_run(tmp_path, "oracle")]), "vggsound")
    with pytest.raises(ValueError, match="expected one of main, sup-tokens"):
        preset_table(collect([world.write_run(tmp_path, "oracle")]), "mian")


def test_every_preset_has_its_published_file():
    assert {preset.published for preset in PRESETS.values()} == {path.stem for path in FOLDER.glob("*.csv")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("table,row,subset,source\nD3,0,inter,x\n", "expected the columns"),
        ("", "expected the columns"),
        ("{head}D3,0,inter,1,2,3,4,5,6,often,x\n", "row 0, desync: expected a number, got 'often'"),
    ],
)
def test_a_broken_published_file_is_refused(tmp_path: Path, text, message):
    metrics = ",".join(metric.name for metric in list_metrics(headline=True))
    (tmp_path / "D3.csv").write_text(text.replace("{head}", f"table,row,subset,{metrics},source\n"))
    with pytest.raises(ValueError, match=message):
        read_published("D3", tmp_path)


def test_an_unknown_published_table_names_those_there(tmp_path):
    with pytest.raises(ValueError, match="no such published table; there are: A1, D3, D4, D5"):
        read_published("D9")
