"""What students answer, one table for each taller; `test_exercises.py` reads them."""

from dataclasses import dataclass


@dataclass
class Answers:
    """To one exercise: two or more that are right, and what is wrong with others.

    `wrong` holds pairs: an answer, and distinctive words of the diagnosis it must get. Where the
    inputs decide which of several true ones it is, `|` stands between their words.
    """

    right: list
    wrong: list
