"""What a card must say, and how it must fit its model."""

from course import regions

VERSION = 1
# how an example is made ready: datasets.pictures' digit and photo, brats.normalize in the brain
_PREPARATIONS = {
    "classification": ("digit", "photo", None),
    "regression": ("digit", "photo", None),
    "segmentation": ("brain",),
}


def problem(card):
    """What is wrong with a card taken alone, or `None`."""
    if not isinstance(card, dict):
        return f"Expected an object, received {type(card).__name__}"
    task, data = card.get("task"), card.get("data")
    checks = {
        # not True, which equals 1
        "card_version": (type(card.get("card_version")) is int, "an integer"),
        # a list is no key
        "task": (isinstance(task, str) and task in _PREPARATIONS, f"one of {(*_PREPARATIONS,)}"),
        "class_names": (
            task != "classification" or _are_names(card.get("class_names")),
            "a list of different names",
        ),
        "unit": (task != "regression" or isinstance(card.get("unit"), str), "a string"),
        "data": (
            isinstance(data, dict) and isinstance(data.get("dataset"), str),
            "an object with the name of a dataset",
        ),
        **(_volume_checks(card) if task == "segmentation" else {}),
        "inputs": (_are_tensors(card.get("inputs")), "a list of name, shape and dtype"),
        "outputs": (_are_tensors(card.get("outputs")), "a list of name, shape and dtype"),
    }
    if checks["card_version"][0] and card["card_version"] != VERSION:
        return (
            f"card_version: expected {VERSION}, received {card['card_version']}; "
            "use the version of the kit that wrote it, or train again"
        )
    if checks["task"][0]:
        known = _PREPARATIONS[task]
        right = "preparation" in card and card["preparation"] in known
        checks["preparation"] = (right, f"one of {known}")
    for key, (right, expected) in checks.items():
        if not right:
            return f"{key}: expected {expected}, received {repr(card.get(key))[:80]}"
    return None


def disagreement(card, model):
    """Where card and model contradict each other, or `None`."""
    for key, tensors in (("inputs", model.inputs), ("outputs", model.outputs)):
        # outputs are named by Keras, differently in each session
        fields = ("name", "shape", "dtype") if key == "inputs" else ("shape", "dtype")
        found = [describe(tensor) for tensor in tensors]
        said, found = ([[item[f] for f in fields] for item in side] for side in (card[key], found))
        if said != found:
            return f"the card's {key} are {said}, the model's {found}"
    names, outputs = card.get("class_names"), model.outputs[0].shape[-1]
    if card["task"] == "classification" and len(names) != outputs:
        return f"the card names {len(names)} classes, the model has {outputs} outputs"
    if card["task"] == "segmentation":
        return _other_volume(card, model)
    return None


def describe(tensor):
    """An input or output of a model as a card tells it."""
    shape = list(tensor.shape[1:])  # of one example
    return {"name": tensor.name, "shape": shape, "dtype": str(tensor.dtype)}


def _other_volume(card, model):
    """Where a card of volumes and its model contradict each other, or `None`."""
    sides, channels = model.inputs[0].shape[1:-1], model.inputs[0].shape[-1]
    outputs, modalities = model.outputs[0].shape[-1], card["modalities"]
    labels = len(regions.edition(card["edition"]).labels)
    if channels != len(modalities):
        return f"the card names {len(modalities)} modalities, the model takes {channels} channels"
    if outputs not in (len(card["regions"]), labels):
        return (
            f"the model has {outputs} outputs; expected one for each of {len(card['regions'])} "
            f"regions, or for each of {labels} labels of edition {card['edition']}"
        )
    patch = card["patch"] or sides
    if len(patch) != len(sides) or any(
        own not in (None, side) for own, side in zip(sides, patch, strict=True)
    ):
        return f"the card's patch is {patch}, the model takes {list(sides)}"
    return None


def _volume_checks(card):
    """What the card of a segmentation says beside: key → (whether it is right, what is)."""
    edition, patch, held_out = card.get("edition"), card.get("patch"), card.get("held_out")
    editions, names = tuple(regions.EDITIONS), list(regions.REGIONS)
    return {
        "edition": (isinstance(edition, str) and edition in editions, f"one of {editions}"),
        "modalities": (_are_names(card.get("modalities")), "a list of different names"),
        "regions": (card.get("regions") == names, f"{names}"),
        "patch": (
            "patch" in card and (patch is None or _are_sides(patch)),
            "two or three sides in voxels, or null",
        ),
        "held_out": (held_out == [] or _are_names(held_out), "a list of different names of cases"),
    }


def _are_names(names):
    return (
        isinstance(names, list)
        and all(isinstance(name, str) for name in names)
        and len(set(names)) == len(names) > 0
    )


def _are_sides(patch):
    return (
        isinstance(patch, list)
        and len(patch) in (2, 3)
        and all(type(side) is int and 0 < side <= 1024 for side in patch)
    )


def _are_tensors(items):
    kinds = {"name": str, "shape": list, "dtype": str}
    return (
        isinstance(items, list)
        and len(items) > 0
        and all(isinstance(item, dict) for item in items)
        and all(isinstance(item.get(key), kind) for item in items for key, kind in kinds.items())
        and all(side is None or type(side) is int for item in items for side in item["shape"])
    )
