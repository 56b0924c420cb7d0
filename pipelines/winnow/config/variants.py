"""Variants: several recipes in one config, which share how the logs are read."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ValidationError

from winnow.config.annotations import along
from winnow.config.explain import explained
from winnow.config.model import Fault, fault
from winnow.config.yaml_text import Document, Key

MAY_DIFFER: tuple[tuple[str, ...], ...] = (
    ("seed",),
    ("epoch",),
    ("shards",),
    ("tables",),
    ("popularity", "smoothing"),
    ("positives", "downsampling"),
    ("positives", "upsampling"),
    ("positives", "weights"),
    ("positives", "labels"),
    ("positives", "weight_by"),
    ("positives", "per_user_cap"),
    ("negatives",),
    ("ranking",),
    ("cascade",),
    ("requests",),
    ("evaluation",),
    ("split",),
    ("publishing",),
    ("gates",),
)
"""What a variant may set. All else decides how logs are read and which events there are: that is
done once for all variants, so it must be the same."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_FIX = "Set it outside of variants, for all of them, or build it by a config of its own."


def _variant_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("must be a name of letters, digits, _ and -, beginning with a letter")
    return name


VariantName = Annotated[str, AfterValidator(_variant_name)]
"""The name of a variant, and of the folder of its tables."""


def merged(base: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tree with what a variant says: maps key by key, all else in place of what was there.

    NULL takes back what the base says of a key, so that its default counts.
    """
    tree = dict(base)
    for key, value in part.items():
        if value is None and key in tree:
            del tree[key]
        elif isinstance(value, Mapping) and isinstance(tree.get(key), Mapping):
            tree[key] = merged(tree[key], value)
        else:
            tree[key] = value
    return tree


def names_faults(names: Iterable[str], folders: Iterable[str]) -> Iterator[Fault]:
    """Give the variants whose folder would be another one's.

    Args:
        names: The variants, in order.
        folders: Names that folders of the warehouse have already.
    """
    seen = {name.casefold(): f"{name} is a folder of every warehouse" for name in folders}
    for name in names:
        if (why := seen.get(name.casefold())) is not None:
            yield fault(("variants", name), f"no variant can be called so: {why}")
        seen[name.casefold()] = f"{name} is the name of another variant"


def variant_faults(
    name: str, part: Mapping[str, Any], tree: Mapping[str, Any], model: type[BaseModel]
) -> Iterator[Fault]:
    """Give what is wrong with one variant.

    Args:
        name: The variant. part: What it says.
        tree: The whole config of the variant, as ``merged`` returned it.
        model: What a whole config is checked by.
    """
    refused = list(_not_to_differ(part, (), model))
    for key in refused:
        what = "variants share how logs are read and which events there are, so none may set this"
        known = ", ".join(".".join(one) for one in MAY_DIFFER)
        yield fault(("variants", name, *key), what, expected=f"some of {known}", next_step=_FIX)
    if refused:
        return
    try:
        model.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        for key, problem in explained(error, model, Document("", tree)):
            yield ("variants", name, *key), problem


def _not_to_differ(part: Mapping[str, Any], above: Key, model: type[BaseModel]) -> Iterator[Key]:
    """Give the keys of a part that no variant may set; what is no key at all is told elsewhere."""
    for name, value in part.items():
        key = (*above, name)
        if any(key[: len(one)] == one for one in MAY_DIFFER):
            continue
        partly = any(one[: len(key)] == key for one in MAY_DIFFER)
        if partly and isinstance(value, Mapping):
            yield from _not_to_differ(value, key, model)
        elif not partly and along(model, key)[0] is not None:
            yield key
