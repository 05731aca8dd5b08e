"""Take one guard out of the library: in one function, one piece of its text becomes another, for as long as needed.

The function object stays and gets other code, so it makes no difference who imported it by which name. A text that is
not there exactly once raises: a guard that was moved or rewritten has to be named anew.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import CodeType, FunctionType
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Cut:
    """``where``: the module, without ``payport.``, and after a colon the function in it, or the class and its method.

    ``guard``: a piece of its text. ``without``: what stands there instead.
    """

    where: str
    guard: str
    without: str

    def function(self) -> FunctionType:
        """The function itself, under its decorators."""
        module, _, names = self.where.partition(":")
        found: Any = import_module(f"payport.{module}")
        for name in names.split("."):
            found = getattr(found, name)
        return cast("FunctionType", inspect.unwrap(found))


def code_without(function: FunctionType, cuts: Sequence[Cut]) -> CodeType:
    """The function's code without these guards of it. Raises :class:`LookupError` where one is not there once."""
    text = textwrap.dedent(inspect.getsource(function))
    for cut in cuts:
        if text.count(cut.guard) != 1:
            raise LookupError(f"{function.__qualname__} has {text.count(cut.guard)} times: {cut.guard}")
        text = text.replace(cut.guard, cut.without)
    names = dict(function.__globals__)
    source = f"from __future__ import annotations\n{text[text.index('def ') :]}"
    exec(compile(source, inspect.getfile(function), "exec"), names)
    return cast("FunctionType", names[function.__name__]).__code__


@contextmanager
def without(cuts: Iterable[Cut]) -> Iterator[None]:
    """While this is entered, every one of these guards is out."""
    by_function: dict[FunctionType, list[Cut]] = {}
    for cut in cuts:
        by_function.setdefault(cut.function(), []).append(cut)
    changed = {function: code_without(function, own) for function, own in by_function.items()}
    with ExitStack() as mending:
        for function, code in changed.items():
            mending.callback(setattr, function, "__code__", function.__code__)
            function.__code__ = code
        yield
