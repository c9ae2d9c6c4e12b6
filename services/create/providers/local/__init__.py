"""The local engine: a procedural picture maker. It composes, it does not imagine.

Deterministic: the same prompt, style, size and seed give the same bytes. It needs no key, no
network and no GPU; it draws designed scenes from the words that it knows (see vocabulary.yaml
and docs/prompts.md).
"""
