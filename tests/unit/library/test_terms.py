"""Terms: what is said of an asset finds it, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.library.terms import fact, folded, terms_of, words
from tests.library import row, step


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Café au Lait", ["cafe", "au", "lait"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("snow_leopard-2.jpg", ["snow", "leopard", "2", "jpg"]),
        ("ﬁne  ＦＵＬＬ １２", ["fine", "full", "12"]),
        ("東京 タワー", ["東京", "タワー"]),
        ("… – !", []),
    ],
)
def test_words_know_neither_case_nor_accents_nor_marks(text, found):
    assert words([text]) == found


@given(st.text())
def test_a_word_is_found_by_itself(text):
    for word in words([text]):
        assert words([word]) == [word]


@given(st.text(), st.text())
def test_the_case_of_a_text_does_not_matter_to_finding_it(before, after):
    text = before + after
    assert folded(text.casefold()) == folded(text)


@given(st.text(), st.text())
def test_a_word_is_never_taken_for_a_fact(text, value):
    assert fact("tag", value) not in words([text])


def test_everything_that_is_known_of_an_asset_finds_it():
    one = row(
        workflow="campaign",
        parents=["00000000-0000-0000-0000-00000000000a"],
        step=step("create.generate", provider="local", label="Variation 2", details={
            "filename": "Harbour_0815.jpg", "placement": "instagram_story"}),
        about={
            "title": "Abendlicht", "prompt": "a Harbour at dusk", "description": "Für Marseille",
            "alt_text": "boats", "tags": ["Sea Side"], "collection": "Spring 2027",
        },
    )  # fmt: skip
    terms = set(terms_of(one))
    wanted = (
        "abendlicht", "dusk", "fur", "boats", "side", "2027", "variation", "generate", "local",
        "0815", "instagram", *words([one["_id"]]),
    )  # fmt: skip
    assert terms >= set(wanted)
    assert terms >= {
        "tag=Sea Side", "collection=Spring 2027", "label=Variation 2", "favourite=no",
        "parent=00000000-0000-0000-0000-00000000000a", f"run={one['run']}", "workflow=campaign",
        "operation=create.generate", "provider=local", "media_type=image/png",
        "needs_review=no", "reviewed=no",
        f"blob={one['blob']}",
    }  # fmt: skip


def test_what_its_maker_is_not_sure_of_needs_review_until_somebody_reviewed_it():
    one = row(step=step(details={"needs_review": "A head is cut."}))
    assert {"needs_review=yes", "reviewed=no"} <= set(terms_of(one))
    approved = terms_of({**one, "review": "approved"})
    assert {"needs_review=no", "reviewed=yes", "review=approved"} <= set(approved)


def test_a_row_of_before_reviews_is_simply_not_reviewed():
    old = {key: value for key, value in row().items() if not key.startswith("review")}
    assert {"needs_review=no", "reviewed=no"} <= set(terms_of(old))


def test_what_is_not_known_is_no_term():
    assert not [term for term in terms_of(row()) if term.endswith("=")]
