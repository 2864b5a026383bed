"""Watching, with a clock of our own: what is shown, how often is asked, when we give up."""

import types

import pytest

from course.datasets.download.answers import Trouble
from course.errors import CourseError
from course.kaggle import watch
from course.kaggle.client import Quota
from course.kaggle.troubles import Unanswered

KERNEL = "ana/taller-2"


class FakeClient:
    """Tells the states of a list, the last one for ever; None is a network that is away."""

    taller, newest = "taller2", 3

    def __init__(self, *states):
        self.states, self.asked = list(states), 0

    def status(self, kernel, tries):
        self.asked += 1
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state is None:
            raise Unanswered("Kaggle does not answer.", Trouble("no network", retry=True))
        return types.SimpleNamespace(
            status=types.SimpleNamespace(name=state), failure_message="because"
        )

    def version(self, kernel):
        return self.newest

    def quota(self, tries):
        return Quota(21.5, 30.0, None)

    def hide(self, text):
        return text or ""


@pytest.fixture
def clock(monkeypatch):
    """Time passes only by sleeping; returns the pauses."""
    pauses = []
    monkeypatch.setattr(watch, "_now", lambda: float(sum(pauses)))
    monkeypatch.setattr(watch, "_sleep", pauses.append)
    return pauses


def test_the_pauses_grow_to_twenty_seconds(clock):
    watch.watch(FakeClient(*["QUEUED"] * 2, *["RUNNING"] * 6, "COMPLETE"), KERNEL, version=3)
    assert clock == [1, 2, 4, 8, 16, 20, 20, 20]


def test_in_a_pipe_there_is_a_line_a_change_and_every_five_minutes(clock, capsys):
    watch.watch(FakeClient("QUEUED", *["RUNNING"] * 40, "COMPLETE"), KERNEL, gpu=True)
    lines = capsys.readouterr().out.splitlines()
    left = ", GPU: 21.5 of 30 h left this week"
    assert lines == [
        f"taller2: queued, 0 min{left}",
        f"taller2: running, 0 min{left}",
        f"taller2: running, 5 min{left}",
        f"taller2: running, 11 min{left}",
        f"{KERNEL}: complete",
    ]


def test_on_a_terminal_one_line_is_written_over(clock, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    watch.watch(FakeClient("QUEUED", "RUNNING", "COMPLETE"), KERNEL)
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and out.endswith(f"\r{KERNEL}: complete\n")
    assert "\rtaller2: queued, 0 min\rtaller2: running, 0 min" in out.replace(" \r", "\r")


def test_a_letter_does_not_stand_behind_the_live_line(clock, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "20")
    with pytest.raises(CourseError):
        watch.watch(FakeClient("RUNNING", "CANCEL_REQUESTED", None), KERNEL)
    last = capsys.readouterr().out.split("\r")
    assert last[-1] == "" and last[-2].strip() == ""
    assert max(map(len, last)) < 20


def test_a_network_that_is_away_for_ten_minutes_is_survived(clock):
    client = FakeClient("RUNNING", *[None] * 30, "COMPLETE")
    watch.watch(client, KERNEL)
    assert 9 * 60 < sum(clock) < 15 * 60


def test_a_network_that_stays_away_ends_in_a_letter(clock):
    with pytest.raises(CourseError, match="goes on at Kaggle.*status taller2 --wait"):
        watch.watch(FakeClient("RUNNING", None), KERNEL)
    assert 15 * 60 < sum(clock) < 16 * 60


def test_a_refusal_is_not_waited_out(clock):
    client = FakeClient("RUNNING")
    client.status = lambda *_, **__: (_ for _ in ()).throw(Unanswered("no", Trouble("401")))
    with pytest.raises(Unanswered):
        watch.watch(client, KERNEL)
    assert clock == []


def test_an_end_of_the_version_before_is_not_ours(clock):
    client = FakeClient("COMPLETE")
    versions = [2, 2, 3]
    client.version = lambda kernel: versions.pop(0)
    watch.watch(client, KERNEL, version=3)
    assert client.asked == 3


def test_where_the_version_is_not_told_just_now_it_is_asked_again(clock):
    client = FakeClient("COMPLETE")
    answers = [Unanswered("away", Trouble("no network", retry=True)), 3]

    def version(kernel):
        if isinstance(answer := answers.pop(0), Unanswered):
            raise answer
        return answer

    client.version = version
    watch.watch(client, KERNEL, version=3)
    assert client.asked == 2


def test_a_kaggle_that_never_tells_of_our_version_does_not_hold_us_for_ever(clock):
    watch.watch(FakeClient("COMPLETE"), KERNEL, version=4)
    assert 60 < sum(clock) < 90


def test_a_newer_version_replaces_ours(clock):
    with pytest.raises(CourseError, match="version 2 was watched, version 3 was pushed"):
        watch.watch(FakeClient("COMPLETE"), KERNEL, version=2)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("ERROR", "Why: because\nNext: read its log: python -m course kernels logs taller2"),
        ("CANCEL_ACKNOWLEDGED", "was cancelled"),
    ],
)
def test_a_bad_end_is_a_letter(clock, state, words):
    with pytest.raises(CourseError, match=words):
        watch.watch(FakeClient("RUNNING", "CANCEL_REQUESTED", state), KERNEL)
    assert clock == [1, 2]
