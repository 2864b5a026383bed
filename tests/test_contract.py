"""The names that other people's notebooks import, with the arguments that they pass."""

import importlib
import inspect

import pytest

NAMES = """
course.models.mlp(input_shape, num_outputs, units, activation, dropout, output_activation, name)
course.models.cnn(input_shape, num_classes, filters, units, dropout, batch_norm, output_activation, name)
course.models.vgg
course.models.resnet
course.models.transfer_classifier
course.models.unet(input_shape, num_classes, filters, attention, activation, normalization, dropout, output_activation, name)
course.models.attention_unet
course.models.attention_gate(skip, gating, filters, name)
course.models.conv_block(x, filters, name)
course.models.residual_block
course.models.vgg_block
course.losses.dice_loss
course.losses.DiceLoss
course.losses.DiceCrossentropy
course.losses.TverskyLoss
course.metrics.Dice
course.metrics.dice_score(mask_true, mask_pred)
course.metrics.hausdorff95(mask_true, mask_pred, spacing_mm)
course.datasets.fetch(name, data_dir, source, files)
course.datasets.mnist.load_data(source, variant)
course.datasets.sign_mnist.load_data(source)
course.datasets.california.load_data(source, seed)
course.datasets.brats.find_cases
course.datasets.brats.fetch_cases
course.datasets.brats.load_case
course.datasets.brats.normalize
course.datasets.brats.save_mask
course.regions.to_regions(labels, edition)
course.regions.from_regions(regions, edition)
course.evaluation.evaluate_regressor
course.evaluation.evaluate_classifier
course.evaluation.evaluate_segmenter
course.export.export(model, folder, card)
course.export.load(folder)
course.training.settings
course.training.set_seed(seed)
course.training.run_dir(lesson, s)
course.training.callbacks(run, batches, seed)
course.training.resume(model, run)
""".strip().splitlines()  # noqa: E501


@pytest.mark.parametrize("line", NAMES, ids=lambda line: line.partition("(")[0])
def test_a_public_name_is_where_it_was(line):
    path, _, wanted = line.rstrip(")").partition("(")
    home, _, name = path.rpartition(".")
    found = getattr(importlib.import_module(home), name)
    assert callable(found)
    if wanted:
        wanted = wanted.split(", ")
        assert list(inspect.signature(found).parameters)[: len(wanted)] == wanted
