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
    ├── ModelKept                                           of which model that stays
    ├── SegmenterMissing                                    cut out by what                 (also LookupError)
    ├── DatasetUnknown (also LookupError), DatasetsFull, DatasetInUse           learned from what
    ├── SampleInvalid, BoxOutsideChip, PlaceInTwoParts, NothingToLearn          (also ValueError)
    ├── RunUnknown (also LookupError), RunActive, RunComplete, RunsFull         in which run
    ├── RunCrashed, RunLost, RunOutOfMemory                                     and how the run went
    ├── HubError                                            got from where
    │   ├── HubMissing, HubRevisionMissing (also LookupError), HubGated, HubTokenRefused, HubUnreachable (also ConnectionError)
    │   ├── HubUnsafe, HubUnfit, HubMoved, PlanChanged, FetchDamaged, FetchUnknown (also LookupError), FetchActive
    │   └── DiskTooSmall, DownloadsOff, ImportRefused (also ValueError), ModelInUse
    ├── StorageFailed                                       on which disk                   (also OSError)
    ├── QueueFull, DeviceBusy, ServiceStopping, Cancelled, EngineFailed and how it went
    │   ├── RemoteUnreachable, RemoteUnauthorized, RemoteModelUnknown          and how other servers went
    │   └── RemoteContext, RemoteImageRefused, RemoteRefused, RemoteViews
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
from geo_r1_backend.errors.hub import (
    DiskTooSmall,
    DownloadsOff,
    FetchActive,
    FetchDamaged,
    FetchUnknown,
    HubError,
    HubGated,
    HubMissing,
    HubMoved,
    HubRevisionMissing,
    HubTokenRefused,
    HubUnfit,
    HubUnreachable,
    HubUnsafe,
    ImportRefused,
    ModelInUse,
    PlanChanged,
    gigabytes,
)
from geo_r1_backend.errors.models import (
    Cancelled,
    ConfigError,
    DeviceBusy,
    EngineFailed,
    MissingExtra,
    ModelFailed,
    ModelUnknown,
    QueueFull,
    SegmenterMissing,
    ServiceStopping,
    TaskUnsupported,
)
from geo_r1_backend.errors.remote import (
    RemoteContext,
    RemoteImageRefused,
    RemoteModelUnknown,
    RemoteRefused,
    RemoteUnauthorized,
    RemoteUnreachable,
    RemoteViews,
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
from geo_r1_backend.errors.training import (
    BoxOutsideChip,
    DatasetInUse,
    DatasetsFull,
    DatasetUnknown,
    ModelKept,
    NothingToLearn,
    PlaceInTwoParts,
    RunActive,
    RunComplete,
    RunCrashed,
    RunLost,
    RunOutOfMemory,
    RunsFull,
    RunUnknown,
    SampleInvalid,
)

__all__ = [
    "SHOWN_CHARACTERS",
    "BodyInvalid",
    "BodyTooLarge",
    "BoxOutsideChip",
    "Cancelled",
    "ChipError",
    "ChipHashMismatch",
    "ChipTruncated",
    "ChipUnknown",
    "ChipUnreadable",
    "ConfigError",
    "DatasetInUse",
    "DatasetUnknown",
    "DatasetsFull",
    "DeviceBusy",
    "DiskTooSmall",
    "DownloadsOff",
    "EngineFailed",
    "FetchActive",
    "FetchDamaged",
    "FetchUnknown",
    "GeoR1Error",
    "HostNotAllowed",
    "HubError",
    "HubGated",
    "HubMissing",
    "HubMoved",
    "HubRevisionMissing",
    "HubTokenRefused",
    "HubUnfit",
    "HubUnreachable",
    "HubUnsafe",
    "ImageAspect",
    "ImageTooLarge",
    "ImageTooSmall",
    "ImportRefused",
    "Internal",
    "MethodNotAllowed",
    "MissingExtra",
    "ModelFailed",
    "ModelInUse",
    "ModelKept",
    "ModelUnknown",
    "NotFound",
    "NothingToLearn",
    "OriginNotAllowed",
    "PlaceInTwoParts",
    "PlanChanged",
    "QueryEmpty",
    "QueryTooLong",
    "QueueFull",
    "RemoteContext",
    "RemoteImageRefused",
    "RemoteModelUnknown",
    "RemoteRefused",
    "RemoteUnauthorized",
    "RemoteUnreachable",
    "RemoteViews",
    "RequestMalformed",
    "RunActive",
    "RunComplete",
    "RunCrashed",
    "RunLost",
    "RunOutOfMemory",
    "RunUnknown",
    "RunsFull",
    "SampleInvalid",
    "SegmenterMissing",
    "ServiceStopping",
    "StorageFailed",
    "TaskUnsupported",
    "Unauthorized",
    "UnknownField",
    "WireVersionMismatch",
    "gigabytes",
    "shortened",
    "storage_faults",
]
