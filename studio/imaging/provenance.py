"""Provenance: how an image came to be, told in the file itself.

The IPTC Digital Source Type says whether a camera, an algorithm or a trained model made a
picture; platforms read it to label generated images. It travels as the XMP property
`Iptc4xmpExt:DigitalSourceType` (IPTC Photo Metadata Standard 2024.1); in an `Image` it is the
bare term of the IPTC NewsCodes vocabulary. The older IPTC IIM has no field for it.
"""

from __future__ import annotations

import re

#: Made wholly by a model that was trained on sampled content.
TRAINED_ALGORITHMIC_MEDIA = "trainedAlgorithmicMedia"
#: Made wholly by an algorithm that was not trained on sampled content.
ALGORITHMIC_MEDIA = "algorithmicMedia"
#: A picture edited with a trained model, such as in- or outpainting.
COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA = "compositeWithTrainedAlgorithmicMedia"
#: Put together of several pictures, at least one of which a trained model made.
COMPOSITE_SYNTHETIC = "compositeSynthetic"
#: Put together of several pictures that are all taken from real life.
COMPOSITE_CAPTURE = "compositeCapture"
#: Put together of several pictures.
COMPOSITE = "composite"

_GENERATED = {
    TRAINED_ALGORITHMIC_MEDIA,
    COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
    COMPOSITE_SYNTHETIC,
}
_CAPTURED = {
    "digitalCapture",
    "computationalCapture",
    "negativeFilm",
    "positiveFilm",
    "print",
    COMPOSITE_CAPTURE,
}

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"

# As attribute, element or resource: all three are correct RDF and found in the wild. A pattern, not
# a parser: no XML parser has to meet what strangers upload.
_PROPERTY = re.compile(
    rb"""DigitalSourceType(?:\s*=\s*["']|\s*>\s*|\s+rdf:resource\s*=\s*["'])\s*"""
    rb"""https?://cv\.iptc\.org/newscodes/digitalsourcetype/([A-Za-z]{1,64})"""
)
_TERM = re.compile(r"[A-Za-z]{1,64}")

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\
<x:xmpmeta xmlns:x="adobe:ns:meta/">\
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\
<rdf:Description rdf:about="" \
xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" \
Iptc4xmpExt:DigitalSourceType="{uri}"/>\
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def composite_of(own: str | None, other: str | None) -> str | None:
    """The Digital Source Type of a picture into which another one was put.

    own, other: terms of the two; None where a file says nothing, and then nothing is added to what
    the picture says of itself. What a model made is told, however small a part it is. By the
    definitions of the IPTC NewsCodes of 2024-09-17.
    """
    if other is None:
        return own
    kinds = {own, other}
    if kinds <= _CAPTURED:
        return COMPOSITE_CAPTURE
    if own == other:
        return own
    return COMPOSITE_SYNTHETIC if kinds & _GENERATED else COMPOSITE


def source_type_of(xmp: bytes | str | None) -> str | None:
    """The Digital Source Type that an XMP packet states, as a bare term; None if it states none."""
    if not xmp:
        return None
    packet = xmp.encode("utf-8", "replace") if isinstance(xmp, str) else xmp
    found = _PROPERTY.search(packet)
    return found[1].decode("ascii") if found else None


def xmp_packet(source_type: str) -> bytes:
    """An XMP packet that states this Digital Source Type. ValueError unless it is a bare term."""
    if not _TERM.fullmatch(source_type):
        raise ValueError(f"not a term of the IPTC vocabulary: {source_type!r}")
    return _PACKET.format(uri=VOCABULARY + source_type).encode()
