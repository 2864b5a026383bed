"""The exercises in a run's report."""

from course.training.exercise_record import NAME
from tests.evaluation.test_report import classification

RECORD = """{
  "2.1": {"tries": 12, "hints": 1, "right": true, "when": "2026-11-27T07:12:00+00:00"},
  "2.2": {"tries": 0, "hints": 3, "solution": true, "when": "<b>"}
}"""


def test_the_report_shows_what_was_tried(tmp_path):
    report = classification()
    assert "Los ejercicios" not in report.save(tmp_path / "none").read_text(encoding="utf-8")
    (tmp_path / NAME).write_text(RECORD)
    text = report.save(tmp_path).read_text(encoding="utf-8")
    assert "1 de 2\u00a0ejercicios intentados" in text
    for row in (
        '<th scope="row">2.1</th><td>correcto</td><td class="n">12</td><td class="n">1</td>'
        "<td><small>2026-11-27, 07:12 UTC</small></td>",
        '<th scope="row">2.2</th><td>todavía no<small>vio la solución</small></td>'
        '<td class="n">0</td><td class="n">3</td><td><small>&lt;b&gt;</small></td>',
    ):
        assert row in text


def test_a_damaged_record_costs_no_report(tmp_path):
    (tmp_path / NAME).write_text('{"2.1": 3}')
    text = classification().save(tmp_path).read_text(encoding="utf-8")
    assert "<h2>Los ejercicios</h2>" in text and "ejercicios.json, 2.1: se esperaba" in text
