"""Several processes that train one network, on one machine or on several: Keras on JAX.

Keras' own variables say who takes part: `KERAS_DISTRIBUTION_JOB_ADDRESSES` (of process 0,
`host:port`), `KERAS_DISTRIBUTION_NUM_PROCESSES` and `KERAS_DISTRIBUTION_PROCESS_ID`. Without them
there is one process, and nothing here does anything.
"""

import atexit
import contextlib
import faulthandler
import importlib.metadata
import os
import socket
import sys
import tempfile
import time
import zlib

import numpy as np

import course
from course.errors import CourseError
from course.training.start import held_back, set_up_jax

ADDRESSES, COUNT, ID = (
    f"KERAS_DISTRIBUTION_{name}" for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
)
_PATIENCE_S, _HEARTBEAT_S = 60, 20  # until the others are there; until one is missed
_PARTING_S = 10  # for the others, at the end of one that has not come to `alone`
_ALL_HERE, _TAKEN = b"all here", b"taken"
_joined = False


def how_many():
    """How many processes train together; 1 where nothing else is said."""
    return _number(COUNT, least=1) if COUNT in os.environ else 1


def which():
    """The number of this process, from 0."""
    return _number(ID, least=0) if how_many() > 1 else 0


def join():
    """Meet the other processes, before anything is computed. Alone, or again, it does nothing.

    Raises:
        CourseError: The variables do not fit together, the backend is not JAX, the port is taken,
            nobody answers within a minute, or another process has this number.
    """
    global _joined
    if how_many() < 2 or _joined:
        return
    import keras

    backend = keras.backend.backend()
    if backend != "jax":
        raise not_on(backend)
    host, port = _address()
    if which() >= how_many():
        raise CourseError(
            f"{ID}: se esperaba de 0 a {how_many() - 1}. Llegó: {which()}.\n"
            "Qué hacer: da a cada proceso su número, el primero es 0."
        )
    _answer(host, port) if which() else _call_roll(port)
    try:
        import jax

        set_up_jax()
        # as keras.distribution.initialize does, which waits two minutes for one that has died
        jax.distributed.initialize(
            f"{host}:{port}",
            how_many(),
            which(),
            initialization_timeout=_PATIENCE_S,
            heartbeat_timeout_seconds=_HEARTBEAT_S,
        )
        with held_back(1):  # Gloo greets on stdout when processes first speak
            _gather(np.zeros(1))
    except Exception as error:  # whatever JAX' runtime makes of it
        raise CourseError(
            f"Los {how_many()} procesos no se encontraron en {host}:{port} "
            f"({str(error).partition(chr(10))[0]:.200}).\n"
            f"Qué hacer: mira que en cada uno {ID} sea otro número, de 0 a {how_many() - 1}, y "
            "empieza todos otra vez."
        ) from error
    _joined = True
    atexit.register(_wait_no_longer, open(os.devnull, "w"))


def not_on(backend):
    """What to say where several processes are asked for and the backend is not JAX."""
    return CourseError(
        f"Entrenar en varios procesos: se esperaba JAX. Llegó: {backend}.\n"
        "Qué hacer: la misma orden con KERAS_BACKEND=jax delante, por ejemplo\n"
        "    KERAS_BACKEND=jax python -m course run taller3 --processes 2"
    )


def agree(about, /, **values):
    """Go on only if each value is the same in all processes; `about` says in Spanish what they are.

    Raises:
        CourseError: In every process, with the names of what differs.
    """
    if how_many() < 2:
        return
    sums = np.array([zlib.crc32(repr(value).encode()) for value in values.values()], "uint32")
    everyones = _gather(sums)
    other = [name for name, column in zip(values, everyones.T, strict=True) if len({*column}) > 1]
    if other:
        raise CourseError(
            f"Los procesos no entrenan lo mismo: {about} difieren en {', '.join(other)}.\n"
            "Qué hacer: empieza todos con la misma orden, las mismas versiones y los mismos datos."
        )


def versions():
    """What must be of one version in all processes; nothing of interest to one alone."""
    if how_many() < 2:
        return {}
    others = {name: importlib.metadata.version(name) for name in ("keras", "jax", "numpy")}
    return {"course": course.commit() or course.__version__, **others}


def from_first(content):
    """The bytes that process 0 gives, in every process; what the others give is left aside."""
    if how_many() < 2:
        return content
    from jax.experimental import multihost_utils

    mine = np.frombuffer(content, "uint8")
    length = int(multihost_utils.broadcast_one_to_all(np.int32(len(mine))))
    sent = mine if which() == 0 else np.zeros(length, "uint8")
    return np.asarray(multihost_utils.broadcast_one_to_all(sent)).tobytes()


def alone(model):
    """After `fit`, leave the other devices and processes behind.

    On several devices of JAX the weights lie on all of them, and other processes know nothing of
    what comes after: they end here, with code 0. Otherwise this returns `model` itself.

    Args:
        model: Functional `keras.Model` or `Sequential`, such as the one within what was fitted.

    Returns:
        The model, or in process 0 of several devices an uncompiled copy on one of them.

    Example:

    >>> import keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> alone(model) is model
    True
    """
    import keras

    if keras.distribution.distribution() is None:
        return model
    with tempfile.TemporaryDirectory() as folder:
        weights = os.path.join(folder, "all.weights.h5")
        model.save_weights(weights)
        keras.distribution.set_distribution(None)
        if how_many() > 1:
            _part()
        copy = keras.models.clone_model(model)
        copy.load_weights(weights)  # a Normalization takes its mean from a file only
    copy.course_run = getattr(model, "course_run", None)
    return copy


def _part():
    """Go on in process 0, which is one alone from here, and end here in the others."""
    import jax

    jax.distributed.shutdown()  # all meet here: at the end of process 0 nobody would wait
    number = which()
    for variable in (ADDRESSES, COUNT, ID):
        os.environ.pop(variable, None)
    if number:
        sys.exit(0)


def _wait_no_longer(nowhere):
    """After an error in one process the others never come, and JAX would wait five minutes."""
    if how_many() > 1:
        sys.stdout.flush()  # who is ended so flushes nothing
        faulthandler.dump_traceback_later(_PARTING_S, exit=True, file=nowhere)


def free_port():
    """A port of this machine that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _gather(values):
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(values)).reshape(how_many(), -1)


def _number(variable, least):
    text = os.environ.get(variable, "")
    if text.isdecimal() and int(text) >= least:
        return int(text)
    raise CourseError(
        f"{variable}: se esperaba un número entero desde {least}. Llegó: {text!r}.\n"
        f"Qué hacer: en cada proceso da {ADDRESSES}, {COUNT} y {ID}."
    )


def _address():
    text = os.environ.get(ADDRESSES, "").partition(",")[0].strip()
    host, _, port = text.rpartition(":")
    if host and port.isdecimal() and 0 < int(port) < 65536:
        return host, int(port)
    raise CourseError(
        f"{ADDRESSES}: se esperaba la dirección del proceso 0, como 10.0.0.1:1234. "
        f"Llegó: {text!r}.\n"
        f"Qué hacer: en cada proceso da {ADDRESSES}, {COUNT} y {ID}."
    )


def _call_roll(port):
    """As process 0: wait until each number has answered once, then let all go on."""
    try:
        server = socket.create_server(("", port))
    except OSError as error:
        raise CourseError(
            f"El puerto {port} de esta máquina no está libre ({error.strerror}).\n"
            f"Qué hacer: mira que solo uno tenga el número 0 en {ID}, o elige otro puerto en "
            f"{ADDRESSES}, el mismo en todos los procesos."
        ) from error
    end, there = time.monotonic() + _PATIENCE_S, {}
    with server, contextlib.ExitStack() as calls:
        while len(there) < how_many() - 1:
            server.settimeout(max(0.01, end - time.monotonic()))
            try:
                call = calls.enter_context(server.accept()[0])
                call.settimeout(5)
                number = call.recv(64).decode(errors="replace")
            except TimeoutError as error:
                if time.monotonic() < end:  # somebody who has nothing to say
                    continue
                absent = {str(n) for n in range(1, how_many())} - there.keys()
                raise CourseError(
                    f"En {_PATIENCE_S} s no llegaron estos procesos: {', '.join(sorted(absent))}.\n"
                    f"Qué hacer: empieza todos, cada uno con su número en {ID}."
                ) from error
            if number in there or number not in map(str, range(1, how_many())):
                call.sendall(_TAKEN)
            else:
                there[number] = call
        for call in there.values():
            call.sendall(_ALL_HERE)


def _answer(host, port):
    """As another process: find process 0, say one's number, and wait until all are there."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with socket.create_connection((host, port), timeout=5) as call:
                call.sendall(str(which()).encode())
                call.settimeout(_PATIENCE_S)
                heard = call.recv(64)
            break
        except OSError as error:
            if time.monotonic() > end:
                raise CourseError(
                    f"{host}:{port} no responde: ahí se esperaba el proceso 0.\n"
                    "Qué hacer: mira que esté en marcha y que "
                    f"{ADDRESSES} sea su dirección en todos."
                ) from error
            time.sleep(0.5)
    if heard != _ALL_HERE:
        raise CourseError(
            f"El proceso 0, en {host}:{port}, no espera a un proceso {which()}: ya hay otro con "
            "ese número, o dejó de esperar.\n"
            f"Qué hacer: da a cada uno su número en {ID}, de 0 a {how_many() - 1}, y empieza todos "
            "otra vez."
        )
