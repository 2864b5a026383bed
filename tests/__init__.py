"""The suite: its folders are those of `course`; what several of them share lies here."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
