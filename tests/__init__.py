"""The suite: its folders are those of `course`; what several of them share lies here."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
FUZZ = int(os.environ.get("FUZZ", 1))  # `make fuzz` asks for so many times more damaged inputs
