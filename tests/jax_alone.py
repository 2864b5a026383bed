"""JAX on a machine without TensorFlow, as Colab's TPU runtime is; it stands in on a CPU."""

import os

from tests import ROOT


def xla_flags(devices=1):
    """So many devices of the CPU; quick to compile, slow to run."""
    return (
        f"--xla_force_host_platform_device_count={devices} --xla_backend_optimization_level=0 "
        "--xla_llvm_disable_expensive_passes=true"
    )


def environment(folder, devices=1, tensorflow=False):
    """The variables of a process that computes with JAX on so many devices of the CPU."""
    absent = folder / "absent"
    (absent / "tensorflow").mkdir(parents=True, exist_ok=True)
    (absent / "tensorflow" / "__init__.py").write_text(
        'raise ModuleNotFoundError("not here", name="tensorflow")\n', encoding="utf-8"
    )
    paths = [ROOT] if tensorflow else [absent, ROOT]
    return {
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "XLA_FLAGS": xla_flags(devices),
    }
