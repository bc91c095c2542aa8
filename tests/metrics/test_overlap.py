"""Intersection over union."""

import numpy as np

from treexlite.metrics import JaccardIndex, MeanIoU

IMAGES = np.array([[[0, 1], [1, 1]], [[2, 2], [0, 0]]])
MASKS = np.array([[[0, 1], [0, 1]], [[2, 1], [0, 0]]])  # the classes overlap by 3/4, 2/4 and 1/2


def test_the_pixels_of_all_images_are_examples() -> None:
    metric = JaccardIndex(num_classes=3, average="none")
    metric(IMAGES[:1], MASKS[:1])
    metric(IMAGES[1:], MASKS[1:])
    np.testing.assert_array_equal(metric.compute(), [0.75, 0.5, 0.5])
    assert JaccardIndex()(IMAGES == 1, MASKS == 1) == 0.5


def test_the_mean_leaves_out_a_class_that_is_nowhere() -> None:
    three = MeanIoU(num_classes=3)(IMAGES, MASKS)
    np.testing.assert_allclose(three, 1.75 / 3, rtol=1e-6)
    assert MeanIoU(num_classes=9)(IMAGES, MASKS) == three
    assert JaccardIndex(num_classes=9)(IMAGES, MASKS) < three


def test_pixels_are_ignored_by_a_weight_of_zero() -> None:
    ignored = np.where(IMAGES == 2, 255, IMAGES)
    got = MeanIoU(num_classes=2)(ignored, np.minimum(MASKS, 1), ignored != 255)
    np.testing.assert_allclose(got, (3 / 4 + 2 / 3) / 2, rtol=1e-6)


def test_the_name_in_logs_is_that_of_the_field() -> None:
    assert MeanIoU().name == "mean_iou"
    assert MeanIoU(name="overlap").name == "overlap"
    assert JaccardIndex().name == "jaccard_index"
