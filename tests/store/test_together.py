"""Items of many threads are done together, each once, each with its own answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from store.together import Together


def test_each_item_is_done_once_and_gets_its_own_answer() -> None:
    groups: list[list[int]] = []

    def work(items: Sequence[int]) -> list[int | Exception]:
        time.sleep(0.002)
        groups.append(list(items))
        return [item * 2 for item in items]

    together: Together[int, int] = Together(most=8)
    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(lambda item: together.submit(item, work), range(300))) == [
            item * 2 for item in range(300)
        ]
    assert sorted(item for group in groups for item in group) == list(range(300))
    assert max(map(len, groups)) == 8 and len(groups) < 150


def test_an_error_is_that_of_its_item_alone() -> None:
    gate = threading.Event()

    def work(items: Sequence[int]) -> list[int | Exception]:
        gate.wait()
        return [KeyError(item) if item == 3 else item for item in items]

    together: Together[int, int] = Together(most=100)
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(together.submit, item, work) for item in range(8)]
        gate.set()
        for item, one in enumerate(waiting):
            if item == 3:
                assert isinstance(one.exception(), KeyError)
            else:
                assert one.result() == item


@pytest.mark.parametrize("answers", [0, 1])
def test_nobody_is_left_waiting_when_the_work_fails(answers: int) -> None:
    def work(items: Sequence[int]) -> list[int | Exception]:
        if not answers:
            raise OSError("disk full")
        return list(items)[:-1]

    together: Together[int, int] = Together(most=4)
    with ThreadPoolExecutor(6) as threads:
        waiting = [threads.submit(together.submit, item, work) for item in range(1, 13)]
        failed = [one.exception(timeout=10) for one in waiting]
    assert sum(error is not None for error in failed) >= (12 if not answers else 3)
    with pytest.raises((OSError, ValueError)):
        together.submit(1, work)
