"""Templates are compiled to quick code that still escapes, and still fails where it should."""

import pytest
from jinja2 import StrictUndefined, TemplateRuntimeError, TemplateSyntaxError, UndefinedError
from markupsafe import Markup, escape

from harbor.core.jinja import Cell, Environment, escaped, safe

ROW = "{% macro row(name, kind='plain') %}<b class={{ kind }}>{{ name }}</b>{% endmacro %}"
BOX = "{% macro box(title='') %}<p>{{ title }}{% if caller is defined %}{{ caller() }}{% endif %}</p>{% endmacro %}"
FIELD = "{% macro field(name) %}{{ name }}{{ kwargs|xmlattr }}{% endmacro %}"


def shown(source: str, **names: object) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined, extensions=[Cell])
    return environment.from_string(source).render(**names)


@pytest.mark.parametrize("value", ["<&>\"'", "plain", 7, None, 1.5, Markup("<b>"), ["<"]])
def test_a_value_is_escaped_as_markupsafe_does(value: object) -> None:
    assert escaped(value) == escape(value)
    assert shown("{{ value }}", value=value) == escape(value)


def test_what_says_how_it_is_html_is_shown_as_that() -> None:
    class Picture:
        def __html__(self) -> str:
            return "<svg>"

    assert shown("{{ picture }}", picture=Picture()) == "<svg>"


def test_safe_is_html() -> None:
    assert type(safe("<b>")) is Markup
    assert safe("<b>") + "<" == "<b>&lt;"


def test_what_a_macro_writes_is_escaped_once() -> None:
    assert shown(ROW + "{{ row('<') }}") == "<b class=plain>&lt;</b>"
    assert shown(ROW + "{{ row('a', kind='<') }}") == "<b class=&lt;>a</b>"
    assert shown(ROW + "{{ row(kind='b', name='a') ~ '<' }}") == "<b class=b>a</b>&lt;"
    assert shown(ROW + "{% set kept %}{{ row('<') }}{% endset %}{{ kept }}") == (
        "<b class=plain>&lt;</b>"
    )


def test_what_stands_in_a_call_is_escaped_once() -> None:
    inside = "{% call box('<') %}<i>{{ '<' }}</i>{% endcall %}"
    assert shown(BOX + inside) == "<p>&lt;<i>&lt;</i></p>"
    assert shown(BOX + "{% call box() %}" + inside + "{% endcall %}") == (
        "<p><p>&lt;<i>&lt;</i></p></p>"
    )


def test_a_call_may_take_what_the_macro_gives() -> None:
    each = "{% macro each(rows) %}{% for row in rows %}{{ caller(row) }}{% endfor %}{% endmacro %}"
    assert shown(each + "{% call(row) each(['<', 'b']) %}[{{ row }}]{% endcall %}") == "[&lt;][b]"


def test_a_macro_knows_that_nobody_called_it_with_a_block() -> None:
    assert shown(BOX + "{{ box('a') }}") == "<p>a</p>"
    with pytest.raises(UndefinedError, match="No caller defined"):
        shown("{% macro box() %}{{ caller() }}{% endmacro %}{{ box() }}")


def test_a_macro_may_take_any_names() -> None:
    assert shown(FIELD + "{{ field('a', hx_get='<') }}") == 'a hx_get="&lt;"'
    assert shown(FIELD + "{{ field('a', class='b', **{'for': 'c'}) }}") == 'a class="b" for="c"'
    assert shown(ROW + "{{ row(*['a', 'b']) }}") == "<b class=b>a</b>"


@pytest.mark.parametrize("call", ["row('a', 'b', 'c')", "row('a', hue=1)", "row('a', name='b')"])
def test_arguments_that_a_macro_does_not_take_fail(call: str) -> None:
    with pytest.raises(TypeError):
        shown(ROW + "{{ " + call + " }}")


def test_an_argument_that_is_missing_fails_where_it_is_used() -> None:
    with pytest.raises(UndefinedError, match="parameter 'name' was not provided"):
        shown(ROW + "{{ row() }}")


def test_undefined_names_fail() -> None:
    for source in ("{{ nothing }}", "{{ nothing() }}", "{{ row.nothing }}", "{{ row.nothing() }}"):
        with pytest.raises(UndefinedError):
            shown(source, row={"a": 1})


def test_a_macro_of_any_number_of_values_is_not_compiled() -> None:
    with pytest.raises(AssertionError, match="varargs"):
        shown("{% macro every() %}{{ varargs }}{% endmacro %}{{ every() }}")


def test_an_error_names_the_line_of_the_template() -> None:
    with pytest.raises(ZeroDivisionError) as failed:
        shown("\n\n{{ 1 // number }}", number=0)
    assert failed.traceback[-1].lineno == 2  # counted from 0


def test_a_filter_that_is_not_there_fails() -> None:
    with pytest.raises(TemplateRuntimeError):
        shown("{% if number %}{{ number|nothing }}{% endif %}", number=1)


def test_a_cell_begins_as_its_column_says() -> None:
    grid = {"cells": [Markup("<td class=a>"), Markup("<td class=b>")]}
    row = "{% for name in '<b' %}{% td grid, 2 %}{{ name }}{% endtd %}{% endfor %}"
    assert shown(row, grid=grid) == "<td class=b>&lt;</td><td class=b>b</td>"


@pytest.mark.parametrize("cell", ["{% td grid %}", "{% td grid, at %}", "{% td grid, 1 %}"])
def test_a_cell_names_its_column_and_ends(cell: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        shown(cell, grid=None)
