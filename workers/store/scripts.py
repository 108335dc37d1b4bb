"""The Lua scripts: each one step that no other client can be seen half-way through."""

from __future__ import annotations

from enum import Enum
from importlib import resources
from typing import Final

from workers import keys


class Script(Enum):
    """A script of this folder: `<name>.lua` says what it does, takes and returns."""

    CREATE = "create"
    CLAIM = "claim"
    RENEW = "renew"
    RECORD = "record"
    RELEASE = "release"
    CANCEL = "cancel"
    BLAME = "blame"
    WAITING = "waiting"
    BEAT = "beat"
    FIGURES = "figures"
    TAKE = "take"
    DELETE = "delete"
    OUTLOOK = "outlook"
    RECALL = "recall"
    RESERVE = "reserve"
    RESERVED = "reserved"
    DEFER = "defer"
    LEASE_DELIVERY = "lease_delivery"
    REPORT_DELIVERY = "report_delivery"
    REDELIVER = "redeliver"
    RETIRE = "retire"

    @property
    def is_about_one_job(self) -> bool:
        """Whether `_job.lua` stands in front of it, and its first keys are those of `keys.JobKeys`."""
        return self not in _ABOUT_NO_JOB

    def read(self) -> str:
        """The text that Redis runs."""
        folder = resources.files(__package__)
        counting = ["_figures.lua"] if self.is_about_one_job or self is Script.FIGURES else []
        job = ["_job.lua"] if self.is_about_one_job else []
        admission = ["_admission.lua"] if self is Script.CREATE else []
        parts = [*counting, *job, *admission, f"{self.value}.lua"]
        texts = [(folder / name).read_text("utf-8") for name in parts]
        constants = [f"local TOMBSTONE_S = {keys.TOMBSTONE_S}", f"local OPEN_BYTES = '{keys.OPEN_BYTES}'"]
        return "\n".join([*constants, *texts])


_ABOUT_NO_JOB: Final = {
    Script.WAITING,
    Script.BEAT,
    Script.FIGURES,
    Script.TAKE,
    Script.OUTLOOK,
    Script.RECALL,
    Script.RESERVE,
    Script.RESERVED,
    Script.LEASE_DELIVERY,
}
