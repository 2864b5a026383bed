"""Numbers as a Spanish reader writes them: 99,52 %, 20 640, 0,8.

The space is the no-break space U+00A0, which every console can print. A page may swap it for a
thinner one.
"""

import math

SPACE = "\u00a0"


def number(value, decimals=2):
    """A number with a decimal comma.

    Args:
        value: Number. Whatever is not finite, and None, gives an en rule.
        decimals: Digits after the comma.

    Returns:
        Text. From five digits on, the thousands are set apart by a space; never by a full stop.

    Example:

    >>> number(0.8), number(1234.5, 1), number(float("nan"))
    ('0,80', '1234,5', '–')
    >>> number(20640, 0).replace(SPACE, "_")
    '20_640'
    """
    if value is None or not math.isfinite(value):
        return "–"
    # + 0.0 turns a rounded -0.0 into 0.0
    whole, _, fraction = f"{round(value, decimals) + 0.0:.{decimals}f}".partition(".")
    if len(whole.lstrip("-")) > 4:
        whole = f"{int(whole):,}".replace(",", SPACE)
    return f"{whole},{fraction}" if fraction else whole


def percent(fraction, decimals=2):
    """A fraction as a percentage.

    What is below 1 is never rounded up to 100 %, nor what is above 0 down to 0 %: it gets more
    decimals instead. Exactly 0 and exactly 1 need none.

    Example:

    >>> percent(0.9952).replace(SPACE, " "), percent(0.99999).replace(SPACE, " ")
    ('99,52 %', '99,999 %')
    """
    if fraction is None or not math.isfinite(fraction):
        return "–"
    decimals = 0 if fraction in (0, 1) else decimals
    while decimals < 12 and 0 < fraction < 1 and round(100 * fraction, decimals) in (0, 100):
        decimals += 1
    return f"{number(100 * fraction, decimals)}{SPACE}%"


def count(n, singular, plural):
    """A count with its noun.

    Example:

    >>> count(1, "imagen", "imágenes").replace(SPACE, " "), count(2, "error", "errores")[-7:]
    ('1 imagen', 'errores')
    """
    return f"{number(n, 0)}{SPACE}{singular if n == 1 else plural}"
