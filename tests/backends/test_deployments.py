"""The compose file and the Kubernetes manifests refer to what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import collector_check
import pytest
import yaml

from tests.backends.running import CONFIGS

FOLDER = CONFIGS.parent
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
KUBERNETES = FOLDER / "kubernetes"
DOCUMENTS = [
    document
    for file in sorted(KUBERNETES.glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
    if file.name != "kustomization.yaml"
]
WORKLOADS = [document for document in DOCUMENTS if document["kind"] in ("StatefulSet", "DaemonSet")]


def configs_of(arguments: list[str]) -> list[str]:
    """The config files that a Collector is started with, without their folder."""
    return [it.removeprefix("--config=/etc/otelcol/") for it in arguments if it.startswith("--config=/etc/otelcol/")]


def test_compose_mounts_what_exists() -> None:
    """Each file or folder that a container gets is there, and each volume is declared."""
    for service in COMPOSE["services"].values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (FOLDER / source).exists() if source.startswith("./") else source in COMPOSE["volumes"], mount


def test_compose_starts_a_collector_that_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Collector's files exist and are valid with the variables that the compose file sets."""
    collector = COMPOSE["services"]["collector"]
    files = [CONFIGS / name for name in configs_of(collector["command"])]
    assert all(file.exists() for file in files)
    unset = {name for name, default, _, _ in collector_check.Combination(files).variables() if default is None}
    assert unset - set(collector["environment"]) == set()
    if (validator := collector_check.find_collector()) is None:
        pytest.skip("no Collector here: `make collector` builds one")
    for name, value in collector["environment"].items():
        monkeypatch.setenv(name, "100" if value.startswith("${") else value)
    assert collector_check.check(files, validator) == []


def test_compose_talks_to_services_that_exist() -> None:
    """Every host that the provisioned files and the Collector's variables name is a service."""
    services = set(COMPOSE["services"])
    sources = yaml.safe_load((FOLDER / "compose/grafana/datasources/datasources.yaml").read_text())["datasources"]
    prometheus = yaml.safe_load((FOLDER / "compose/prometheus.yaml").read_text())
    targets = [
        it for job in prometheus["scrape_configs"] for static in job["static_configs"] for it in static["targets"]
    ]
    targets += prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    addresses = [source["url"] for source in sources] + targets
    addresses += [COMPOSE["services"]["collector"]["environment"][name] for name in ("PROMETHEUS_URL", "LOKI_URL")]
    hosts = {address.removeprefix("http://").split(":")[0] for address in addresses}
    assert hosts - {"localhost"} <= services


def test_kubernetes_has_the_resources_that_it_lists() -> None:
    """Each resource of the kustomization exists, and so does each file that the ConfigMap is made of."""
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert all((KUBERNETES / resource).exists() for resource in listed)
    manifests = {file.name for file in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert {Path(it).name for it in listed} == manifests | {CONFIGS.name}
    assert all((CONFIGS / file).exists() for file in _config_map())


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload["metadata"]["name"])
def test_kubernetes_collectors_get_their_configs_and_variables(workload: dict[str, Any]) -> None:
    """A Collector is started with files of the ConfigMap, and the variables that they need are set or secret."""
    pod = workload["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    names = configs_of(container["args"])
    paths = {Path(file).name: CONFIGS / file for file in _config_map()}
    assert names
    assert set(names) <= set(paths)
    given = {variable["name"] for variable in container.get("env", [])}
    if container.get("envFrom"):
        given |= {"BACKEND_OTLP_URL", "BACKEND_AUTHORIZATION"}
    combination = collector_check.Combination([paths[name] for name in names])
    needed = {name for name, default, _, _ in combination.variables() if default is None}
    assert needed <= given
    assert workload["spec"]["selector"]["matchLabels"] == workload["spec"]["template"]["metadata"]["labels"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    claims = {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
    assert mounted == {volume["name"] for volume in pod["volumes"]} | claims


def test_the_operator_injects_an_image_that_can_be_built() -> None:
    """The Instrumentation names an image and sends to the agents on the node; the image's recipe is beside it."""
    (instrumentation,) = [it for it in DOCUMENTS if it["kind"] == "Instrumentation"]
    recipe = (KUBERNETES / "python-autoinstrumentation" / "Dockerfile").read_text()
    assert instrumentation["spec"]["python"]["image"] in recipe
    assert instrumentation["spec"]["exporter"]["endpoint"] == "http://$(NODE_IP):4318"
    (agent,) = [it for it in WORKLOADS if it["kind"] == "DaemonSet"]
    ports = agent["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert {"name": "otlp-http", "containerPort": 4318, "hostPort": 4318} in ports


def _config_map() -> list[str]:
    kustomization = yaml.safe_load((CONFIGS / "kustomization.yaml").read_text())
    files: list[str] = kustomization["configMapGenerator"][0]["files"]
    return files
