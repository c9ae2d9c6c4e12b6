"""Provenance: how a picture came to be, in IPTC's terms, carried inside the file as XMP.

Generated pictures must say so, and keep saying so through every step (Google Merchant requires
it; the EU AI Act asks for marking). Vocabulary: IPTC Digital Source Type NewsCodes.
"""

from __future__ import annotations

import re

_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"

#: Made by code without a trained model, such as our procedural engine.
ALGORITHMIC = _VOCABULARY + "algorithmicMedia"
#: Made by a trained model.
TRAINED = _VOCABULARY + "trainedAlgorithmicMedia"
#: A photo into which a trained model put something.
COMPOSITE = _VOCABULARY + "compositeWithTrainedAlgorithmicMedia"

_SOURCE_TYPE = re.compile(
    rb"DigitalSourceType(?:>|\s*=\s*[\"']|[^>]*rdf:resource\s*=\s*[\"'])\s*"
    rb"(https?://cv\.iptc\.org/newscodes/digitalsourcetype/[A-Za-z]+)"
)

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
<Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def xmp_packet(source_type: str) -> bytes:
    """An XMP packet that says how the picture came to be, and nothing else."""
    return _XMP.format(source_type=source_type).encode()


def source_type_in(xmp: bytes) -> str | None:
    """The DigitalSourceType that an XMP packet states, if any."""
    found = _SOURCE_TYPE.search(xmp)
    return found.group(1).decode() if found else None
