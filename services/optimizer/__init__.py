"""The optimizer: one master in, a rendition for every placement out."""
