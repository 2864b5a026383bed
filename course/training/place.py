"""Where the user types: what a message says to type differs in a notebook and on Windows."""

import os
import pathlib
import shlex
import sys


def is_script(caller):
    """Whether a namespace is that of a file that runs as a script, so that flags are its own.

    In a terminal, by IPython's `%run` and by Spyder's `runfile`: there `sys.argv` begins with the
    file itself (after `%run -n` its name is not `__main__`). A notebook's cell has no file, or (VS
    Code's interactive window) one that is not what the kernel was started with.
    """
    if in_ipython():
        return _same_file(sys.argv[0], caller.get("__file__", ""))
    return caller["__name__"] == "__main__" and "__file__" in caller


def in_ipython():
    """Whether IPython runs the code, a cell or a file; an import of it alone does not."""
    found = sys.modules.get("IPython")
    return found is not None and found.get_ipython() is not None


def in_notebook():
    """Whether what runs now is a cell: Jupyter, Kaggle, Colab, VS Code's interactive window."""
    return in_ipython() and not is_script(vars(sys.modules["__main__"]))


def how_to_choose(name, value=True):
    """What to do to give a setting of the lesson a value, said as an order.

    Example:

    >>> how_to_choose("resume"), how_to_choose("run_dir", "otra")
    ('agrega --resume', 'agrega --run-dir otra')
    """
    if in_notebook():
        variable = how_to_set(f"COURSE_{name.upper()}", 1 if value is True else value)
        return f"escribe {variable} en una celda nueva y ejecuta otra vez desde la celda «Ajustes»"
    flag = "--" + name.replace("_", "-")
    return f"agrega {flag}" if value is True else f"agrega {flag} {shlex.quote(str(value))}"


def how_to_set(variable, value):
    """What to type so that an environment variable has a value."""
    if _below_a_notebook():
        return f"%env {variable}={value}"
    if _on_windows():
        return f'set {variable}={value} (en PowerShell: $env:{variable}="{value}")'
    return f"export {variable}={shlex.quote(str(value))}"


def how_to_unset(variable):
    """What to type so that an environment variable is gone; IPython's `%env` cannot do that."""
    if _below_a_notebook():
        return f'import os; os.environ.pop("{variable}", None)'
    if _on_windows():
        return f"set {variable}= (en PowerShell: Remove-Item Env:{variable})"
    return f"unset {variable}"


def console_as_it_is():
    """Print a ? for what the console cannot show, a — or a ², in place of ending with an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _below_a_notebook():
    """A cell, or a command that a cell has started with `!`: it inherits the kernel's variables."""
    return in_ipython() or "JPY_PARENT_PID" in os.environ


def _on_windows():
    return os.name == "nt" and "MSYSTEM" not in os.environ  # Git's Bash has its own words


def _same_file(one, other):
    try:
        return pathlib.Path(one).samefile(other)
    except OSError:
        return False
