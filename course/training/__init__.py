"""What surrounds `fit`: settings, the run's folder, its seeds, and going on after an interruption.

It never wraps `fit`; a lesson calls that itself:

    s = settings(epochs=12, batch_size=128)
    set_seed(s.seed)
    run = run_dir("taller2_cnn_mnist", s)
    …
    batches = Batches(x, y, s.batch_size, s.seed)
    model.fit(
        batches,
        initial_epoch=resume(model, run),
        epochs=s.epochs,
        callbacks=callbacks(run, batches, seed=s.seed),
    )
"""

import importlib

# name → the module that has it, loaded when it is first asked for: the first four without Keras
_HOMES = {
    "settings": "flags",
    "Setting": "flags",
    "run_dir": "run_folder",
    "read_history": "run_folder",
    "set_seed": "checkpoints",
    "callbacks": "checkpoints",
    "resume": "checkpoints",
    "Checkpoint": "checkpoints",
    "EpochSeeds": "checkpoints",
    "accelerators": "devices",
    "all_devices": "devices",
    "alone": "processes",
}
__all__ = list(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
