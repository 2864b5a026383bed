"""One thread owns the network: it loads it, and answers together whatever is waiting.

TensorFlow takes seconds to load, and a network asked from two threads at once gains nothing. So the
page is there at once, and its questions wait in a queue.
"""

import logging
import math
import queue
import threading
from concurrent.futures import Future

from course.errors import CourseError
from course.training import start

_LOG = logging.getLogger("course.demo")
SIZES = (1, 8, 64)  # of a batch: a shape of its own is traced anew, so few are ever asked
_NUMBERS = 2**22  # in a batch at most, unless one example alone has more


class Worker:
    """Answers questions to a run's network, in a thread of its own.

    Args:
        load: Function without arguments, called in that thread once Keras is there; returns
            `(model, example)`: an example of what the network takes, as an array or a dict of
            arrays, or `None` where it is never asked for one answer each.

    `ready` is a `Future` that is done when the network can answer, or holds why it cannot.
    """

    def __init__(self, load):
        self.ready = Future()
        self._load = load
        self._waiting = queue.SimpleQueue()
        # daemon: TensorFlow on its way in does not keep Ctrl-C waiting
        threading.Thread(target=self._work, name="network", daemon=True).start()

    def ask(self, example):
        """A `Future` of the network's answer to one example: a float array, without the batch."""
        return self._put(("ask", example))

    def run(self, function):
        """A `Future` of `function(model)`, which runs in the network's thread."""
        return self._put(("run", function))

    def _put(self, question):
        future = Future()
        self._waiting.put((future, *question))
        return future

    def _work(self):
        try:
            start.load_keras()
            model, example = self._load()
            sizes = _sizes(example)
            for size in sizes:  # traced now, so that no visitor waits for it
                _answers(model, [example] * size, size)
        except Exception as error:
            if not isinstance(error, CourseError):
                _LOG.exception("the network does not load")
            self.ready.set_exception(error)
            return self._refuse_all(error)
        self.ready.set_result(model)
        while True:
            self._next(model, sizes)

    def _next(self, model, sizes):
        """Wait for questions and answer them: a function alone, examples together."""
        examples, functions = [], []
        self._sort(self._waiting.get(), examples, functions)
        while not functions and len(examples) < max(sizes, default=1):
            try:
                self._sort(self._waiting.get_nowait(), examples, functions)
            except queue.Empty:
                break
        _answer(model, examples, sizes)
        for future, function in functions:
            _settle(future, lambda function=function: function(model))

    @staticmethod
    def _sort(question, examples, functions):
        future, kind, given = question
        if future.set_running_or_notify_cancel():  # False: whoever asked has gone
            (examples if kind == "ask" else functions).append((future, given))

    def _refuse_all(self, error):
        while True:
            future, *_ = self._waiting.get()
            if future.set_running_or_notify_cancel():
                future.set_exception(error)


def _sizes(example):
    """The sizes of a batch that are asked for a network that takes such an example."""
    import keras

    if example is None:
        return ()
    numbers = sum(math.prod(part.shape) for part in keras.tree.flatten(example))
    return tuple(size for size in SIZES if size == 1 or size * numbers <= _NUMBERS)


def _answer(model, asked, sizes):
    """Answer each of `(future, example)`; where the batch fails, each alone."""
    if not asked:
        return
    size = min(size for size in sizes if size >= len(asked))
    try:
        answers = _answers(model, [example for _, example in asked], size)
    except Exception as error:
        if len(asked) == 1:
            return asked[0][0].set_exception(error)
        for one in asked:
            _answer(model, [one], sizes)
        return
    for (future, _), answer in zip(asked, answers, strict=True):
        future.set_result(answer)


def _answers(model, examples, size):
    """The network's answers to examples, asked as a batch of `size`: the last one fills it up."""
    import keras
    import numpy as np

    filled = [*examples, *[examples[-1]] * (size - len(examples))]
    batch = keras.tree.map_structure(lambda *parts: np.stack(parts), *filled)
    return np.asarray(model.predict_on_batch(batch))[: len(examples)]


def _settle(future, function):
    try:
        future.set_result(function())
    except Exception as error:
        future.set_exception(error)
