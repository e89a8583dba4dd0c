"""conf/openapi.json, and whether answers are as it says."""

import json
import pathlib

import jsonschema

from tests.harness.http1 import Response

FILE = pathlib.Path(__file__).resolve().parents[2] / "conf/openapi.json"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def status_without_content(status: int) -> bool:
    return status in (204, 304)


class OpenApi:
    """The document as a whole; `check()` raises AssertionError."""

    def __init__(self) -> None:
        self.document = json.loads(FILE.read_text(encoding="utf-8"))

    @property
    def paths(self) -> dict[str, dict]:
        return self.document["paths"]

    def operations(self) -> dict[tuple[str, str], dict]:
        """By path and method ("GET")."""
        return {(path, method.upper()): operation for path, item in self.paths.items()
                for method, operation in item.items() if method in METHODS}

    def is_api(self, path: str) -> bool:
        """Of the fan-out API, not of the admin."""
        return "servers" in self.paths[path]

    def check(self, path: str, method: str, response: Response) -> None:
        what = f"{method} {path}: {response.status}"
        responses = self.operations()[path, method]["responses"]
        if str(response.status) not in responses:
            raise AssertionError(f"{what} is not in {FILE.name}: {response.body[:300]!r}")
        described = responses[str(response.status)]
        for name, header in described.get("headers", {}).items():
            if name not in response.headers:
                raise AssertionError(f"{what} has no {name}")
            text = response.headers[name]
            self.validate(int(text) if header["schema"]["type"] == "integer" else text, header["schema"], what)
        if status_without_content(response.status):
            if response.body:
                raise AssertionError(f"{what} has content: {response.body[:300]!r}")
            return
        media = response.headers.get("content-type", "")
        if media not in described["content"]:
            raise AssertionError(f"{what} is {media!r}, and not one of {list(described['content'])}")
        text = response.body.decode()
        self.validate(json.loads(text) if media == "application/json" else text,
                      described["content"][media]["schema"], what)

    def validate(self, value, schema: dict, what: str) -> None:
        """References are into the document."""
        whole = {**schema, "components": self.document["components"]}
        errors = sorted(jsonschema.Draft202012Validator(whole).iter_errors(value), key=lambda error: error.json_path)
        if errors:
            details = [f"{error.json_path}: {error.message}" for found in errors for error in (found, *(found.context or []))]
            raise AssertionError(f"{what} is not as {FILE.name} describes it: " + "; ".join(details[:6]))

    def check_itself(self) -> None:
        """What a reader of OpenAPI 3.1 relies on."""
        if not self.document["openapi"].startswith("3.1."):
            raise AssertionError(self.document["openapi"])
        names = [operation["operationId"] for operation in self.operations().values()]
        if len(set(names)) != len(names):
            raise AssertionError(f"an operationId stands twice: {sorted(names)}")
        for path, item in self.paths.items():
            named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
            if {parameter["name"] for parameter in item.get("parameters", []) if parameter["in"] == "path"} != named:
                raise AssertionError(f"{path}: its parameters are not {named}")
        for (path, method), operation in self.operations().items():
            for status, response in operation["responses"].items():
                wants_content = not status_without_content(int(status))
                if not response.get("description") or bool(response.get("content")) != wants_content:
                    raise AssertionError(f"{method} {path}: {status} has no description, or content is wrong")
        used: set[str] = set()
        self._check_references(self.document, used)
        unused = set(self.document["components"]["schemas"]) - used
        if unused:
            raise AssertionError(f"nobody refers to {sorted(unused)}")
        for name, schema in self.document["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
            if schema.get("type") == "object" and "required" not in schema:
                raise AssertionError(f"{name}: says not what is required")

    def _check_references(self, value, used: set[str]) -> None:
        if isinstance(value, list):
            for item in value:
                self._check_references(item, used)
        if not isinstance(value, dict):
            return
        for key, item in value.items():
            if key == "$ref":
                name = item.removeprefix("#/components/schemas/")
                if name not in self.document["components"]["schemas"]:
                    raise AssertionError(f"there is no {item}")
                used.add(name)
            else:
                self._check_references(item, used)
