"""The one exception that is told as a letter instead of a traceback."""

import difflib
import sys


class CourseError(Exception):
    """An expected failure: a wrong file, setting, folder or network answer.

    Its text is a letter to a tired student: what was received, what was expected, what to type
    next. The command line prints it and exits with code 2; a notebook shows it without a traceback.
    A mistake in the kit itself is never a `CourseError`.

    Example:

    >>> try:
    ...     raise CourseError("limit: expected a positive number. Received: -5.")
    ... except CourseError as letter:
    ...     print(letter)
    limit: expected a positive number. Received: -5.
    """

    def _render_traceback_(self):
        """IPython's hook: what a notebook shows instead of a traceback."""
        return [str(self)]


def letters_instead_of_tracebacks():
    """Make this process end on a `CourseError` with its text on stderr and exit code 2.

    For scripts that are run directly; Ctrl-C ends them with code 130 and one line.
    """
    usual = sys.excepthook

    def hook(kind, error, traceback):
        if isinstance(error, CourseError):
            print(f"\n{error}", file=sys.stderr)
            sys.exit(2)
        if issubclass(kind, KeyboardInterrupt):
            print("\nStopped.", file=sys.stderr)
            sys.exit(130)
        usual(kind, error, traceback)

    sys.excepthook = hook


def nearest(word, known, spell=str):
    """ " Did you mean …?" for a typo that is near enough to a known word, otherwise "".

    Args:
        word: what was typed, of any type.
        known: lower-case words.
        spell: function that writes a known word as it is to be typed.

    Example:

    >>> nearest("Mnits", ["mnist", "california"]), nearest("cats", ["mnist"])
    (' Did you mean mnist?', '')
    """
    near = difflib.get_close_matches(str(word).lower(), known, n=1, cutoff=0.5)
    return f" Did you mean {spell(near[0])}?" if near else ""
