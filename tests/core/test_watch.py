"""Connections are counted by the address they come from, and looked at once a tick."""

from unittest.mock import Mock

from harbor.core.watch import Limits, Watch


def test_a_tick_in_between_makes_nobody_idle() -> None:
    loop = Mock(time=Mock(return_value=0.0))
    watch = Watch(Limits(max_idle_per_address=2), loop)

    def admitted(connections: int) -> int:
        return sum(watch.admit(Mock(), "::1") is not None for _ in range(connections))

    assert admitted(3) == 3
    watch._tick()
    assert admitted(3) == 1, "four have only just connected, as many as may be idle beside two"
    watch._tick()
    watch._tick()
    assert admitted(1) == 0
