"""argparse in Spanish: the help and the errors of the lessons' flags and of every command."""

import argparse
import contextlib
import functools

# What argparse says → the same in Spanish. A sentence that is not here stays as it is.
_SPANISH = {
    "usage: ": "uso: ",
    "positional arguments": "argumentos",
    "options": "opciones",
    "show this help message and exit": "muestra esta ayuda",
    "%(prog)s: error: %(message)s\n": "%(prog)s: %(message)s\nQué hacer: agrega --help para ver"
    " lo que se puede escribir.\n",
    "argument %(argument_name)s: %(message)s": "%(argument_name)s: %(message)s",
    "the following arguments are required: %s": "falta %s",
    "unrecognized arguments: %s": "no se conoce %s",
    "invalid choice: %(value)r (choose from %(choices)s)": "se esperaba una de estas palabras: "
    "%(choices)s. Llegó: %(value)r",
    "invalid %(type)s value: %(value)r": "se esperaba otra clase de valor (%(type)s). Llegó: "
    "%(value)r",
    "expected one argument": "se esperaba un valor",
    "expected at most one argument": "se esperaba un valor o ninguno",
    "expected at least one argument": "se esperaba un valor o más",
    "expected %s argument": "se esperaba %s valor",
    "expected %s arguments": "se esperaban %s valores",
    "ignored explicit argument %r": "no lleva un valor. Llegó: %r",
    "ambiguous option: %(option)s could match %(matches)s": "%(option)s puede ser %(matches)s",
    "not allowed with argument %s": "no se usa junto con %s",
    "one of the arguments %s is required": "falta uno de: %s",
    "unexpected option string: %s": "no se conoce %s",
}


@contextlib.contextmanager
def _spanish():
    """argparse takes its sentences from `_` and `ngettext`: ours, while this lasts."""
    usual = argparse._, argparse.ngettext
    argparse._ = lambda text: _SPANISH.get(text, text)
    argparse.ngettext = lambda one, many, n: argparse._(one if n == 1 else many)
    try:
        yield
    finally:
        argparse._, argparse.ngettext = usual


def _in_spanish(method):
    @functools.wraps(method)
    def wrapped(*args, **kwargs):
        with _spanish():
            return method(*args, **kwargs)

    return wrapped


class Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` that speaks Spanish; a wrong argument still ends with 2.

    Other users of argparse in this process, IPython among them, keep their words.
    """

    __init__ = _in_spanish(argparse.ArgumentParser.__init__)
    parse_args = _in_spanish(argparse.ArgumentParser.parse_args)
    parse_known_args = _in_spanish(argparse.ArgumentParser.parse_known_args)
    format_help = _in_spanish(argparse.ArgumentParser.format_help)
    format_usage = _in_spanish(argparse.ArgumentParser.format_usage)
    error = _in_spanish(argparse.ArgumentParser.error)
