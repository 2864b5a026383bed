"""Watching, with a clock of our own: what is shown, how often is asked, when we give up."""

import re
import signal
import types

import pytest

from course.datasets.download.answers import Trouble, Unanswered
from course.errors import CourseError
from course.kaggle import watch
from course.kaggle.client import Quota
from tests.typist import refused

KERNEL = "ana/taller-2"
HOME = "runs/kaggle/taller2_cnn_mnist"


class FakeClient:
    """Tells the states of a list, the last one for ever; None is a network that is away."""

    taller, newest = "taller2", 3

    def __init__(self, *states):
        self.states, self.asked = list(states), 0

    def status(self, kernel, tries):
        self.asked += 1
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if state is None:
            raise Unanswered("Kaggle no responde.", Trouble("no hay red", "espera", retry=True))
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
    now = types.SimpleNamespace(monotonic=lambda: float(sum(pauses)), sleep=pauses.append)
    monkeypatch.setattr(watch, "time", now)
    return pauses


def test_the_pauses_grow_to_twenty_seconds(clock):
    watch.watch(FakeClient(*["QUEUED"] * 2, *["RUNNING"] * 6, "COMPLETE"), KERNEL, version=3)
    assert clock == [1, 2, 4, 8, 16, 20, 20, 20]


def test_in_a_pipe_there_is_a_line_a_change_and_every_five_minutes(clock, capsys):
    watch.watch(FakeClient("QUEUED", *["RUNNING"] * 40, "COMPLETE"), KERNEL, gpu=True)
    lines = capsys.readouterr().out.splitlines()
    left = ", GPU: quedan 21,5 de 30 h esta semana"
    assert lines == [
        f"taller2: en cola, 0 min{left}",
        f"taller2: en marcha, 0 min{left}",
        f"taller2: en marcha, 5 min{left}",
        f"taller2: en marcha, 11 min{left}",
        f"{KERNEL}: terminado",
    ]


def test_on_a_terminal_one_line_is_written_over(clock, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    watch.watch(FakeClient("QUEUED", "RUNNING", "COMPLETE"), KERNEL)
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and out.endswith(f"\r{KERNEL}: terminado\n")
    assert "\rtaller2: en cola, 0 min\rtaller2: en marcha, 0 min" in out.replace(" \r", "\r")


def test_an_error_message_does_not_stand_behind_the_live_line(clock, capsys, monkeypatch):
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


def test_a_network_that_stays_away_ends_in_an_error_message(clock):
    with pytest.raises(CourseError, match="sigue en Kaggle.*status taller2 --wait"):
        watch.watch(FakeClient("RUNNING", None), KERNEL)
    assert 15 * 60 < sum(clock) < 16 * 60


def test_a_refusal_is_not_waited_out(clock):
    client = FakeClient("RUNNING")
    client.status = lambda *_, **__: (_ for _ in ()).throw(Unanswered("no", Trouble("401", "mira")))
    with pytest.raises(Unanswered):
        watch.watch(client, KERNEL)
    assert clock == []


def test_an_end_of_the_version_before_is_not_ours(clock):
    client = FakeClient("COMPLETE")
    versions = [2, 2, 3]
    client.version = lambda kernel: versions.pop(0)
    watch.watch(client, KERNEL, version=3)
    assert client.asked == 3


def test_where_the_version_is_not_known_just_now_it_is_asked_again(clock):
    client = FakeClient("COMPLETE")
    answers = [Unanswered("lejos", Trouble("no hay red", "espera", retry=True)), 3]

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
    with pytest.raises(CourseError, match="miraba la versión 2 se envió la 3"):
        watch.watch(FakeClient("COMPLETE"), KERNEL, version=2)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            "ERROR",
            "Por qué: because\nQué hacer: lee su registro: python -m course kernels logs taller2",
        ),
        ("CANCEL_ACKNOWLEDGED", "se canceló"),
    ],
)
def test_a_bad_end_is_an_error_message(clock, state, words):
    with pytest.raises(CourseError, match=words):
        watch.watch(FakeClient("RUNNING", "CANCEL_REQUESTED", state), KERNEL)
    assert clock == [1, 2]


# ---- typed, with the real client


@pytest.mark.parametrize("command", [["status", "taller2"], ["status", "taller2", "--wait"]])
def test_a_kernel_in_error_is_an_error(course, kaggle, command):
    kaggle.pushes, kaggle.states = 1, ["ERROR"]
    kaggle.failure = "Your notebook tried to allocate more memory than is available."
    answer = course(*command)
    assert refused(answer, "terminó con un error", kaggle.failure, "kernels logs taller2_cnn_mnist")
    assert not (course.work / "runs").exists()


def test_a_cancelled_kernel_is_an_error(course, kaggle):
    kaggle.pushes, kaggle.states = 1, ["CANCEL_ACKNOWLEDGED"]
    assert refused(course("status", "taller2"), "se canceló", "--timeout")


def test_a_kernel_that_there_is_not(course, kaggle):
    for verb in ("status", "logs", "output"):
        answer = course(verb, "taller2")
        assert refused(
            answer, "403", "no hay ninguno con ese nombre", "kernels push taller2_cnn_mnist"
        )


def test_watching_survives_a_blip(course, kaggle):
    kaggle.pushes, kaggle.states = 1, ["RUNNING", "COMPLETE"]
    kaggle.outputs = {"a.txt": b"a"}
    kaggle.hang_ups = {"GetKernelSessionStatus": 1}
    kaggle.fail(503, on="GetKernelSessionStatus")
    answer = course("status", "taller2", "--wait")
    assert answer.code == 0
    assert "Kaggle no responde, se le pregunta otra vez" in answer.out
    assert (course.work / HOME / "a.txt").read_bytes() == b"a"


def test_ctrl_c_leaves_the_kernel_running_and_says_how_to_go_on(course, kaggle):
    kaggle.states = ["RUNNING"]
    process = course.start("push", "taller2", "--wait")
    for line in process.stdout:
        if "en marcha" in line:
            break
    process.send_signal(signal.SIGINT)
    answer = course.finish(process)
    assert answer.code == 130
    assert "El kernel sigue en Kaggle" in answer.out
    assert "python -m course kernels status taller2_cnn_mnist --wait" in answer.out
    assert not [name for name in kaggle.names() if "Cancel" in name or "Delete" in name]


def test_two_pushes_at_once_are_two_versions(course, kaggle):
    first, second = [course.start("push", name) for name in ("taller2", "taller2")]
    answers = [course.finish(first), course.finish(second)]
    assert [answer.code for answer in answers] == [0, 0]
    assert {re.search(r"versión (\d)", answer.out)[1] for answer in answers} == {"1", "2"}
    texts = {r.body["text"] for r in kaggle.requests if r.name == "SaveKernel"}
    assert len(texts) == 1


def test_a_push_that_another_one_replaced_is_an_error(course, kaggle):
    kaggle.states = ["RUNNING"]
    process = course.start("push", "taller2", "--wait")
    for line in process.stdout:
        if "en marcha" in line:
            break
    kaggle.pushes, kaggle.states = 2, ["COMPLETE"]
    answer = course.finish(process)
    assert refused(answer, "se miraba la versión 1 se envió la 2")
    assert not (course.work / "runs").exists()
