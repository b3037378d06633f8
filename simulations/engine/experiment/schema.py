"""The JSON Schema of an experiment, made from the same tables that read it."""

from __future__ import annotations

import json
from typing import Any

from simulations.engine.experiment import limits
from simulations.engine.experiment.grammar import EXPERIMENT

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def distribution_schema() -> dict[str, Any]:
    """A number, or one tagged form."""
    number = {"type": "number"}
    pair = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    weighted = {
        "type": "array",
        "prefixItems": [number, {"$ref": "#/$defs/distribution"}],
        "minItems": 2,
        "maxItems": 2,
    }
    forms: dict[str, Any] = {
        "uniform": pair,
        "normal": pair,
        "lognormal": pair,
        "pareto": pair,
        "exponential": {"anyOf": [number, {"type": "array", "items": number, "minItems": 1, "maxItems": 1}]},
        "mixture": {"type": "array", "items": weighted, "minItems": 1, "maxItems": limits.MIXTURE_MAX},
        "empirical": {"type": "array", "items": number, "minItems": 1, "maxItems": limits.EMPIRICAL_MAX},
    }
    tagged = [
        {"type": "object", "properties": {kind: form}, "required": [kind], "additionalProperties": False}
        for kind, form in forms.items()
    ]
    return {"anyOf": [number, *tagged]}


def experiment_schema() -> dict[str, Any]:
    """The whole schema. What ids refer to, and which fields exclude each other, only `parse` can tell."""
    return {
        "$schema": DRAFT,
        "title": "Platform Lab experiment, format 1",
        **EXPERIMENT.schema(),
        "$defs": {"distribution": distribution_schema()},
    }


def schema_text() -> str:
    """The file that is published, byte for byte."""
    return json.dumps(experiment_schema(), indent=1, ensure_ascii=False) + "\n"
