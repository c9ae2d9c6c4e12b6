"""Provenance of what is put together: the mark of what a model made is never lost."""

import pytest

from studio.imaging import provenance
from studio.imaging.provenance import composite_of

TRAINED, EDITED = (
    provenance.TRAINED_ALGORITHMIC_MEDIA,
    provenance.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
)
SYNTHETIC, ALGORITHMIC = provenance.COMPOSITE_SYNTHETIC, provenance.ALGORITHMIC_MEDIA


@pytest.mark.parametrize("generated", [TRAINED, EDITED, SYNTHETIC])
@pytest.mark.parametrize("photo", [None, "digitalCapture", "humanEdits", ALGORITHMIC])
def test_a_photo_with_something_generated_in_it_is_a_composite_with_it(photo, generated):
    assert composite_of(photo, generated) == SYNTHETIC


@pytest.mark.parametrize("generated", [TRAINED, EDITED, SYNTHETIC])
def test_something_generated_stays_marked_whatever_is_put_into_it(generated):
    assert composite_of(generated, "digitalCapture") == SYNTHETIC
    assert composite_of(generated, None) == generated


@pytest.mark.parametrize("kind", [TRAINED, EDITED, SYNTHETIC, ALGORITHMIC, "digitalCreation"])
def test_two_of_the_same_kind_are_of_that_kind(kind):
    assert composite_of(kind, kind) == kind


def test_photos_put_together_are_a_composite_of_captures():
    assert composite_of("digitalCapture", "negativeFilm") == "compositeCapture"
    assert composite_of("digitalCapture", "digitalCapture") == "compositeCapture"


def test_what_an_algorithm_made_is_told_in_a_photo_but_not_as_a_models_work():
    assert composite_of(None, ALGORITHMIC) == "composite"
    assert composite_of("digitalCapture", ALGORITHMIC) == "composite"


@pytest.mark.parametrize("own", [None, "digitalCapture", ALGORITHMIC])
def test_an_unmarked_picture_adds_nothing(own):
    assert composite_of(own, None) == own
