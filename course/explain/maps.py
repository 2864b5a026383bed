"""What a network's filters look for, and the maps they make of an image."""

import keras

from course.explain.layers import ask, batch_of, convolutions, find, layers_of, watching


def filters(model, layer=None):
    """The filters of a convolution; in the first layer they are patterns of light.

    Args:
        model: Functional or Sequential `keras.Model`, other models nested in it or not.
        layer: Name of a convolution. Default: the first that is larger than one pixel.

    Returns:
        Float array, `(rows, columns, channels, filters)`, as Keras keeps it and `figures.filters`
        draws it; a 3D convolution has one more side.

    Source: Krizhevsky, Sutskever and Hinton, *ImageNet Classification with Deep Convolutional
    Neural Networks*, NIPS 2012, figure 3.

    Example:

    >>> from course.models import cnn
    >>> filters(cnn((28, 28, 1), 10)).shape
    (3, 3, 1, 32)
    """
    known = convolutions(model)
    if layer is None:
        chosen = next((conv for conv in known if max(conv.kernel_size) > 1), known[0])
    else:
        chosen = find(model, layer)
        if chosen not in known:
            raise ValueError(
                f"Expected the name of a convolution, such as {known[0].name!r}. "
                f"Received: {layer!r}, a {type(chosen).__name__}"
            )
    return keras.ops.convert_to_numpy(chosen.kernel)


def feature_maps(model, image, names=None):
    """What layers make of an image: one map for each of their filters.

    Args:
        model: Functional or Sequential `keras.Model`, other models nested in it or not.
        image: `(height, width, channels)`, with the pixels that the model takes; `(depth, height,
            width, channels)` for a 3D one.
        names: Names of layers, a list. Default: every convolution.

    Returns:
        Dict from each layer's name to its maps, a float array `(height, width, filters)`, in the
        layer's own resolution.

    Source: Zeiler and Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014.

    Example:

    >>> import numpy as np
    >>> from course.models import cnn
    >>> maps = feature_maps(cnn((28, 28, 1), 10), np.zeros((28, 28, 1)))
    >>> {name: each.shape for name, each in maps.items()}
    {'level1_conv': (28, 28, 32), 'level2_conv': (14, 14, 64), 'level3_conv': (7, 7, 128)}
    """
    batch = batch_of(model, image)
    if isinstance(names, str):
        raise ValueError(f"Expected a list of names of layers. Received: {names!r}")
    chosen = convolutions(model) if names is None else [find(model, name) for name in names]
    with watching(chosen) as seen:
        ask(model, batch)
    return {layer.name: keras.ops.convert_to_numpy(seen[layer.name])[0] for layer in chosen}


def attention_maps(model, image):
    """Where the attention gates of a U-Net let an image through.

    Args:
        model: What `unet(..., attention=True)` returned, or the same loaded from a file: each gate
            ends in a layer whose name ends in `_attention`.
        image: `(height, width, channels)`, or `(depth, height, width, channels)`.

    Returns:
        Dict from each gate's name, the finest first, to its map: a float array `(height, width)` or
        `(depth, height, width)`, 0 to 1, in the gate's own resolution.

    Source: Oktay et al., *Attention U-Net*, 2018 (arXiv 1804.03999), figure 3.

    Example:

    >>> import numpy as np
    >>> from course.models import attention_unet
    >>> maps = attention_maps(attention_unet((8, 8, 1), 2, filters=(2, 2, 2)), np.zeros((8, 8, 1)))
    >>> {name: each.shape for name, each in maps.items()}
    {'up1_attention': (8, 8), 'up2_attention': (4, 4)}
    """
    names = sorted(layer.name for layer in layers_of(model) if layer.name.endswith("_attention"))
    if not names:
        raise ValueError(
            "Expected a model with attention gates, such as unet(..., attention=True). "
            f"Received: {model.name!r}, which has none"
        )
    maps = feature_maps(model, image, names)
    return {name: maps[name][..., 0] for name in names}
