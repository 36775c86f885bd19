"""What templates are rendered in; loaded with the first page."""

from types import FunctionType, MethodType
from typing import Any

from jinja2 import runtime
from jinja2.runtime import Macro

PLAIN = (FunctionType, MethodType, type)


class Context(runtime.Context):
    """A context in which a call costs little: a page has two thousand of them.

    Jinja asks each callable several times whether it wants a context; of macros, and of what says
    nothing of the kind, the answer is known.
    """

    def call(self, called: Any, /, *args: Any, **named: Any) -> Any:
        kind = type(called)
        if kind is Macro:
            named.pop("_block_vars", None)
            named.pop("_loop_vars", None)
            return called(self.eval_ctx, *args, **named)
        if kind in PLAIN and not hasattr(called, "jinja_pass_arg"):
            named.pop("_block_vars", None)
            named.pop("_loop_vars", None)
            return called(*args, **named)
        return super().call(called, *args, **named)
