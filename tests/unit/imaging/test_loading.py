"""What many ask for at once is loaded once."""

import threading
from concurrent.futures import ThreadPoolExecutor

from studio.imaging.loading import loaded_once


def test_a_net_that_many_ask_for_at_once_is_loaded_once() -> None:
    begun, loads = threading.Barrier(4), list[str]()

    @loaded_once
    def load(name: str) -> object:
        loads.append(name)
        threading.Event().wait(0.05)  # while others come and ask
        return object()

    def ask(name: str) -> object:
        begun.wait(10)
        return load(name)

    with ThreadPoolExecutor(4) as pool:
        first, second, third, fourth = pool.map(ask, ["a", "a", "b", "a"])
    assert sorted(loads) == ["a", "b"]
    assert first is second is fourth
    assert first is not third
