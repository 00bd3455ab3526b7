# SPDX-License-Identifier: MIT
"""check_schema.py SCHEMA GRAPH...: one line a graph, "accepted" or "refused". Exit code 77 without python3-jsonschema."""
import json
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(77)

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for name in sys.argv[2:]:
    with open(name, encoding="utf-8") as file:
        print("accepted" if validator.is_valid(json.load(file)) else "refused")
