"""A trained network as a page, which anybody can ask: in one file, from a server, on a Space.

    web/            the page itself: HTML, CSS and JavaScript as they are written, no build step
    page            puts the page together; `export_web` writes it with a network inside, as the
                    plain steps of `course.export.steps`
    server          `course demo`: the page from 127.0.0.1, where Keras answers
    site            what the page may ask there
    worker          the one thread that owns the network
    brains          the cases that the page of a segmentation shows
    refusal         why something was not done, in Spanish and in English
    space, hub      the page as a Space's folder, and on its way to Hugging Face
    gradio_page     the page inside Gradio
    digits/         the network that the package brings, which benchmarks/demo_network.py trained

The page asks a network for answers and does not know where it runs: in the page (`network.js`) or
where it came from (`remote.js`).
"""
