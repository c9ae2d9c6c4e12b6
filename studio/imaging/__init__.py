"""Imaging: pixels in and out, safely, and what several studios need to see in them."""
