"""Checks of the exercises: one line tells a learner what holds, or what does not yet.

>>> from d2ltorch.exercises import checks
>>> check = checks("parameters")
>>> check.small_network({"0.weight": (4, 3)}, 21)
Traceback (most recent call last):
d2ltorch.exercises.NotYet: Not yet: 4 parameters are missing or have other names.

Each module beside this file has the checks of one lesson. A check is a generator that
takes the learner's answers and yields `(holds, English, Chinese)` for each claim, the
texts saying what is wrong if it does not hold. What it draws at random comes from the
seed, and a teacher's hidden tests choose another. Nothing here looks at a solution.
"""

import linecache
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace, TracebackType

import torch

LIMIT = 20  # seconds an answer may take, where the system has an alarm (not Windows)
Claims = Iterator[tuple[bool, str, str]]


class NotYet(Exception):
    """An answer does not hold yet; a notebook shows its one line and no traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


class TimeUp(BaseException):
    """The time is over; no `except Exception` in an answer can catch it."""


def hints(*pairs: tuple[str, str]) -> Callable:
    """Give a check its hints, from a nudge to nearly all, each (English, Chinese)."""

    def give(function: Callable) -> Callable:
        function.hints = pairs
        return function

    return give


class Check:
    """The check of one exercise: call it with the answers, or ask it for a hint."""

    def __init__(self, claims: Callable[..., Claims], chinese: bool, seed: int):
        self.claims, self.chinese, self.seed = claims, chinese, seed
        self.told = 0

    def say(self, english: str, chinese: str) -> str:
        return chinese if self.chinese else english

    def __call__(self, *answers: object) -> None:
        """Print how many claims hold; raise `NotYet` at the first that does not."""
        if any(answer is ... for answer in answers):
            raise self.not_yet(
                "there is still a `...` to replace", "还有`...`没有换成答案"
            )
        count = 0
        try:
            with limited(LIMIT), nan_if_empty(), torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.seed)
                for holds, *texts in self.claims(*answers):
                    if not holds:
                        raise self.not_yet(*texts)
                    count += 1
        except NotImplementedError as error:
            if str(error):  # PyTorch's own, and not that of a blank
                raise self.stopped(error) from None
            raise self.not_yet("it is not written yet", "代码还没有写") from None
        except TimeUp:
            english = f"it did not end within {LIMIT} seconds"
            raise self.not_yet(english, f"运行了{LIMIT}秒，仍然没有结束") from None
        except NotYet:
            raise
        except Exception as error:
            raise self.stopped(error) from None
        name = self.claims.__name__
        print(
            self.say(
                f"{name}: all {count} claims hold", f"{name}：{count}项检查全部通过"
            )
        )

    def hint(self) -> None:
        """Print a hint; each call prints the next one, and the last one again."""
        given = getattr(self.claims, "hints", ())
        if not given:
            print(self.say("There is no hint for this one.", "这道题没有提示。"))
            return
        at = min(self.told, len(given) - 1)
        self.told += 1
        number = f"{at + 1}/{len(given)}"
        hint = self.say(*given[at])
        print(self.say(f"Hint {number}: {hint}", f"提示{number}：{hint}"))

    def not_yet(self, english: str, chinese: str) -> NotYet:
        line = self.say(f"Not yet: {english}.", f"还没通过：{chinese}。")
        return NotYet(" ".join(line.split()))

    def stopped(self, error: Exception) -> NotYet:
        """Say with which error, and in which line of the learner's, an answer ended."""
        said = str(error).partition("\n")[0]
        what = f"{type(error).__name__}: {said}"[:200].rstrip(".: ")
        if line := learners_line(error.__traceback__):
            english = f"it stopped with {what}, in “{line}”"
            return self.not_yet(english, f"运行“{line}”时出错（{what}）")
        english = f"the answer has not the form that was asked for ({what})"
        return self.not_yet(english, f"答案的形式不符合要求（{what}）")


def learners_line(trace: TracebackType | None) -> str:
    """Return the last line of the learner's own code that an error passed, or ""."""
    found = ""
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if trace.tb_frame.f_globals.get("__name__") == "__main__":
            found = linecache.getline(file, trace.tb_lineno).strip() or "?"
        trace = trace.tb_next
    return found


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` in the block when the time is over, where there is an alarm."""
    alarm = getattr(signal, "SIGALRM", None)
    if alarm is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TimeUp

    before = signal.signal(alarm, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(alarm, before)


@contextmanager
def nan_if_empty() -> Iterator[None]:
    """Let `torch.empty` hold NaN in the block, and not what the memory happens to."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("warn")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)


def checks(lesson: str, language: str = "en", seed: int = 0) -> SimpleNamespace:
    """Return the checks of a lesson by name, speaking English, or Chinese for "zh".

    Raises ModuleNotFoundError if the lesson has none.
    """
    module = import_module(f"{__name__}.{lesson.replace('-', '_')}")
    return SimpleNamespace(
        **{
            name: Check(function, language == "zh", seed)
            for name, function in vars(module).items()
            if getattr(function, "__module__", "") == module.__name__
            and not name.startswith("_")
        }
    )
