"""Kaggle on 127.0.0.1, and somebody who types commands there."""

import pytest

from tests.kernels_stub import KernelsStub
from tests.typist import Typist


@pytest.fixture
def kaggle():
    with KernelsStub() as stub:
        yield stub
    assert stub.egress == []


@pytest.fixture
def course(kaggle, tmp_path):
    return Typist(kaggle, tmp_path)
