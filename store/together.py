"""Work that comes from many threads at once, done by one of them for all that wait.

Whoever comes while nobody works does the work, for itself and for what has gathered by the time its turn comes; the
others wait for their own answer. Nobody waits for more than the work in hand and the one after it, and nobody is left
waiting: an item without an answer is answered with the error that ended the work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(eq=False)
class _Waiting(Generic[Item, Answer]):
    item: Item
    called: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    answer: Answer | Exception | None = None


class Together(Generic[Item, Answer]):
    """Items that wait for each other; at most `most` are done at a time."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._mutex = threading.Lock()
        self._waiting: list[_Waiting[Item, Answer]] = []
        self._busy = False

    def submit(self, item: Item, work: Callable[[Sequence[Item]], Sequence[Answer | Exception]]) -> Answer:
        """The answer to this item, once it is done; raises its error.

        work: answers items in their order, each with its answer or its error; the same for everyone who comes.
        """
        mine: _Waiting[Item, Answer] = _Waiting(item)
        with self._mutex:
            self._waiting.append(mine)
            mine.leads = not self._busy
            self._busy = True
        if not mine.leads:
            mine.called.wait()
        if mine.leads:
            self._lead(work)
        if isinstance(mine.answer, Exception):
            raise mine.answer
        assert mine.answer is not None  # `_lead` answers everyone it takes along
        return mine.answer

    def _lead(self, work: Callable[[Sequence[Item]], Sequence[Answer | Exception]]) -> None:
        """Does what waits (the caller's own item is first), then hands on to the next in line."""
        with self._mutex:
            group = self._waiting[: self._most]
            del self._waiting[: self._most]
        ended: Exception = RuntimeError("the work ended before it came to this")
        try:
            answers = work([one.item for one in group])
            for one, answer in zip(group, answers, strict=True):
                one.answer = answer
        except Exception as error:
            ended = error
        finally:
            with self._mutex:
                heir = self._waiting[0] if self._waiting else None
                self._busy = heir is not None
            for one in group:
                if one.answer is None:
                    one.answer = ended
                one.called.set()
            if heir is not None:
                heir.leads = True
                heir.called.set()
