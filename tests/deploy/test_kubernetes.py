"""The manifests for Kubernetes: valid for its schemas, all of them listed, and agreeing with each other."""

from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from tests.deploy.shipped import of, read

KUSTOMIZATION, DATABASE = "kustomization.yaml", "cloudnative-pg.yaml"
MANIFESTS = [path for path in of("kubernetes", "*.yaml") if path.name not in {KUSTOMIZATION, DATABASE}]
BY_NAME = {path.name: read(path) for path in of("kubernetes", "*.yaml")}


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: str(path.name))
def test_a_manifest_holds_to_the_schema_of_its_kind(manifest: Path) -> None:
    document = read(manifest)
    assert kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_an_unknown_field_of_a_manifest_is_noticed() -> None:
    document = read(MANIFESTS[0]) | {"specs": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_every_manifest_is_applied() -> None:
    assert sorted(BY_NAME[KUSTOMIZATION]["resources"]) == [path.name for path in MANIFESTS]


def test_service_and_budget_and_policy_are_about_the_nodes() -> None:
    labels = BY_NAME["deployment.yaml"]["spec"]["template"]["metadata"]["labels"]
    chosen = [
        BY_NAME["service.yaml"]["spec"]["selector"],
        BY_NAME["disruption.yaml"]["spec"]["selector"]["matchLabels"],
        BY_NAME["network.yaml"]["spec"]["podSelector"]["matchLabels"],
        BY_NAME["deployment.yaml"]["spec"]["selector"]["matchLabels"],
    ]
    assert chosen == [labels] * 4


def test_a_node_has_time_to_drain_and_the_service_to_notice() -> None:
    pod = BY_NAME["deployment.yaml"]["spec"]["template"]["spec"]
    probe = pod["containers"][0]["readinessProbe"]
    drain = int(BY_NAME["settings.yaml"]["data"]["AGENDA_DRAIN"])
    assert probe["periodSeconds"] * probe["failureThreshold"] < drain <= pod["terminationGracePeriodSeconds"] - 15


def test_the_nodes_and_the_example_of_a_database_use_the_same_names() -> None:
    database = BY_NAME[DATABASE]
    made = database["spec"]["bootstrap"]["initdb"]
    store = f"postgresql://{made['owner']}@{database['metadata']['name']}-rw/{made['database']}?"
    password = BY_NAME["deployment.yaml"]["spec"]["template"]["spec"]["containers"][0]["env"][0]["valueFrom"]
    assert BY_NAME["settings.yaml"]["data"]["AGENDA_STORE"].startswith(store)
    assert password["secretKeyRef"]["name"] == made["secret"]["name"]
