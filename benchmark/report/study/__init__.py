"""What a human study is handed on as: tables, figures and a page, from `benchmark.ratings.analysis`."""
