"""The flags that a verb's signature declares to typer."""

import inspect
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

from tulle.plain_flags import REQUIRED, Flag


def declared(function: Callable[..., Any]) -> Iterator[Flag]:
    """The flags that a verb's signature declares."""
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        annotation, info = get_args(hints[name])[:2] if get_origin(hints[name]) is Annotated else (hints[name], None)
        if not isinstance(info, OptionInfo | ArgumentInfo):
            raise TypeError(f"{function.__name__}: {name} is declared neither as an option nor as an argument")
        yield _flag(name, annotation, info, REQUIRED if parameter.default is parameter.empty else parameter.default)


def _flag(name: str, annotation: Any, info: OptionInfo | ArgumentInfo, default: Any) -> Flag:
    plain = _without_none(annotation)
    many = get_origin(plain) is list
    # In an annotation, the first of the names that are given lands in `default`.
    words = [word for word in (info.default, *(info.param_decls or ())) if isinstance(word, str) and word[:2] == "--"]
    on, _, off = (words[0] if words else f"--{name.replace('_', '-')}").partition("/")
    variable = info.envvar if isinstance(info.envvar, str) else f"TULLE_{name.upper()}"
    return Flag(
        name=name,
        on=on,
        off=off,
        kind=get_args(plain)[0] if many else plain,
        many=many,
        positional=isinstance(info, ArgumentInfo),
        variable=variable,
        least=info.min,
        most=info.max,
        default=default,
    )


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation
