"""What the API process reads from its environment: CROZE_* (and REDIS_URL)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AliasChoices, ByteSize, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from workers.settings import DEFAULT_REDIS_URL, PasswordFile, with_password

GIB: Final = 2**30
MIB: Final = 2**20


#: What `Settings.access` can say.
Access: TypeAlias = Literal["auto", "keys", "open"]


class Settings(BaseSettings):
    """Settings of the API. Sizes take a unit: CROZE_MAX_BODY=64MiB."""

    model_config = SettingsConfigDict(env_prefix="CROZE_", populate_by_name=True, extra="ignore", frozen=True)

    redis_password_file: PasswordFile | None = Field(
        default=None, description="A file that holds the password of Redis, so that it need not be in the URL."
    )
    redis_url: str = Field(
        default=DEFAULT_REDIS_URL,
        validation_alias=AliasChoices("CROZE_REDIS_URL", "REDIS_URL"),
        validate_default=True,
        repr=False,  # it may hold a password
        description="redis://, rediss:// or unix:// URL.",
    )
    memory_limit: ByteSize = Field(
        default=ByteSize(4 * GIB),
        gt=0,
        description="An architecture that would need more than this to score is refused.",
    )
    max_body: ByteSize = Field(
        # 20,000 DARTS genotypes with ids are about 16 MB.
        default=ByteSize(32 * MIB),
        gt=0,
        description="Largest request body, uploads of batches included.",
    )
    data_dir: Path | None = Field(default=None, description="Folder with the original data set archives.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("localhost", "127.0.0.1", "[::1]"),
        description="Host names that this service answers for, separated by commas; * for any.",
    )
    redis_memory: ByteSize = Field(
        default=ByteSize(2 * GIB),
        gt=0,
        description="Memory limit of the Redis server that `croze up` starts. No job is accepted above 80 % of it.",
    )
    access: Access = Field(
        default="auto",
        description="Who is let in without a key: auto (this machine, as long as no key was ever made), keys (nobody), "
        "or open (everybody).",
    )
    max_open_items: int = Field(
        default=200_000, gt=0, description="Items that may wait or be worked on, of all jobs together."
    )
    max_open_items_per_key: int = Field(
        default=100_000, gt=0, description="The same for one key, or several of one name."
    )
    max_batches_per_key: int = Field(
        default=100, gt=0, description="Uploaded batches of one key, or several of one name, that are kept at a time."
    )
    items_per_minute: int = Field(default=200_000, gt=0, description="Items that one key may submit in a minute.")
    requests_per_minute: int = Field(default=6_000, gt=0, description="Requests that one key may send in a minute.")
    webhook_allow_private: bool = Field(
        default=False, description="Whether webhooks may lead to addresses that are not public: this network's own."
    )
    log_format: Literal["plain", "json"] = Field(default="plain", description="For people, or one JSON object a line.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="INFO has one line a request, but for probes and scrapes."
    )

    @field_validator("redis_url")
    @classmethod
    def _with_password(cls, url: str, info: ValidationInfo) -> str:
        return with_password(url, info.data.get("redis_password_file"))

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip().lower() for part in value.split(",")) if isinstance(value, str) else value
