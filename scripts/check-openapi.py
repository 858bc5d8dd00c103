"""Checks of openapi.yaml what openapi-spec-validator doesn't: that no key comes twice in a mapping, that examples
fit their schemas. Run by scripts/check-openapi, in .build/venv.
"""
import pathlib
import sys

import jsonschema
import yaml

problems = []


class Strict(yaml.SafeLoader):
    """Refuses a key that comes twice."""


def mapping(loader, node, deep=False):
    seen = set()
    for key, _ in node.value:
        if key.value in seen:
            problems.append(f"{key.start_mark}: the key {key.value} comes twice")
        seen.add(key.value)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
# Times stay text.
Strict.yaml_implicit_resolvers = {
    first: [rule for rule in rules if rule[0] != "tag:yaml.org,2002:timestamp"]
    for first, rules in Strict.yaml_implicit_resolvers.items()
}
document = yaml.load((pathlib.Path(__file__).parent.parent / "openapi.yaml").read_text(), Strict)


def follow(reference):
    target = document
    for part in reference.removeprefix("#/").split("/"):
        target = target[part.replace("~1", "/").replace("~0", "~")]
    return target


def resolved(node):
    """The node without references; `nullable` and `exclusiveMinimum` as JSON Schema says them."""
    if isinstance(node, list):
        return [resolved(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return resolved(follow(node["$ref"]))
    result = {key: resolved(value) for key, value in node.items()}
    if result.get("exclusiveMinimum") is True:
        result["exclusiveMinimum"] = result.pop("minimum")
    if result.pop("nullable", False) is True:
        return {"anyOf": [{"type": "null"}, result]}
    return result


def walk(node, path):
    if isinstance(node, list):
        for index, item in enumerate(node):
            walk(item, f"{path}/{index}")
        return
    if not isinstance(node, dict):
        return
    if "schema" in node and ("example" in node or "examples" in node):
        examples = [node["example"]] if "example" in node else []
        examples += [resolved(each)["value"] for each in node.get("examples", {}).values()]
        for example in examples:
            try:
                jsonschema.Draft7Validator(resolved(node["schema"])).validate(example)
            except jsonschema.ValidationError as error:
                problems.append(f"{path}: an example doesn't fit: {error.message}")
    for key, value in node.items():
        walk(value, f"{path}/{key}")


if not str(document.get("openapi", "")).startswith("3.0."):
    problems.append("openapi must be 3.0.x")
walk({key: value for key, value in document.items() if key != "components"}, "")
walk(document["components"], "/components")

print("\n".join(problems) or "openapi.yaml: its examples fit")
sys.exit(1 if problems else 0)
