import pytest

from benchmark.report import build_table, collect, write_report
from benchmark.report.tables.cells import reach_in_standard_errors
from benchmark.report.tables.notes import caption, interval_note
from benchmark.report.tables.published import published_alone


def changed(run, **values):
    """The same run with other values of some metrics."""
    record = run.read_metrics()
    metrics = {
        name: value.model_copy(update=values[name]) if name in values else value
        for name, value in record.metrics.items()
    }
    run.write(record.model_copy(update={"metrics": metrics}))
    return run


def notes_of(runs, **options):
    return build_table(collect(runs), **options).notes


def test_what_bold_and_underlined_mean_is_said_only_where_something_is_ranked(world, tmp_path):
    runs = [world.write_run(tmp_path, model) for model in ("tiny-foley", "old-foley")]
    ranked = "Best in bold, second underlined, among models scored on every sample."
    assert ranked in notes_of(runs)
    assert ranked not in notes_of(runs[:1])


def test_controls_are_explained_only_where_there_are_some(world, tmp_path):
    told = "Controls show the range of a metric and are not ranked."
    assert told in notes_of([world.write_run(tmp_path, "oracle")])
    assert told not in notes_of([world.write_run(tmp_path, "tiny-foley")])


def test_a_value_over_fewer_samples_than_its_row_is_named_with_its_count(world, tmp_path):
    run = changed(world.write_run(tmp_path, "tiny-foley"), kl={"n": 4}, clap={"n": 3})
    assert "* tiny-foley, Inter-class: fewer samples: KL 4, CLAP 3." in notes_of([run])


def test_a_column_without_any_interval_takes_one_sentence_and_a_single_value_names_its_row(world, tmp_path):
    runs = [
        changed(world.write_run(tmp_path, "tiny-foley"), fad={"ci95": None}, kl={"ci95": None}),
        changed(world.write_run(tmp_path, "old-foley"), fad={"ci95": None}),
    ]
    notes = notes_of(runs)
    assert "No interval for FAD." in notes
    assert "No interval for KL of tiny-foley (Inter-class)." in notes
    assert not any("No interval" in note for note in notes_of(runs, intervals=False))


def test_what_a_model_s_record_says_of_itself_stands_below_the_table_once(world, tmp_path):
    runs = [world.write_run(tmp_path, "tiny-foley", subset) for subset in ("inter", "intra")]
    for run in runs:
        record = run.read_metrics()
        model = record.model.model_copy(update={"notes": ["frames at 8 fps.", "no text"]})
        run.write(record.model_copy(update={"model": model}))
    assert [note for note in notes_of(runs) if note.startswith("tiny-foley:")] == [
        "tiny-foley: frames at 8 fps.",
        "tiny-foley: no text.",
    ]


def test_published_rows_alone_say_that_they_are_printed_and_have_no_note_on_intervals():
    results = published_alone("main")
    assert caption(results) == "Numbers as printed in arXiv:2512.02650, on the authors' own list of clips."
    assert interval_note(results, standard_errors=False) == ""


def test_the_caption_says_that_clips_of_the_list_were_replaced(world, tmp_path):
    run = world.write_run(tmp_path, "oracle")
    assert "reserves" not in caption(collect([run]))
    record = run.read_metrics()
    built = record.benchmark.model_copy(update={"version": "2.0+reserves.1a2b3c4d"})
    run.write(record.model_copy(update={"benchmark": built}))
    told = caption(collect([run]))
    assert "2.0+reserves.1a2b3c4d (5 inter-class samples)" in told
    assert "Clips of 2.0 that could not be had are replaced by reserves (reserves.1a2b3c4d names the clips used" in told


def test_the_caption_warns_of_profile_signal_alone(world, tmp_path):
    signal = collect([world.write_run(tmp_path / "a", "oracle")])
    paper = collect([world.write_run(tmp_path / "b", "oracle", "inter", world.Settings(profile="paper"))])
    assert "none of these numbers is comparable with published ones" in caption(signal)
    assert "comparable" not in caption(paper)
    assert caption(paper).endswith("n/N: scored out of requested samples.")


def test_every_format_says_what_profile_open_measures_with_and_under_which_licences(world, tmp_path):
    of_each = {"oracle": {"pe_av": "v1", "panns": "v1"}, "noise": {"pe_av": "v1", "passt": "v1", "levels": "v1"}}
    runs = [
        world.write_run(tmp_path / "runs", model, "inter", world.Settings(profile="open", backbones=backbones))
        for model, backbones in of_each.items()
    ]
    written = write_report(runs, tmp_path / "report")
    for path in (written.markdown, written.latex, written.html):
        text = path.read_text()
        assert "profile open; reference video" in text
        assert "has PE-AV where profile paper has LAION-CLAP and ImageBind" in text
        assert "none of these is comparable with published ones." in text
        assert "Licences of weights: panns CC BY 4.0, passt Apache-2.0, pe-av Apache-2.0." in text


def test_runs_with_other_numbers_of_resamples_are_both_counted(world, tmp_path):
    runs = [world.write_run(tmp_path, model) for model in ("oracle", "noise")]
    record = runs[1].read_metrics()
    runs[1].write(record.model_copy(update={"scoring": record.scoring.model_copy(update={"resamples": 200})}))
    assert interval_note(collect(runs), standard_errors=False) == (
        "In brackets: 95% bootstrap intervals, 200 or 1,000 resamples by source."
    )


@pytest.mark.parametrize(("level", "reach"), [(0.95, 1.959964), (0.90, 1.644854), (0.6826895, 1.0)])
def test_an_interval_reaches_as_many_standard_errors_as_the_normal_distribution_says(level, reach):
    assert reach_in_standard_errors(level) == pytest.approx(reach, abs=1e-6)
