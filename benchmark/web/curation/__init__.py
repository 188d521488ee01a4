"""The curation page: reviewers watch candidate clips and decide by the paper's three criteria."""
