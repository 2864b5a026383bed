"""What every builder with channels assumes: they come last."""

import keras


def check_channels_last():
    """Refuse Keras' other order, under which a layer would take the height for the channels.

    Raises:
        ValueError: If `keras.config.image_data_format()` is not "channels_last".
    """
    found = keras.config.image_data_format()
    if found != "channels_last":
        raise ValueError(
            'Expected keras.config.image_data_format() to be "channels_last", since images are '
            '(height, width, channels): keras.config.set_image_data_format("channels_last"). '
            f"Received: {found!r}"
        )
