"""The multilayer perceptron: a stack of dense layers."""

import keras
from keras import layers


def mlp(
    input_shape,
    num_outputs,
    units=(64, 64),
    activation="relu",
    dropout=0.0,
    output_activation=None,
    name="mlp",
):
    """Build a multilayer perceptron, the network of Rumelhart, Hinton and Williams (1986).

    Each hidden layer computes `activation(x @ kernel + bias)`; the last one gives the outputs.

    Args:
        input_shape: Tuple, `(num_features,)`. The features should have mean 0 and spread 1.
        num_outputs: Integer, how many numbers the network predicts.
        units: Tuple of integers, the neurons of each hidden layer. `()` is a linear model.
        activation: Activation of the hidden layers, a name Keras knows.
        dropout: Float in `[0, 1)`, the part of the neurons switched off after each hidden layer
            while training. 0 adds no dropout layer.
        output_activation: Activation of the output. `None` (any number) for regression,
            `"softmax"` for classes.
        name: Name of the model.

    Returns:
        An uncompiled `keras.Sequential`, `(batch, num_features)` in, `(batch, num_outputs)` out.
        Layers are called `hidden1`, `hidden1_dropout`, …, `output`.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    >>> model = mlp((8,), 1, units=(16, 4))
    >>> [layer.name for layer in model.layers]
    ['hidden1', 'hidden2', 'output']
    >>> model.count_params()  # 8*16+16 + 16*4+4 + 4*1+1
    217
    """
    if len(input_shape) != 1:
        raise ValueError(
            "Expected input_shape to be (num_features,); flatten images first. "
            f"Received: input_shape={input_shape}"
        )
    model = keras.Sequential([keras.Input(input_shape, name="features")], name=name)
    for i, width in enumerate(units, start=1):
        model.add(layers.Dense(width, activation=activation, name=f"hidden{i}"))
        if dropout:
            model.add(layers.Dropout(dropout, name=f"hidden{i}_dropout"))
    model.add(layers.Dense(num_outputs, activation=output_activation, name="output"))
    return model
