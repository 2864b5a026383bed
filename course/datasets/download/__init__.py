"""One door for files: fetched from Kaggle once, verified, then read from this disk."""
