"""The slides in NumPy, readable first: what Keras does for us, a few lines each.

    activations    the eight functions of the slides' table, with their derivatives
    losses         cross-entropy from logits and ½ squared error, with their derivatives
    backprop       the multilayer perceptron: forward, backward, and one step downhill
    convolution    the sliding kernel, padding, max-pooling
    approximation  the universal approximation theorem, made of steps one can count

Written to be read beside the slides, not to be fast.
"""
