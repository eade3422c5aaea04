#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""schema.py SCHEMA FILE...: whether each FILE, or each line of a FILE that ends in .jsonl, is as SCHEMA says.

Also says of each property that SCHEMA does not name: a reader must ignore it, but the schema lacks it.
"""
import json
import sys

import jsonschema


def strict(schema):
    """Makes each object that names its properties refuse others."""
    if isinstance(schema, dict):
        for value in schema.values():
            strict(value)
        if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        for value in schema:
            strict(value)
    return schema


def texts(name):
    with open(name, encoding="utf-8") as text:
        return list(text) if name.endswith(".jsonl") else [text.read()]


def main():
    with open(sys.argv[1], encoding="utf-8") as text:
        schema = json.load(text)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(strict(schema))
    bad = 0
    for name in sys.argv[2:]:
        for number, text in enumerate(texts(name), 1):
            error = jsonschema.exceptions.best_match(validator.iter_errors(json.loads(text)))
            # Of a choice of schemas the nearest tells what is wrong.
            while error and error.context:
                error = max(error.context, key=lambda e: (len(e.absolute_path), e.validator != "const"))
            if error:
                where = "/".join(str(step) for step in error.absolute_path)
                print(f"{name}:{number}: {where}: {error.message[:300]}")
                bad += 1
    return bad > 0


sys.exit(main())
