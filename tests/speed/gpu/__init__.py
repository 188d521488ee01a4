"""What needs a GPU to be measured: `make bench-gpu`, or `PYTHONPATH=tests python -m speed.gpu [section ...]`."""
