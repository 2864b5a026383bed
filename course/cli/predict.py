"""`course predict RUN …`: what a finished run sees in pictures or in a brain."""

from course.cli.parser import command
from course.errors import CourseError


def add_to(commands):
    """Add the command."""
    text = "what a finished run sees in pictures or a brain"
    predict = command(commands, "predict", text, _predict)
    predict.add_argument("run", metavar="RUN", help="the run's folder")
    predict.add_argument(
        "images",
        metavar="INPUT",
        nargs="+",
        help="PNG or JPG; of a segmentation the folder of one case",
    )
    predict.add_argument("-o", dest="output", metavar="MASK", help="the mask's file, .nii.gz")


def _predict(given):
    from course.export import card
    from course.inference import run

    if card.read_run(given.run)["task"] == "segmentation":
        _segment(given)
        return
    if given.output:
        raise CourseError(
            f"-o names a mask to write, which {given.run} does not: it is no segmentation."
        )
    for image, ranking in zip(given.images, run.predict(given.run, given.images), strict=True):
        print(f"{image}:  " + "   ".join(f"{name} {share:.1%}" for name, share in ranking))


def _segment(given):
    from course import regions
    from course.inference import run

    if len(given.images) > 1:
        raise CourseError(
            f"Expected the folder of one case. Received {len(given.images)}; one after the other."
        )
    path, case, volumes_ml = run.segment(given.run, given.images[0], given.output)
    sizes = "   ".join(f"{region} {volume:.1f} ml" for region, volume in volumes_ml.items())
    labels = regions.edition(case.edition).labels
    named = ", ".join(f"{label} {name}" for label, name in labels.items() if label)
    print(f"{case.name}:  {sizes}\nMask: {path}  (BraTS {case.edition}: {named})")
