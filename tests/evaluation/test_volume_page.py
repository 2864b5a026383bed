"""The viewer of one case in a report: what is packed, how much it weighs, what the page allows."""

import base64
import gzip
import hashlib
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from course import files
from course.datasets.catalog import Origin
from course.errors import CourseError
from course.evaluation import evaluate_segmenter
from course.evaluation.page import volume
from course.regions import from_regions

BRATS = Origin("brats2020", None, "kaggle", "owner/slug", 1, "BraTS 2020", False, "?", "Menze")
SHAPE = (4, 6, 5)
ABOUT = {"name": "a", "modalities": ["flair", "t1"], "spacing_mm": (3.0, 1.0, 1.5)}


def image():
    """Two channels; the brain is all but a border of one voxel."""
    brain = np.zeros((*SHAPE, 2), "float32")
    brain[1:-1, 1:-1, 1:-1] = np.random.default_rng(0).normal(size=(2, 4, 3, 2))
    return brain


def regions():
    """WT 4 voxels, TC 2 of them, ET 1."""
    mask = np.zeros((*SHAPE, 3), "uint8")
    mask[1, 1:3, 1:3, 0] = mask[1, 1, 1:3, 1] = mask[1, 1, 1, 2] = 1
    return mask


def unpacked(case, what):
    text = json.loads(case)["data"][what]
    return np.frombuffer(gzip.decompress(base64.b64decode(text)), "uint8").reshape(SHAPE)


def report(names="abc", modalities=("flair", "t1")):
    """Cases of which the first is the worst: the network misses all, then half, then nothing."""
    answers = [np.zeros((*SHAPE, 3)), regions() * (np.arange(5) < 2)[:, None], regions()]

    def cases():
        labels = from_regions(regions(), "2020")
        for name in names:
            more = {"modalities": modalities} if modalities else {}
            yield SimpleNamespace(
                name=name,
                image=image(),
                labels=labels,
                spacing_mm=(1, 1, 1),
                edition="2020",
                **more,
            )

    given = iter(answers)
    return evaluate_segmenter(None, cases(), origin=BRATS, predict=lambda m, i: next(given))


def page(report, folder, **options):
    return report.save(folder, **options).read_text(encoding="utf-8")


# ---- what is packed


def test_greys_are_0_outside_the_brain_only_and_masks_count_their_regions():
    case = volume.packed(image(), {"truth": regions()}, **ABOUT)
    about = json.loads(case)
    assert about["shape"] == [4, 6, 5] and about["spacing_mm"] == [3, 1, 1.5]
    assert about["modalities"] == ["flair", "t1"] and about["left_out"] == []
    for channel, modality in enumerate(about["modalities"]):
        grey = unpacked(case, f"image/{modality}")
        inside = image()[..., channel]
        assert ((grey > 0) == (inside != 0)).all()
        order = np.argsort(inside[inside != 0])
        assert (np.diff(grey[inside != 0][order].astype(int)) >= 0).all()
        assert grey[grey > 0].min() == 1 and grey.max() == 255
    assert (unpacked(case, "mask/truth") == regions().sum(-1)).all()
    assert np.bincount(unpacked(case, "mask/truth").ravel()).tolist() == [116, 2, 1, 1]


def test_a_channel_that_is_the_same_everywhere_and_an_empty_image_are_packed_too():
    same = (image() != 0).astype("float32")
    assert set(np.unique(unpacked(volume.packed(same, {}, **ABOUT), "image/flair"))) == {0, 1}
    nothing = volume.packed(np.zeros_like(same), {}, **ABOUT)
    assert not unpacked(nothing, "image/flair").any()


def test_what_has_no_room_is_left_out_by_name(monkeypatch):
    whole = len(volume.packed(image(), {}, **ABOUT))
    one = len(json.loads(volume.packed(image(), {}, **ABOUT))["data"]["image/t1"])
    monkeypatch.setattr(volume, "MOST", 1000 + one + 5)
    about = json.loads(volume.packed(image(), {}, **ABOUT))
    assert about["modalities"] == ["flair"] and about["left_out"] == ["t1"]
    assert list(about["data"]) == ["image/flair"] and len(json.dumps(about)) < whole
    monkeypatch.setattr(volume, "MOST", 1000)
    assert volume.packed(image(), {}, **ABOUT) == ""


def test_a_whole_brain_of_pure_noise_keeps_the_page_under_its_2_mb(tmp_path):
    rng = np.random.default_rng(0)
    d, h, w = np.ogrid[-1:1:155j, -1:1:240j, -1:1:240j]
    brain = d**2 + (h / 0.8) ** 2 + (w / 0.65) ** 2 < 1  # 2.4 million voxels; a real one has 1.5
    noise = np.where(brain, rng.uniform(1, 2, brain.shape), 0).astype("float32")[..., None]
    masks = {"truth": np.repeat(brain[..., None], 3, -1)}
    case = volume.packed(noise, masks, **{**ABOUT, "modalities": ["flair"]})
    assert 1_000_000 < len(case) <= volume.MOST
    found = report()
    without = len(page(found, tmp_path, viewer=False))
    found.case = case
    assert len(page(found, tmp_path)) - without < 2_000_000


# ---- the case on the page


def test_the_case_of_median_dice_is_the_one_on_the_page(tmp_path):
    found = report()
    assert json.loads(found.case)["name"] == "b"
    assert [row["case"] for row in found.per_case] == ["a", "b", "c"]
    answer = unpacked(found.case, "mask/prediction")
    assert answer.sum() == 4 and (unpacked(found.case, "mask/truth") == regions().sum(-1)).all()
    assert "b: de los 3 casos, el de Dice intermedio." in page(found, tmp_path)
    assert "casos, el de" not in page(report("a"), tmp_path)


def test_a_disk_that_refuses_costs_the_viewer_never_the_score(monkeypatch):
    def full(path, content):
        raise CourseError("No se pudo escribir: el disco está lleno.")

    monkeypatch.setattr(files, "write", full)
    found = report()
    assert found.case == "" and found.scores["dice_WT"] == pytest.approx((0 + 2 / 3 + 1) / 3)


def test_without_names_the_channels_are_counted():
    assert json.loads(report(modalities=None).case)["modalities"] == ["canal 1", "canal 2"]


def test_the_page_allows_this_one_script_and_says_what_to_do_without_it(tmp_path):
    text = page(report(), tmp_path)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(scripts) == 1 and len(re.findall("<script", text)) == 2
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert f"script-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy
    assert "hace falta JavaScript" in text


@pytest.mark.parametrize("without", ["flag", "case"])
def test_without_a_case_the_page_has_no_script(tmp_path, without):
    found = report()
    if without == "case":
        found.case = ""
    text = page(found, tmp_path, viewer=without == "case")
    assert "<script" not in text and "script-src" not in text and "brain-plane" not in text


def test_a_case_cannot_be_called_a_tag(tmp_path):
    text = page(report(["</script><b>x", "</script><b>y", "</script><b>z"]), tmp_path)
    assert "<b>" not in text and len(re.findall("</script", text)) == 2
    packed = re.search(r'id="case">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(packed)["name"] == "</script><b>y"
