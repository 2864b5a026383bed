"""One row of the table: what was found out about a run, and what the delivery says of itself."""

from dataclasses import dataclass, field

from course.classroom.measured import Found
from course.classroom.told import Told

# what the weights of course/demo/digits come to, which everyone has
_THE_KIT_S = "5e14f2ca1612c53860793234925556b1fa0f7e7bec4546fad431165f880cb340"


@dataclass
class Row:
    """One run of one student, or a delivery that holds none.

    Attributes:
        student, place: Of the delivery; of two deliveries one of them differs.
        run: Where in it the run lies; "" where there is none.
        told: What the run says of itself.
        found: What was found out about it.
        faults: Spanish texts, what in the delivery could not be read.
    """

    student: str
    place: str
    run: str = ""
    told: Told = field(default_factory=Told)
    found: Found = field(default_factory=Found)
    faults: list[str] = field(default_factory=list)

    @property
    def name(self):
        """Whose it is, as far as that is known."""
        return self.student or f"(sin nombre) {self.place}"

    @property
    def taller(self):
        """ "Taller 2"; "" where the delivery does not say which."""
        digits = self.told.lesson.removeprefix("taller").partition("_")[0]
        return f"Taller {digits}" if digits else ""

    @property
    def right(self):
        """How many exercises were answered rightly, as the delivery says."""
        return sum(one.right for one in self.told.exercises.values())


def compare(rows):
    """Flag the runs whose network has exactly the weights of another's, or of the kit's own."""
    owners = {_THE_KIT_S: {None: "la red que trae el curso"}}
    for row in rows:
        if row.found.weights:
            owners.setdefault(row.found.weights, {})[row.student, row.place] = row.name
    for row in rows:
        named = dict(owners.get(row.found.weights, {}))
        named.pop((row.student, row.place), None)
        if named:
            some = ", ".join(list(named.values())[:5]) + (" …" if len(named) > 5 else "")
            row.found.flags.insert(0, f"los mismos pesos que {some}")
