import pandas as pd
import pytest

from benchmark.report import collect, compare_runs, submit_check, write_figures, write_report
from benchmark.report.ratings import read_ratings
from benchmark.report.samples import REQUIRED_COLUMNS, SAMPLE_COLUMNS, clips_of, read_run_samples, read_samples
from benchmark.runs import UnusableRun


def test_a_run_s_samples_come_in_the_order_of_the_manifest_with_those_scored_apart(world, tmp_path):
    samples = read_run_samples(world.write_run(tmp_path, "oracle", "inter", world.Settings(failed=(1, 3))))
    ids = world.sample_ids("inter")
    assert samples.ids == ids
    assert samples.scored_ids == [ids[0], ids[2], ids[4]]
    assert list(samples.scored["kl"]) == list(samples.table["kl"].dropna())


@pytest.mark.parametrize("column", REQUIRED_COLUMNS)
def test_a_table_that_lacks_a_column_is_refused_with_the_column_and_the_way_out(world, tmp_path, column):
    run = world.write_run(tmp_path, "oracle")
    pd.read_parquet(run.samples_parquet).drop(columns=column).to_parquet(run.samples_parquet)
    message = (
        rf"samples\.parquet: no column {column}; it has .*; score the run again with `python -m benchmark evaluate`"
    )
    with pytest.raises(UnusableRun, match=message):
        read_run_samples(run)


def test_a_file_that_is_not_a_parquet_file_is_refused(world, tmp_path):
    run = world.write_run(tmp_path, "oracle")
    run.samples_parquet.write_bytes(b"sample_id,label\n")
    with pytest.raises(UnusableRun, match=r"samples\.parquet: not a parquet file \(.*\); score the run again"):
        read_run_samples(run)


def draw_page(runs, folder):
    write_report(runs, folder / "report")


def draw_figures(runs, folder):
    write_figures(runs, folder)


def compare(runs, folder):
    compare_runs(*runs)


def rate(runs, folder):
    row = "inter,sample,oracle,r1,5"
    (folder / "study.csv").write_text(f"subset,sample_id,model,rater,AQ\n{row}\n")
    read_ratings(folder / "study.csv", collect(runs))


def check(runs, folder):
    (found,) = submit_check(runs[0])
    assert found.status == "failed"
    raise UnusableRun(found.detail)


@pytest.mark.parametrize("verb", [draw_page, draw_figures, compare, rate, check])
def test_every_reader_of_samples_says_the_same_of_an_absent_file(world, tmp_path, verb):
    runs = [world.write_run(tmp_path, model) for model in ("oracle", "noise")]
    for run in runs:
        run.samples_parquet.unlink()
    with pytest.raises(UnusableRun) as refusal:
        verb(runs, tmp_path)
    path = next(run.samples_parquet for run in runs if str(run.samples_parquet) in str(refusal.value))
    assert str(refusal.value) == f"{path}: no such file; score the run again with `python -m benchmark evaluate`"


def test_the_samples_of_a_subset_are_listed_once_and_scored_per_model(made):
    inter, intra = read_samples(collect(made.runs))
    assert (inter.subset, intra.subset) == ("inter", "intra")
    assert list(inter.listing.columns) == list(SAMPLE_COLUMNS)
    assert inter.ids == list(inter.listing["sample_id"])
    assert set(inter.scored) == {"oracle", "tiny-foley", "grand-foley", "old-foley", "noise"}
    assert all(list(table["sample_id"]) == inter.ids for table in inter.scored.values())


def test_runs_on_one_subset_that_list_other_samples_are_refused_by_path(world, tmp_path):
    runs = [world.write_run(tmp_path, model) for model in ("oracle", "noise")]
    pd.read_parquet(runs[1].samples_parquet).iloc[::-1].to_parquet(runs[1].samples_parquet)
    with pytest.raises(UnusableRun, match="lists other samples of inter than") as refusal:
        read_samples(collect(runs))
    assert all(str(run.samples_parquet) in str(refusal.value) for run in runs)


def test_the_clips_of_a_sample_are_target_and_paired_or_the_target_alone(world):
    table = world.listing("inter")
    assert clips_of(table).tolist() == table[["target_id", "paired_id"]].to_numpy().tolist()
    assert clips_of(table.assign(paired_id="")).tolist() == [[clip] for clip in table["target_id"]]


@pytest.mark.parametrize("column", ["sample_id", "target_id", "paired_id"])
def test_a_name_in_the_samples_that_leads_elsewhere_is_refused_with_its_row(world, tmp_path, column):
    run = world.write_run(tmp_path, "oracle")
    table = pd.read_parquet(run.samples_parquet)
    table.loc[2, column] = "../../x"
    table.to_parquet(run.samples_parquet)
    message = (
        rf"samples\.parquet: row 3: {column} is '\.\./\.\./x', not the name of one file: it holds '/'; score the run"
    )
    with pytest.raises(UnusableRun, match=message):
        read_run_samples(run)


def test_names_that_are_no_texts_and_a_table_without_end_are_refused(world, tmp_path):
    run = world.write_run(tmp_path, "oracle")
    table = pd.read_parquet(run.samples_parquet)
    table.assign(label=1).to_parquet(run.samples_parquet)
    with pytest.raises(UnusableRun, match="column label holds 1, expected texts"):
        read_run_samples(run)
    with run.samples_parquet.open("wb") as file:
        file.truncate(2**40)  # a hole: it takes no room on the disk
    with pytest.raises(UnusableRun, match="1,099,511,627,776 bytes, expected at most 67,108,864"):
        read_run_samples(run)
