"""Everything that can go wrong in the service, as one tree of exceptions with stable codes.

An error says what happened, with the value and the limit, and what to do next. It crosses the wire as a code with
parameters (`wire.ErrorBody`); the English sentence is the fallback of a side that does not know the code. This
module knows no HTTP library: ``status`` is a number that `api/` uses.

    GeoR1Error
    ├── Unauthorized, HostNotAllowed, OriginNotAllowed      who asks                        (also PermissionError)
    ├── WireVersionMismatch                                 in which language
    ├── RequestMalformed, NotFound, MethodNotAllowed                          for what
    ├── BodyTooLarge
    ├── BodyInvalid                                         with which words                (also ValueError)
    │   ├── UnknownField, QueryEmpty, QueryTooLong
    ├── ChipError                                           about which pixels              (also ValueError)
    │   ├── ChipUnknown (also LookupError), ChipHashMismatch, ChipUnreadable, ChipTruncated
    │   └── ImageTooLarge, ImageTooSmall, ImageAspect
    ├── ModelUnknown (also LookupError), ModelFailed, TaskUnsupported   of which model
    ├── SegmenterMissing                                    cut out by what                 (also LookupError)
    ├── StorageFailed                                       on which disk                   (also OSError)
    ├── QueueFull, ServiceStopping, Cancelled, EngineFailed             and how it went
    ├── ConfigError                                         a setting that cannot work      (also ValueError)
    ├── MissingExtra                                        an optional package is absent   (also ImportError)
    └── Internal                                            a fault of ours
"""

from geo_r1_backend.errors.base import SHOWN_CHARACTERS, GeoR1Error, Internal, shortened
from geo_r1_backend.errors.chips import (
    ChipError,
    ChipHashMismatch,
    ChipTruncated,
    ChipUnknown,
    ChipUnreadable,
    ImageAspect,
    ImageTooLarge,
    ImageTooSmall,
)
from geo_r1_backend.errors.models import (
    Cancelled,
    ConfigError,
    EngineFailed,
    MissingExtra,
    ModelFailed,
    ModelUnknown,
    QueueFull,
    SegmenterMissing,
    ServiceStopping,
    TaskUnsupported,
)
from geo_r1_backend.errors.requests import (
    BodyInvalid,
    BodyTooLarge,
    HostNotAllowed,
    MethodNotAllowed,
    NotFound,
    OriginNotAllowed,
    QueryEmpty,
    QueryTooLong,
    RequestMalformed,
    Unauthorized,
    UnknownField,
    WireVersionMismatch,
)
from geo_r1_backend.errors.storage import StorageFailed, storage_faults

__all__ = [
    "SHOWN_CHARACTERS",
    "BodyInvalid",
    "BodyTooLarge",
    "Cancelled",
    "ChipError",
    "ChipHashMismatch",
    "ChipTruncated",
    "ChipUnknown",
    "ChipUnreadable",
    "ConfigError",
    "EngineFailed",
    "GeoR1Error",
    "HostNotAllowed",
    "ImageAspect",
    "ImageTooLarge",
    "ImageTooSmall",
    "Internal",
    "MethodNotAllowed",
    "MissingExtra",
    "ModelFailed",
    "ModelUnknown",
    "NotFound",
    "OriginNotAllowed",
    "QueryEmpty",
    "QueryTooLong",
    "QueueFull",
    "RequestMalformed",
    "SegmenterMissing",
    "ServiceStopping",
    "StorageFailed",
    "TaskUnsupported",
    "Unauthorized",
    "UnknownField",
    "WireVersionMismatch",
    "shortened",
    "storage_faults",
]
