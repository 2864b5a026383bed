"""The head of the page: one large number, how sure it is, and what that means in words."""

from course.evaluation.page.parts import length, typeset


def hero_of(report, key, label, text):
    """The score `key` with its label, its interval as a bracket, and a sentence or two."""
    score = typeset(report.in_words(key, report.scores[key]))
    label = f"<small>{label} en {typeset(report.counted)}</small>"
    return (
        f'<div class="hero"><p class="score">{score}{label}</p><div>{bracket(report, key)}'
        f"<p>{text}</p></div></div>"
    )


def bracket(report, key):
    """A score's interval drawn as a line with a dot; empty where there is no interval."""
    if not report.intervals.get(key):
        return ""
    low, high = report.intervals[key]
    at = length((report.scores[key] - low) / (high - low)) if high > low else "50%"
    left, right = (typeset(report.in_words(key, end)) for end in (low, high))
    return (
        f'<div class="interval" role="img" aria-label="95 % de confianza: de {left} a {right}">'
        f'<div class="line"><span class="dot" style="left:{at}"></span></div><div class="ends">'
        f"<span>{left}</span><span>95 % de confianza</span><span>{right}</span></div></div>"
    )
