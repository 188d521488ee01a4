"""Stand-ins for the official programs, in checkouts like theirs."""

from support.checkouts import ask, benchmark_of_two, checkout_of
from support.clocks import limits
from support.own_models import process

__all__ = ["ask", "benchmark_of_two", "checkout_of", "limits", "process"]
