"""A trained network as two files: model.keras, which any supported Keras loads, and card.json.

`steps` writes it down as a list of plain steps, for a page that answers without Keras.
"""

__all__ = ["export", "load"]


def __getattr__(name):
    if name in __all__:  # they need Keras; a card is read without it
        from course.export import model_file

        return getattr(model_file, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
