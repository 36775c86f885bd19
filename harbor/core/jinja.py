"""How Jinja compiles and calls templates here; loaded with the first page.

A page of a hundred rows calls thousands of macros. Jinja asks of each whether it wants a context,
and of each text whether it is HTML, some of them several times. Here every template escapes and
nothing that a template calls wants a context, so that what is compiled calls and joins at once.
"""

from collections.abc import Callable
from functools import partial
from itertools import repeat
from keyword import iskeyword
from typing import Any, ClassVar

import jinja2
from jinja2 import StrictUndefined, nodes, runtime
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.utils import missing
from markupsafe import Markup, escape

NOT_GIVEN = repeat(missing)
NO_CALLER = StrictUndefined("No caller defined", name="caller")
safe: Callable[[str], Markup] = partial(str.__new__, Markup)


def escaped(value: object) -> str:
    """*value* as HTML, which most of what a template joins is already."""
    return value if type(value) is Markup else escape(value)


class Macro(runtime.Macro):
    """A macro whose function returns HTML, as all do that ``Generator`` wrote."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        arguments = [*given, *map(named.pop, self.arguments[len(given) :], NOT_GIVEN)]
        if self.caller and not self.explicit_caller:
            arguments.append(named.pop("caller", NO_CALLER))
        if self.catch_kwargs:
            arguments.append(named)
        elif named:
            raise TypeError(f"macro {self.name!r} takes no argument {next(iter(named))!r}")
        return self._func(*arguments)


def macro(environment: Any, function: Callable[..., Markup], name: Any, *parts: Any) -> Any:
    """What a template calls: what stands in a ``call`` without arguments is the function itself."""
    arguments, catches_named, catches_more, uses_caller, _escapes = parts
    assert not catches_more, f"macro {name} uses varargs"
    if name is None and not (arguments or catches_named or uses_caller):
        return function
    return Macro(environment, function, name, *parts)


class Generator(CodeGenerator):
    """Writes what a template is compiled to."""

    def write_commons(self) -> None:
        """Let the names that the code is full of mean the quick ones."""
        super().write_commons()
        for name in ("escape", "Markup", "Macro"):
            self.writeline(f"{name} = environment.quick[{name!r}]")

    def return_buffer_contents(self, frame: Frame, force_unescaped: bool = False) -> None:
        """Return HTML, also from macros."""
        super().return_buffer_contents(frame)

    def visit_Call(  # noqa: N802, Jinja's
        self, node: nodes.Call, frame: Frame, forward_caller: bool = False
    ) -> None:
        self.write("(")
        self.visit(node.node, frame)
        self.write(")(")
        if node.dyn_args or node.dyn_kwargs or any(iskeyword(each.key) for each in node.kwargs):
            self.write("*()")  # as what follows begins with a comma
            self.signature(node, frame, {"caller": "caller"} if forward_caller else None)
        else:
            for each in (*node.args, *node.kwargs):
                self.visit(each, frame)
                self.write(", ")
            self.write("caller=caller" * forward_caller)
        self.write(")")


class Cell(Extension):
    """``{% td grid, 1 %}…{% endtd %}``: a cell of a row, in the column of that number.

    It might be a macro, but that would be called in every cell of every row.
    """

    tags = {"td"}  # noqa: RUF012, as Jinja declares it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        line = next(parser.stream).lineno
        cells = nodes.Getattr(parser.parse_expression(), "cells", "load", lineno=line)
        parser.stream.expect("comma")
        at = nodes.Const(int(parser.stream.expect("integer").value) - 1, lineno=line)
        begins = nodes.Getitem(cells, at, "load", lineno=line)
        inside = parser.parse_statements(("name:endtd",), drop_needle=True)
        ends = nodes.TemplateData("</td>", lineno=line)
        return [nodes.Output([begins], lineno=line), *inside, nodes.Output([ends], lineno=line)]


class Environment(jinja2.Environment):
    """One whose templates all escape."""

    code_generator_class = Generator
    quick: ClassVar[dict[str, Any]] = {"escape": escaped, "Markup": safe, "Macro": macro}
