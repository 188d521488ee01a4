"""Stand-ins for the official programs, in checkouts like theirs."""

from support.checkouts import ask, benchmark_of_two, checkout_of

__all__ = ["ask", "benchmark_of_two", "checkout_of"]
