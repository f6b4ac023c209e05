"""What can be wrong with the pixels that were sent."""

from __future__ import annotations

from geo_r1_backend.errors.base import GeoR1Error, shortened


class ChipError(GeoR1Error, ValueError):
    """Something is wrong with the pixels."""

    code = "chip-unreadable"
    status = 422


class ChipUnknown(ChipError, LookupError):
    """The service does not hold this chip (any more)."""

    code = "chip-unknown"
    status = 404

    def __init__(self, *, sha256: str, missing: int = 1) -> None:
        others = f", nor are {missing - 1} others" if missing > 1 else ""
        super().__init__(
            f"The chip {shortened(sha256, 13)} is not here{others}; it was never sent or it has expired.",
            hint="Send it with PUT /v1/chips/{sha256} and ask again.",
            sha256=shortened(sha256, 64),
            missing=missing,
        )


class ChipHashMismatch(ChipError):
    """The bytes are not what their name says."""

    code = "chip-hash-mismatch"

    def __init__(self, *, expected: str, given: str) -> None:
        super().__init__(
            f"The bytes have the SHA-256 {shortened(given, 13)}, the address says {shortened(expected, 13)}.",
            hint="Compute the hash over exactly the bytes that are sent.",
            expected=shortened(expected, 64),
            given=given,
        )


class ChipUnreadable(ChipError):
    """Not an image of a kind that is taken."""

    code = "chip-unreadable"

    def __init__(self, *, reason: str, hint: str = "") -> None:
        super().__init__(
            f"The image cannot be read: {reason}.",
            hint=hint or "Send a PNG, JPEG or WebP image with 8 bits per band.",
            reason=reason,
        )


class ChipTruncated(ChipError):
    """The image ends before its last pixel."""

    code = "chip-truncated"

    def __init__(self, *, format_name: str, size_bytes: int) -> None:
        super().__init__(
            f"The {format_name} image ends too early, after {size_bytes:,} bytes.",
            hint="Send it again; if it came from a file, that file is damaged.",
            format=format_name,
            size_bytes=size_bytes,
        )


class ImageTooLarge(ChipError):
    """More pixels than are taken; known from the header, nothing was decoded."""

    code = "image-too-large"
    status = 413

    def __init__(self, *, given_px: int, limit_px: int) -> None:
        super().__init__(
            f"The image has {given_px:,} pixels; this service takes {limit_px:,}.",
            hint="Zoom in, draw a smaller area, or split it into tiles.",
            given_px=given_px,
            limit_px=limit_px,
        )


class ImageTooSmall(ChipError):
    """Too few pixels to see anything."""

    code = "image-too-small"

    def __init__(self, *, width_px: int, height_px: int, limit_px: int) -> None:
        super().__init__(
            f"The image is {width_px} × {height_px} pixels; each side needs at least {limit_px}.",
            hint="Zoom out or draw a larger area.",
            width_px=width_px,
            height_px=height_px,
            limit_px=limit_px,
        )


class ImageAspect(ChipError):
    """A strip so narrow that no model can look at it."""

    code = "image-aspect"

    def __init__(self, *, width_px: int, height_px: int, limit: int) -> None:
        super().__init__(
            f"The image is {width_px} × {height_px} pixels; one side may be at most {limit} times the other.",
            hint="Draw an area that is less elongated.",
            width_px=width_px,
            height_px=height_px,
            limit=limit,
        )
