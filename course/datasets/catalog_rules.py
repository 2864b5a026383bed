"""The form of each key of datasets.yaml: a typo is an error that names the file and the entry."""

import dataclasses
import re
import types

from course.errors import CourseError, nearest

_SEEN = (r"(mirror|kaggle), \d{4}-\d{2}-\d{2}", "where and when, such as: mirror, 2026-11-23")
_RELATIVE = (r"(?!/)(?!.*\.\.)[^\\]+", "a path below the data set's folder")
FORMS = {  # key → (pattern of the whole text, what to say)
    "handle": (r"[\w.-]+/[\w.-]+", "owner/slug"),
    "homepage": (r"https://\S+", "an https address"),
    "sha256": (r"[0-9a-f]{64}", "64 hexadecimal digits"),
    "gz_md5": (r"[0-9a-f]{32}", "32 hexadecimal digits"),
    "path": _RELATIVE,
    "seen": _SEEN,
    "version_seen": _SEEN,
    "kind": (r"idx|csv|nifti|tar", "idx, csv, nifti or tar"),
}
_WORDS = {
    bool: "true or false",
    int: "a whole number from 1",
    str: "a text that is not empty",
    dict: "keys with values",
}


def build(record, raw, where, forms=FORMS):
    """Make the dataclass `record` of the mapping `raw`, or say which key is wrong, and where."""
    raw = mapping(raw, where)
    fields = {f.name: f for f in dataclasses.fields(record)}
    for key in raw:
        if key not in fields:
            hint = nearest(key, fields, spell='"{}"'.format)
            raise CourseError(f'{where}: unknown key "{key}".{hint} Known: {", ".join(fields)}.')
    for key, spec in fields.items():
        optional = spec.default is not dataclasses.MISSING
        if key not in raw and not optional and spec.default_factory is dataclasses.MISSING:
            raise CourseError(f'{where}: the key "{key}" is missing.')
    values = {key: _value(fields[key], value, where, forms) for key, value in raw.items()}
    if values.get("seen") is None and (values.get("sha256") or values.get("size_bytes")):
        raise CourseError(f'{where}: the key "seen" is missing. A hash that nobody saw is no hash.')
    return record(**values)


def no_key_twice(node, where, kind="entry "):
    """Refuse a key that a YAML tree has twice: reading would keep the last and say nothing."""
    if node.id == "sequence":
        for item in node.value:
            no_key_twice(item, where, kind)
    if node.id == "mapping":
        lines = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in lines:
                raise CourseError(
                    f'{where}: the key "{key.value}" is there twice, in lines {lines[key.value]} '
                    f"and {line}. Keep one of them."
                )
            lines[key.value] = line
            no_key_twice(value, f"{where}, {kind}{key.value}", kind="")


def mapping(raw, where):
    """A value of the YAML that must be keys with values."""
    if not isinstance(raw, dict):
        raise CourseError(f"{where}: expected keys with values. Received: {raw!r:.80}")
    return raw


def items(raw, where):
    """A value of the YAML that must be a list."""
    if not isinstance(raw, list):
        raise CourseError(f"{where}: expected a list. Received: {raw!r:.80}")
    return raw


def _value(spec, value, where, forms):
    optional = spec.default is None or isinstance(spec.type, types.UnionType)
    if value is None and optional:
        return None
    spot = f"{where}, {spec.name}"
    kind = next((k for k in (bool, int, str, dict, tuple) if spec.type in (k, k | None)), None)
    if kind is tuple:
        return tuple(value) if isinstance(value, tuple) else tuple(items(value, spot))
    pattern, wording = forms.get(spec.name, (r"(?s).+", _WORDS.get(kind, "")))
    if kind and type(value) is not kind or kind is int and value < 1:
        raise CourseError(f"{spot}: expected {wording}. Received: {value!r:.80}")
    if kind is str and not re.fullmatch(pattern, value):
        raise CourseError(f"{spot}: expected {wording}. Received: {value!r:.80}")
    return value
