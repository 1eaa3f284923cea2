"""Networks that differ from inner step to inner step: batch norm with weights or statistics of its own for each."""

from typing import Any


def net_at(net: Any, step: int) -> Any:
    """The network as it is after ``step`` inner steps: ``net.at(step)`` where it has that method, else ``net`` itself.

    Step t's gradient is that of the support loss of ``net_at(net, t)``; the queries after t steps are read by it too.
    """
    return net.at(step) if hasattr(net, "at") else net
