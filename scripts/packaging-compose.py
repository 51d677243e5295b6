"""Tests of deploy/compose*.yaml: the published schema, strictly, and whether the parts fit together.

packaging-compose.py SCHEMA MERGED: MERGED is what podman-compose says when it starts both files together. Prints a line a check.
"""
import copy
import json
import sys

import jsonschema
import yaml

USER = "14237:14237"
CHECKS = []


def check(name):
    def add(function):
        CHECKS.append((name, function))
        return function

    return add


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


SCHEMA = json.loads(open(sys.argv[1], encoding="utf-8").read())
BASE = read("deploy/compose.yaml")
OVER = read("deploy/compose.postgres.yaml")
# It prints both files, merged, as JSON before it starts anything.
MERGED = json.JSONDecoder().raw_decode(open(sys.argv[2], encoding="utf-8").read().split("** merged:\n", 1)[1].lstrip())[0]


def is_valid(document):
    return jsonschema.Draft7Validator(SCHEMA).is_valid(document)


@check("compose.yaml is valid")
def base_is_valid():
    jsonschema.Draft7Validator(SCHEMA).validate(BASE)


@check("compose.postgres.yaml is valid")
def over_is_valid():
    jsonschema.Draft7Validator(SCHEMA).validate(OVER)


def misspell(path, key, wrong):
    """A copy of compose.yaml in which one key has another name."""
    document = copy.deepcopy(BASE)
    at = document
    for step in path:
        at = at[step]
    at[wrong] = at.pop(key)
    return document


@check("a misspelt key is refused wherever it stands")
def misspelt_is_refused():
    service = ["services", "health"]
    for path, key, wrong in [
        ([], "volumes", "volumse"),
        (service, "network_mode", "netwrok_mode"),
        (service, "cap_drop", "cap-drop"),
        (service + ["healthcheck"], "interval", "intervall"),
        (service + ["volumes", 0], "source", "src"),
        (service + ["volumes", 0, "volume"], "nocopy", "no_copy"),
        (service + ["depends_on", "bugsink"], "condition", "conditions"),
    ]:
        assert not is_valid(misspell(path, key, wrong)), wrong


@check("a value of the wrong kind is refused")
def wrong_value_is_refused():
    for key, value in [("read_only", ["yes"]), ("cap_drop", "ALL"), ("user", 14237)]:
        document = copy.deepcopy(BASE)
        document["services"]["health"][key] = value
        assert not is_valid(document), key


def published(service):
    """(address or "", port of the machine, port of the container) of each published port."""
    for text in service.get("ports", []):
        parts = str(text).split(":")
        yield ":".join(parts[:-2]), int(parts[-2]), int(parts[-1])


@check("the ports are Bugsink's, and the sidecar's is for this machine only")
def ports():
    app, health = BASE["services"]["bugsink"], BASE["services"]["health"]
    assert health["network_mode"] == "service:bugsink"
    assert "ports" not in health and "networks" not in health
    port = int(app["environment"]["PORT"])
    assert port != 8000
    by_target = {target: address for address, _, target in published(app)}
    assert by_target == {port: "", 8000: "127.0.0.1"}, by_target
    assert len({outside for _, outside, _ in published(app)}) == 2
    assert health["environment"]["BUGSINK_HEALTH_APP_URL"] == f"http://127.0.0.1:{port}"


@check("both see the same files, and the sidecar as their owner")
def volumes():
    app, health = BASE["services"]["bugsink"], BASE["services"]["health"]
    of_app = {text.split(":")[1]: text.split(":")[0] for text in app["volumes"]}
    of_health = {entry["target"]: entry["source"] for entry in health["volumes"]}
    assert of_app == of_health == {"/data": "data", "/tmp": "tmp"}, (of_app, of_health)
    assert set(of_app.values()) == set(BASE["volumes"])
    assert health["env_file"] == app["env_file"]


@check("the sidecar has no rights that it does not need")
def rights():
    for service in [BASE["services"]["health"], OVER["services"]["wait"]]:
        assert service["user"] == USER and service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


@check("the image is this version's")
def image():
    version = open("VERSION", encoding="utf-8").read().strip()
    for service in [BASE["services"]["health"], OVER["services"]["wait"]]:
        assert service["image"] == f"registry.example.com/bugsink-health:{version}"


@check("its health is asked by the program itself")
def healthcheck():
    test = BASE["services"]["health"]["healthcheck"]["test"]
    assert test[:3] == ["CMD", "bugsink-health", "probe"], test


@check("with PostgreSQL, no secret stands in a variable of ours, and every one is a file")
def secrets():
    for name in ["wait", "health"]:
        service = MERGED["services"][name]
        assert "DATABASE_URL" not in service["environment"]
        path = service["environment"]["DATABASE_URL_FILE"]
        assert path == "/run/secrets/database-url" and "database-url" in service["secrets"]
        assert "database.env" not in service.get("env_file", [])
    assert MERGED["services"]["db"]["environment"]["POSTGRES_PASSWORD_FILE"] == "/run/secrets/database-password"
    used = {name for service in MERGED["services"].values() for name in service.get("secrets", [])}
    assert used == set(MERGED["secrets"])
    assert all(secret["file"].startswith("./secrets/") for secret in MERGED["secrets"].values())


@check("with PostgreSQL, Bugsink starts when the database is ready, and all else stays")
def merged():
    services = MERGED["services"]
    assert set(services) == {"db", "wait", "bugsink", "health"}
    assert services["bugsink"]["depends_on"] == {"wait": {"condition": "service_completed_successfully"}}
    assert services["wait"]["command"][:3] == ["wait", "--for", "start"]
    assert services["bugsink"]["env_file"] == ["bugsink.env", "database.env"]
    for key in ["network_mode", "healthcheck", "volumes", "user"]:
        assert services["health"][key] == BASE["services"]["health"][key], key


for title, test_function in CHECKS:
    try:
        test_function()
        print(f"ok compose: {title}")
    except Exception as problem:  # whatever it is, the other checks go on
        print(f"FAILED compose: {title}: {type(problem).__name__}: {problem}")
