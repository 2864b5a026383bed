"""What the server does not do: one sentence in each of the page's languages."""

import os


class Refusal(Exception):
    """An answer of 4xx or 5xx to the page; its text is shown there as it is."""

    def __init__(self, status, spanish, english):
        super().__init__(spanish)
        self.status, self.spanish, self.english = status, spanish, english

    def as_json(self):
        """`{"error": …, "error_en": …}`."""
        return {"error": self.spanish, "error_en": self.english}


def sentence(error, path=None, name=""):
    """What happened, of a `CourseError`, in one line.

    Paths of the server are left out: `name` stands for `path`, and what lies in it has its own name
    only.

    Example:

    >>> sentence("/tmp/a.png no es una imagen.\\nQué hacer: sube otra.", "/tmp/a.png", "El archivo")
    'El archivo no es una imagen.'
    """
    text = " ".join(str(error).partition("\nQué hacer: ")[0].split())
    return text.replace(f"{path}{os.sep}", "").replace(str(path), name) if path else text
