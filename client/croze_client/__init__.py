"""Client of the CRoZe scoring service.

from croze_client import Client

with Client(space="nasbench201") as client:
    for result in client.score(["|nor_conv_3x3~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|none~1|skip_connect~2|"]):
        print(result.score, result.error)
"""

from __future__ import annotations

from croze_client._version import VERSION
from croze_client.async_client import AsyncClient
from croze_client.client import Client
from croze_client.errors import (
    AccessDenied,
    ApiError,
    BadInput,
    Conflict,
    CrozeError,
    DuplicateIds,
    Fault,
    IncompatibleServer,
    JobGone,
    JobLost,
    JobUnknown,
    LocalServerFailed,
    MixedSpaces,
    Overloaded,
    Refused,
    ServiceFailed,
    ServiceUnreachable,
    WaitTimeout,
)
from croze_client.evaluator import AsyncEvaluator, Evaluator
from croze_client.known import Checked, Format, Space, Worker
from croze_client.local import local_server
from croze_client.patience import Patience
from croze_client.progress import Progress
from croze_client.results import Aggregate, Counts, ItemError, ItemResult, Job, Reference, Score, Spread
from croze_client.submission import Architecture, Options, Submission

__version__ = VERSION

__all__ = [
    "AccessDenied",
    "Aggregate",
    "ApiError",
    "Architecture",
    "AsyncClient",
    "AsyncEvaluator",
    "BadInput",
    "Checked",
    "Client",
    "Conflict",
    "Counts",
    "CrozeError",
    "DuplicateIds",
    "Evaluator",
    "Fault",
    "Format",
    "IncompatibleServer",
    "ItemError",
    "ItemResult",
    "Job",
    "JobGone",
    "JobLost",
    "JobUnknown",
    "LocalServerFailed",
    "MixedSpaces",
    "Options",
    "Overloaded",
    "Patience",
    "Progress",
    "Reference",
    "Refused",
    "Score",
    "ServiceFailed",
    "ServiceUnreachable",
    "Space",
    "Spread",
    "Submission",
    "WaitTimeout",
    "Worker",
    "__version__",
    "local_server",
]
