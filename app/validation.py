"""Request models that say what is allowed, and pydantic's findings as faults.

A field's description is also its repair: it states type and range, in the documentation and in the error alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from proxy.errors import Fault, allowed_names, shown

#: Types of the errors that say all that is to be said.
_OWN_TYPES: Final = frozenset({"not_allowed", "unknown_name", "missing"})


class QueryModel(BaseModel):
    """Query parameters: text that is read as what the field says. Unknown parameters are refused."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _only_known_names(cls, data: Any) -> Any:
        # Before pydantic's own check, which does not say what was probably meant.
        unknown = [name for name in data if name not in cls.model_fields] if isinstance(data, dict) else []
        if unknown:
            context = {
                "at": place(unknown[:1]),
                "problem": "no such field",
                "repair": allowed_names(unknown[0], cls.model_fields),
            }
            raise PydanticCustomError("unknown_name", "no such field", context)
        return data

    @field_validator("*", mode="wrap")
    @classmethod
    def _name_value_and_repair(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            if all(each["type"] in _OWN_TYPES for each in error.errors()):
                raise  # a model within this one has said it already, and where
            assert info.field_name is not None
            field = cls.model_fields[info.field_name]
            # What is not to be shown is a secret.
            told = f"{brief(value)} is not allowed" if field.repr else "what was sent is not allowed"
            context = {"problem": told, "repair": f"allowed: {field.description}"}
            raise PydanticCustomError("not_allowed", "not allowed", context) from None


class RequestModel(QueryModel):
    """A JSON body: types are taken as they are, so "1" and true are not integers."""

    model_config = ConfigDict(extra="forbid", strict=True)


def brief(value: object) -> str:
    """`value` as error text. Containers are only measured: they may be huge, or nested to the recursion limit."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {len(value)} fields"
    return shown(value)


def fault_of(error: Mapping[str, Any]) -> Fault:
    """One of pydantic's errors, located as FastAPI does it (("body", "seed")), as a fault."""
    source, *path = error["loc"]
    context = error.get("ctx", {})
    at = ".".join(filter(None, [place(path), context.get("at")])) or str(source)
    match error["type"]:
        case "missing":
            return Fault(at, "is missing", "add it")
        case "model_type" | "model_attributes_type" | "dict_type":
            return Fault(at, f"{brief(error['input'])} is not an object", "send a JSON object")
        case _:
            problem = context.get("problem", f"{brief(error['input'])}: {error['msg']}")
            return Fault(at, problem, context.get("repair", "see the OpenAPI document at /openapi.json"))


def place(path: Sequence[str | int]) -> str:
    """("architectures", 3, "id") -> "architectures[3].id"."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part[:60]}" if text else part[:60]
    return text
