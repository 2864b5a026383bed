"""The pieces of a page: its head, figures, tables, numbers. Text in, HTML out."""

import base64
import re
from html import escape

from course.spanish import count, number


def hero_of(report, key, label, text):
    """The score `key` with its label, its interval as a bracket, and a sentence or two."""
    score = typeset(report.score_text(key, report.scores[key]))
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
    left, right = (typeset(report.score_text(key, end)) for end in (low, high))
    return (
        f'<div class="interval" role="img" aria-label="95 % de confianza: de {left} a {right}">'
        f'<div class="line"><span class="dot" style="left:{at}"></span></div><div class="ends">'
        f"<span>{left}</span><span>95 % de confianza</span><span>{right}</span></div></div>"
    )


def with_groups(report):
    """How many images and, where groups have a name, of how many patients they are."""
    if not report.group_noun:
        return report.counted
    return f"{report.counted} de {count(report.independent, *report.group_noun)}"


def groups_in_words(report):
    """A sentence, after a space, on what the intervals count; "" where it is each image."""
    if report.group_noun:
        groups = typeset(count(report.independent, *report.group_noun))
        each, whose = escape(report.group_noun[0]), f"son de {groups}"
    elif report.independent not in (None, report.n):
        groups = typeset(count(report.independent, "fotografía", "fotografías"))
        each, whose = "fotografía", f"son variaciones de {groups}"
    else:
        return ""
    return f" Las imágenes {whose}: para el intervalo, las de cada {each} cuentan juntas."


def figure(name, pictures, alt):
    """The picture of this name; see `picture`."""
    return picture(pictures[name], alt or name)


def picture(data, alt):
    """A PNG or a GIF inside the page itself, in its own size or the page's width if it is less."""
    # drawn at 120 dots an inch, and an inch is 96 in CSS
    if data.startswith(b"\x89PNG"):
        kind, sides = "png", (int.from_bytes(data[i : i + 4], "big") for i in (16, 20))
    else:
        kind, sides = "gif", (int.from_bytes(data[i : i + 2], "little") for i in (6, 8))
    width, height = (side * 4 // 5 for side in sides)
    # on a phone a large figure scrolls; the keyboard scrolls what can have the focus
    big, focus = (' class="big"', ' tabindex="0"') if width > 640 else ("", "")
    return (
        f'<figure{focus}><img{big} alt="{escape(alt)}" width="{width}" height="{height}" '
        f'src="data:image/{kind};base64,{base64.b64encode(data).decode()}"></figure>'
    )


def table(head, rows, numeric=(), name=""):
    """A table of `row`s; those of the columns that are `numeric` stand to the right."""
    right = [' class="n"' if place in numeric else "" for place in range(len(head))]
    names = "".join(f'<th scope="col"{n}>{text}</th>' for n, text in zip(right, head, strict=True))
    return (
        f'<div class="wide" tabindex="0"><table class="{name}"><thead><tr>{names}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def row(name, *cells, ours=False):
    """A row with its heading; `ours` is set off by its ground."""
    mark = ' class="ours"' if ours else ""
    return f'<tr{mark}><th scope="row">{name}</th>{"".join(cells)}</tr>'


def cell(html, numeric=False):
    """One cell of a table; numbers stand to the right."""
    return f'<td class="n">{html}</td>' if numeric else f"<td>{html}</td>"


def pairs(rows):
    """A table of two columns; keys and values are HTML."""
    cells = "".join(row(name, cell(value)) for name, value in rows.items())
    return (
        f'<div class="wide" tabindex="0"><table class="pairs"><tbody>{cells}</tbody></table></div>'
    )


def with_interval(report, key, value, interval):
    """A cell with a score and, below it, its interval if it has one."""
    text = typeset(report.score_text(key, value))
    if interval:
        low, high = (typeset(report.score_text(key, end)) for end in interval)
        text += f"<small>{low} a {high}</small>"
    return cell(text)


def unrounded(value, decimals):
    """A number from 0 to 1 with more decimals where fewer would make a 0 or a 1 of it."""
    while value is not None and decimals < 6 and 0 < value < 1 and round(value, decimals) in (0, 1):
        decimals += 1
    return number(value, decimals)


def length(share):
    """A share as a CSS length."""
    return f"{100 * min(max(share, 0), 1):.1f}%"


def typeset(text):
    """A number for print: thin spaces in the thousands, a true minus sign."""
    return escape(re.sub(r"(?<=\d)\u00a0(?=\d)", "\u202f", text).replace("-", "−"))
