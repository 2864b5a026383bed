"""The lessons at Kaggle: built, pushed, watched, brought home."""
