"""How often one person may ask: a bucket of requests each, filled at a steady rate."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_KEYS = 10_000  # people remembered; who was seen longest ago is forgotten, with a full bucket
_ONE_LINE = 64  # bits of an IPv6 address that a line has: the others are its customer's to choose


def line_of(address: str) -> str:
    """Return what stands for everybody who asks from an address: of IPv6 its first 64 bits, which one customer has."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a name, or nothing
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _ONE_LINE), strict=False))


class RateLimit:
    """Lets each key through `burst` times at once and `per_second` times in the long run."""

    def __init__(self, per_second: float, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Set the limit.

        Args:
            per_second: requests a key has a second in the long run.
            burst: requests it may send at once after a pause.
            clock: seconds; one that is never set.
        """
        self._rate, self._burst, self._clock = per_second, float(burst), clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key: what is left, as of when
        self._lock = threading.Lock()

    def wait_seconds(self, key: str) -> float:
        """Take one request of this key; return 0 if it may pass, else seconds until the next may."""
        with self._lock:
            now = self._clock()
            left, then = self._buckets.pop(key, (self._burst, now))
            left = min(self._burst, left + max(0.0, now - then) * self._rate)
            passes = left >= 1
            self._buckets[key] = (left - 1 if passes else left, now)
            while len(self._buckets) > MOST_KEYS:
                self._buckets.popitem(last=False)
            return 0.0 if passes else (1 - left) / self._rate
