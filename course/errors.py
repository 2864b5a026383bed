"""The one exception that is shown as a message instead of a traceback; the nearest name."""

import difflib
import sys


class CourseError(Exception):
    """An expected failure: a wrong file, setting, folder or network answer.

    Its text is a Spanish message to a tired student: what was received, what was expected, what to
    type next. The command line prints it and exits with code 2; a notebook shows it without a
    traceback. A mistake in the kit itself is never a `CourseError`.
    """

    def _render_traceback_(self):
        """IPython's hook: what a notebook shows instead of a traceback."""
        return [str(self)]


def without_tracebacks():
    """Make this process end on a `CourseError` with its text on stderr and exit code 2.

    For scripts that are run directly; Ctrl-C ends them with code 130 and one line.
    """
    usual = sys.excepthook

    def hook(kind, error, traceback):
        if isinstance(error, CourseError):
            print(f"\n{error}", file=sys.stderr)
            sys.exit(2)
        if issubclass(kind, KeyboardInterrupt):
            print("\nDetenido.", file=sys.stderr)
            sys.exit(130)
        usual(kind, error, traceback)

    sys.excepthook = hook


def nearest(word, known, spell=str, cutoff=0.5):
    """ " ¿Querías decir …?" for a typo that is near enough to a known word, otherwise "".

    `spell` writes a known word as it is to be typed; `cutoff` is how alike they must be, 0 to 1.

    Example:

    >>> nearest("Mnits", ["mnist", "california"]), nearest("cats", ["mnist"])
    (' ¿Querías decir mnist?', '')
    """
    spelled = {str(name).lower(): name for name in known}
    near = difflib.get_close_matches(str(word).lower(), spelled, n=1, cutoff=cutoff)
    return f" ¿Querías decir {spell(spelled[near[0]])}?" if near else ""
