"""The form that every command's parser has."""

import argparse

from course.training.arguments import Parser


def command(parent, name, text, action=None, **options):
    """A parser of the course's own form, below what `verbs` returned; None makes the first one."""
    options.update(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    if parent is None:
        return Parser(prog="python -m course", description=text, **options)
    parser = parent.add_parser(name, help=text, description=text, **options)
    parser.set_defaults(action=action)
    return parser


def verbs(parser):
    """Where the commands below a parser's own are added; one of them must be given."""
    return parser.add_subparsers(title="órdenes", metavar="ORDEN", required=True)
