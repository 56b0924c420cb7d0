"""The JSON Schema of the config: by it an editor completes, explains and checks a config file."""

import re
from importlib.resources import files
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import TaggedUnionSchema

from winnow.config.tree import Config

_LINK = re.compile(r"\[([^]]+)]\([^)]+\)")


class _AnyForm(GenerateJsonSchema):
    """Lets a mapping have the keys of two forms, as ``{column: a}`` has; Pydantic takes one."""

    def tagged_union_schema(self, schema: TaggedUnionSchema) -> JsonSchemaValue:
        forms = super().tagged_union_schema(schema)
        return {"anyOf": forms["oneOf"]}


def meanings() -> dict[str, str]:
    """Return what each key of the config means, by its dotted name; ``logs.*`` is any log."""
    text = files("winnow.config").joinpath("keys.yaml").read_text(encoding="utf-8")
    words: dict[str, str] = yaml.safe_load(text)
    return words


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of a config file, with the meaning of every key.

    Types, choices, ranges and defaults are those of the models, and unknown keys are refused.
    Rules between several keys are not in it: loading the config checks them.
    """
    schema = Config.model_json_schema(by_alias=True, schema_generator=_AnyForm)
    parts: dict[str, Any] = schema["$defs"]
    for part in (schema, *parts.values()):
        part["description"] = part.get("description", "").partition("\n\n")[0].replace("\n", " ")
        for property_ in part.get("properties", {}).values():
            property_.pop("title", None)
    _explain(schema, "", parts, meanings())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Config of Winnow",
    }


def _explain(part: dict[str, Any], path: str, parts: dict[str, Any], words: dict[str, str]) -> None:
    """Give every key of a part, and of the parts below it, its meaning.

    A part may stand in several places, as an entry of a source does: the first place explains it.
    """
    for key, property_ in part.get("properties", {}).items():
        below = "logs.*" if path == "logs" else f"{path}.{key}" if path else key
        if below in words:
            property_.setdefault("description", _LINK.sub(r"\1", words[below]))
        for one in _parts_of(property_, parts):
            _explain(one, below, parts, words)
        for one in _parts_of(property_.get("items", {}), parts):
            _explain(one, f"{below}[]", parts, words)


def _parts_of(property_: dict[str, Any], parts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts that a key can hold, alone, optional, or one of several."""
    choices = (property_, *property_.get("anyOf", ()))
    names = [choice["$ref"].rpartition("/")[2] for choice in choices if "$ref" in choice]
    return [parts[name] for name in names]
