"""Arrow's views of texts, one after the other."""

from __future__ import annotations

import struct


def text_views(texts, start):
    """Return the bytes of the long texts, and the 16 bytes of each view."""
    out, views = b"", []
    for text in texts:
        data = b"" if text is None else text.encode()
        if len(data) <= 12:
            views.append(struct.pack("<i12s", len(data), data))
        else:
            views.append(struct.pack("<i4sii", len(data), data[:4], 0, start + len(out)))
            out += data
    return out, views
