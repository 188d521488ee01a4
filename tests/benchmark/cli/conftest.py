"""Fixtures that the verbs' tests share with those of the rooms behind them."""

from support.annotations import screened, vggsounder, write_unav100
from support.checkouts import ask, benchmark_of_two, checkout_of

__all__ = ["ask", "benchmark_of_two", "checkout_of", "screened", "vggsounder", "write_unav100"]
